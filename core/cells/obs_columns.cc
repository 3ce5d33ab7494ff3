#include "core/cells/obs_columns.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/anndata/warnings.h"
#include "core/base/status.h"
#include "core/cells/labels.h"

namespace unlasting::cells {
namespace {

using anndata::Column;
using anndata::DataFrame;
using Strings = std::vector<std::string>;

// A whole count is this much larger than the sum over a part of the genes, at the median.
constexpr double kSmallestExcess = 1.1;
// Correlation with the sums from which a column without a telling name is taken to follow them.
constexpr double kFollows = 0.5;

struct Field {
  const char* setting;
  const char* flag;
  // Names in lower case without punctuation, the likeliest first.
  absl::string_view names;
};

const Field& FieldOf(Wanted wanted) {
  static constexpr Field kFields[] = {
      {"condition_column", "--condition-column",
       "condition conditions perturbation perturbations perturbationname perturbationlabel "
       "perturbed perturb pert pertname pertiname guideidentity guideidentities guide guides "
       "guideid "
       "guidetarget sgrna grna grnaid sgrnaid grnaidentity targetgene targetgenes genetarget "
       "target "
       "targets targetedgene genetargeted gene genes geneid knockout ko crispr drug drugs drugname "
       "compound compoundname productname product treatment treatments treatmentname treated "
       "stimulation stimulus stim cytokine agent conditionname group"},
      {"cell_type_column", "--cell-type-column",
       "celltype celltypes celltypename celltypelabel celltypel1 celltypel2 celltypel3 cellline "
       "celllines celllinename celllineid cell cellclass cellontologyclass cellidentity cellstate "
       "cellannotation annotation annotations celllabel celllabels majorcelltype predictedcelltype "
       "celltypeannotation celltypeoriginal tissue organ donor donorid patient patientid patients "
       "individual subject subjectid"},
      {"smiles_column", "", "smiles canonicalsmiles isomericsmiles smile drugsmiles structure"},
      {"dose_column", "",
       "doseval dose dosevalue doses dosage concentration conc drugdose dosenm doseum pertdose"},
      {"library_size_column", "--library-size-column", ""}};
  return kFields[static_cast<int>(wanted)];
}

std::string Plain(absl::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (absl::ascii_isalnum(c)) plain.push_back(absl::ascii_tolower(c));
  }
  return plain;
}

// Distinct trimmed values that are not missing; at most `most` of them.
std::set<std::string> Values(const Column& column, size_t most) {
  std::set<std::string> values;
  const auto* categorical = std::get_if<anndata::Categorical>(&column);
  if (categorical != nullptr) {
    // Categories that no row has may stand there.
    std::vector<bool> used(categorical->categories.size(), false);
    for (const int32_t code : categorical->codes) {
      if (code >= 0) used[code] = true;
    }
    for (size_t k = 0; k < used.size() && values.size() < most; ++k) {
      const std::string value = TrimLabel(categorical->categories[k]);
      if (used[k] && !IsMissing(value)) values.insert(value);
    }
    return values;
  }
  for (const std::string& text : anndata::AsStrings(column)) {
    if (values.size() >= most) break;
    if (!IsMissing(text)) values.insert(TrimLabel(text));
  }
  return values;
}

std::vector<double> Numbers(const Column& column) {
  if (const auto* floats = std::get_if<std::vector<double>>(&column)) return *floats;
  std::vector<double> numbers;
  if (const auto* integers = std::get_if<std::vector<int64_t>>(&column)) {
    numbers.assign(integers->begin(), integers->end());
  }
  return numbers;
}

double Correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const auto n = static_cast<double>(a.size());
  double sum_a = 0, sum_b = 0, aa = 0, bb = 0, ab = 0;
  for (size_t k = 0; k < a.size(); ++k) {
    sum_a += a[k];
    sum_b += b[k];
    aa += a[k] * a[k];
    bb += b[k] * b[k];
    ab += a[k] * b[k];
  }
  const double spread = (n * aa - sum_a * sum_a) * (n * bb - sum_b * sum_b);
  return spread > 0 ? (n * ab - sum_a * sum_b) / std::sqrt(spread) : 0.0;
}

bool SaysCounts(const std::string& name) {
  const std::string plain = Plain(name);
  for (const char* word : {"count", "umi", "librarysize", "libsize", "depth", "nreads", "total"}) {
    if (absl::StrContains(plain, word)) return true;
  }
  return false;
}

bool IsWholeCount(const std::string& name, const std::vector<double>& values,
                  const std::vector<double>& sums) {
  if (values.size() != sums.size() || values.empty()) return false;
  std::vector<double> excess;
  for (size_t cell = 0; cell < sums.size(); ++cell) {
    if (!std::isfinite(values[cell]) || values[cell] < sums[cell]) return false;
    if (values[cell] != std::floor(values[cell])) return false;
    if (sums[cell] > 0) excess.push_back(values[cell] / sums[cell]);
  }
  if (excess.empty()) return false;
  const auto middle = excess.begin() + static_cast<int64_t>(excess.size() / 2);
  std::nth_element(excess.begin(), middle, excess.end());
  if (*middle < kSmallestExcess) return false;
  return SaysCounts(name) || Correlation(values, sums) > kFollows;
}

// Part of the name of a column that qualifies what it holds: predicted.celltype.l2, Celltype
// (major), cell_type_ontology_term_id. Numbers, such as a score of the annotation, are no label.
bool HoldsInItsName(const std::string& column, const Column& values, Wanted wanted) {
  if (std::holds_alternative<std::vector<double>>(values)) return false;
  const std::string plain = Plain(column);
  if (wanted == Wanted::kSmiles) return absl::StrContains(plain, "smiles");
  if (wanted != Wanted::kCellType) return false;
  return absl::StrContains(plain, "celltype") || absl::StrContains(plain, "cellline");
}

}  // namespace

Strings LookAlikes(const DataFrame& obs, Wanted wanted, const std::string& name) {
  Strings found;
  for (const auto like : absl::StrSplit(FieldOf(wanted).names, ' ')) {
    for (const auto& [column, values] : obs.columns) {
      if (column == name || Plain(column) != like || Values(values, 1).empty()) continue;
      found.push_back(column);
    }
  }
  for (const auto& [column, values] : obs.columns) {
    const bool named = std::find(found.begin(), found.end(), column) != found.end();
    if (named || column == name || !HoldsInItsName(column, values, wanted)) continue;
    if (!Values(values, 1).empty()) found.push_back(column);
  }
  return found;
}

std::string HowToName(const LoadOptions& options, Wanted wanted, const std::string& column) {
  const Field& field = FieldOf(wanted);
  // A name with a blank, or no name at all, needs quotes on the command line.
  const bool quoted =
      column.empty() || column.find_first_of(" '\"$&;|<>()*?#") != std::string::npos;
  const std::string shown = quoted ? absl::StrCat("'", column, "'") : column;
  if (options.flags && field.flag[0] != '\0') return absl::StrCat(field.flag, " ", shown);
  return absl::StrCat("--set ", field.setting, "=", column.empty() ? "" : shown);
}

absl::StatusOr<Strings> RequiredColumn(const DataFrame& obs, const std::string& name, Wanted wanted,
                                       const LoadOptions& options) {
  const Column* column = obs.Find(name);
  if (column != nullptr) return TrimLabels(anndata::AsStrings(*column));
  const Strings alike = LookAlikes(obs, wanted, name);
  Strings ways;
  for (const auto& other : alike) ways.push_back(HowToName(options, wanted, other));
  Strings names;
  for (const auto& [other, unused] : obs.columns) names.push_back(other);
  return absl::NotFoundError(
      absl::StrCat("obs has no column '", name, "'; found: ", absl::StrJoin(names, " "),
                   ways.empty() ? "" : absl::StrCat("; use ", absl::StrJoin(ways, " or "))));
}

absl::Status CheckNoneIsIgnored(const DataFrame& obs, const std::string& name, Wanted wanted,
                                const LoadOptions& options) {
  const Column* column = obs.Find(name);
  if (column != nullptr && !Values(*column, 1).empty()) return absl::OkStatus();
  for (const auto& alike : LookAlikes(obs, wanted, name)) {
    constexpr size_t kMost = 1000;
    const auto values = Values(*obs.Find(alike), kMost);
    // A value for every cell is a name, and one type for all tells nothing apart.
    const size_t fewest = wanted == Wanted::kCellType ? 2 : 1;
    if (values.size() < fewest || 2 * values.size() > obs.index.size()) continue;
    Strings shown(values.begin(), values.end());
    if (shown.size() > 5) {
      shown.resize(5);
      shown.push_back("...");
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "obs has no column '", name, "'", column != nullptr ? " with values" : "",
        ", and its column '", alike, "' would be ignored, which holds ",
        values.size() == kMost ? "1000 or more" : absl::StrCat(values.size()),
        " values: ", absl::StrJoin(shown, ", "), "; use ", HowToName(options, wanted, alike),
        ", or ", HowToName(options, wanted, ""), " for none"));
  }
  return absl::OkStatus();
}

void WarnOfClusters(const std::string& path, const DataFrame& obs, const LoadOptions& options) {
  if (options.cell_type_column != LoadOptions().cell_type_column) return;
  const Column* own = obs.Find(options.cell_type_column);
  if (own != nullptr && !Values(*own, 1).empty()) return;
  for (const auto& [name, column] : obs.columns) {
    const std::string plain = Plain(name);
    const bool clusters =
        absl::StrContains(plain, "leiden") || absl::StrContains(plain, "louvain") ||
        absl::StrContains(plain, "snnres") || plain == "cluster" || plain == "clusters" ||
        plain == "clusterid" || plain == "clustername" || plain == "clusterlabel" ||
        plain == "seuratclusters" || plain == "subtype" || plain == "phenograph";
    if (!clusters) continue;
    const size_t values = Values(column, 1000).size();
    if (values < 2 || 2 * values > obs.index.size()) continue;
    anndata::Warn(path,
                  absl::StrCat("all cells are taken for one cell type, although obs column '", name,
                               "' holds ", values, " clusters; if they are cell types, use ",
                               HowToName(options, Wanted::kCellType, name)));
    return;
  }
}

std::string WholeCountColumn(const DataFrame& obs, const std::vector<double>& row_sums) {
  std::string follows;
  for (const auto& [name, column] : obs.columns) {
    if (!IsWholeCount(name, Numbers(column), row_sums)) continue;
    if (SaysCounts(name)) return name;
    if (follows.empty()) follows = name;
  }
  return follows;
}

void WarnOfWholeCounts(anndata::Reader* reader, MatrixKind kind,
                       const std::vector<double>& row_sums, const LoadOptions& options) {
  if (kind != MatrixKind::kCounts) return;
  const auto obs = reader->ReadObs();
  if (!obs.ok()) return;
  const std::string column = WholeCountColumn(*obs, row_sums);
  if (column.empty()) return;
  anndata::Warn(reader->path(),
                absl::StrCat("counts are normalised by the sum of each cell's row, although obs "
                             "column '",
                             column, "' looks like its whole count over more genes; if it is, use ",
                             HowToName(options, Wanted::kLibrarySize, column)));
}

}  // namespace unlasting::cells
