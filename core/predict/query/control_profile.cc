#include "core/predict/query/control_profile.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace unlasting::predict {
namespace {

constexpr int64_t kMinCells = 5;
constexpr size_t kMinGenes = 10;
constexpr double kFold = 2;
constexpr double kStandardErrors = 4;
constexpr double kShareOfGenes = 0.2;
constexpr size_t kMaxNamed = 5;

// Means of expm1 by gene and the squares of their standard errors.
struct Profile {
  std::vector<double> mean;
  std::vector<double> squared_error;
};

// Sums over cells, of which each counts `weight` times.
class ProfileSum {
 public:
  explicit ProfileSum(size_t genes) : sum_(genes), squares_(genes) {}

  void Add(size_t gene, float log1p, double weight) {
    const double value = std::expm1(log1p);
    sum_[gene] += weight * value;
    squares_[gene] += weight * value * value;
  }

  // `weight` is that of all cells together, `cells` their number.
  Profile Finish(double weight, double cells) const {
    Profile profile;
    for (size_t gene = 0; gene < sum_.size(); ++gene) {
      const double mean = sum_[gene] / weight;
      profile.mean.push_back(mean);
      profile.squared_error.push_back(std::max(0.0, squares_[gene] / weight - mean * mean) /
                                      (cells - 1));
    }
    return profile;
  }

 private:
  std::vector<double> sum_, squares_;
};

struct GeneRatio {
  size_t gene = 0;
  double ratio = 1;  // of the caller's mean over the panel's
};

// True where a twofold change of the larger mean would be plain.
bool CanBeToldApart(const Profile& a, const Profile& b, size_t gene) {
  const double larger = std::max(a.mean[gene], b.mean[gene]);
  return larger - larger / kFold >
         kStandardErrors * std::sqrt(a.squared_error[gene] + b.squared_error[gene]);
}

std::string Named(const bundle::Manifest& manifest, const std::vector<GeneRatio>& unlike) {
  std::vector<std::string> named;
  for (const GeneRatio& gene : unlike) {
    if (named.size() == kMaxNamed) break;
    named.push_back(absl::StrFormat("%s %.3g times", manifest.genes[gene.gene], gene.ratio));
  }
  return absl::StrCat(absl::StrJoin(named, ", "), unlike.size() > named.size() ? ", ..." : "");
}

}  // namespace

std::string NoteOnProfile(const bundle::Bundle& bundle, const CsrMatrix& values,
                          const std::vector<int32_t>& cell_types,
                          const std::vector<size_t>& missing) {
  const bundle::Reference& reference = bundle.reference();
  const size_t genes = bundle.manifest().genes.size();
  std::map<int32_t, double> cells_of_type;
  for (const int32_t type : cell_types) ++cells_of_type[type];
  ProfileSum of_panel(genes), of_cells(genes);
  int64_t panel_cells = 0;
  for (const auto& [type, cells] : cells_of_type) {
    const std::vector<int64_t> rows = reference.PanelRows(type);
    if (rows.empty()) return "";
    panel_cells += static_cast<int64_t>(rows.size());
    for (const int64_t r : rows) {
      const auto row = reference.panel.Row(r);
      for (size_t gene = 0; gene < genes; ++gene) {
        if (row[gene] != 0) of_panel.Add(gene, row[gene], cells / static_cast<double>(rows.size()));
      }
    }
  }
  if (values.rows < kMinCells || panel_cells < kMinCells) return "";
  for (int64_t r = 0; r < values.rows; ++r) {
    const auto columns = values.RowIndices(r);
    const auto row = values.RowValues(r);
    for (size_t k = 0; k < columns.size(); ++k) of_cells.Add(columns[k], row[k], 1);
  }
  const auto cells = static_cast<double>(values.rows);
  const Profile found = of_cells.Finish(cells, cells);
  const Profile panel = of_panel.Finish(cells, static_cast<double>(panel_cells));

  std::vector<bool> filled_in(genes, false);
  for (const size_t gene : missing) filled_in[gene] = true;
  std::vector<GeneRatio> compared;
  for (size_t gene = 0; gene < genes; ++gene) {
    if (filled_in[gene] || !CanBeToldApart(found, panel, gene)) continue;
    compared.push_back({gene, panel.mean[gene] > 0 ? found.mean[gene] / panel.mean[gene] : 1e9});
  }
  if (compared.size() < kMinGenes) return "";
  // One factor for all genes is what the sums show.
  std::vector<double> ratios;
  for (const GeneRatio& gene : compared) ratios.push_back(gene.ratio);
  std::nth_element(ratios.begin(), ratios.begin() + static_cast<int64_t>(ratios.size() / 2),
                   ratios.end());
  const double median = std::max(ratios[ratios.size() / 2], 1e-9);
  std::vector<GeneRatio> unlike;
  for (const GeneRatio& gene : compared) {
    const double ratio = gene.ratio / median;
    if (ratio >= kFold || ratio * kFold <= 1) unlike.push_back({gene.gene, ratio});
  }
  if (static_cast<double>(unlike.size()) <= kShareOfGenes * static_cast<double>(compared.size())) {
    return "";
  }
  return absl::StrCat(
      "control cells: ", unlike.size(), " of ", compared.size(),
      " genes that can be compared differ twofold or more from the rest, measured by the model's "
      "own control cells of the same types (",
      Named(bundle.manifest(), unlike),
      "): the cells are of another kind or protocol, or a part of the genes was scaled otherwise; "
      "send counts of all genes if there are any");
}

}  // namespace unlasting::predict
