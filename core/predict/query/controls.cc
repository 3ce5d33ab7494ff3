#include "core/predict/query/controls.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/did_you_mean.h"
#include "core/base/status.h"
#include "core/cells/gene_index.h"
#include "core/cells/normalise.h"
#include "core/predict/query/control_scale.h"
#include "core/predict/query/new_context.h"
#include "core/predict/query/refusal.h"

namespace unlasting::predict {
namespace {

using bundle::Bundle;
using bundle::Manifest;
using cells::ControlMatrix;
using cells::MissingGenes;

constexpr size_t kNamedGenes = 10;

// Column of the caller's cells for each gene of the bundle, -1 where missing.
absl::StatusOr<std::vector<int64_t>> ColumnsOf(const Manifest& manifest,
                                               const ControlMatrix& controls) {
  if (controls.gene_list_hash.empty()) {
    return cells::MatchGenes(manifest.genes, manifest.gene_symbols,
                             cells::GeneIndex(controls.genes));
  }
  if (controls.gene_list_hash != manifest.GeneHash()) {
    return Invalid("UNKNOWN_GENE_LIST",
                   absl::StrCat("gene_list_hash: found ", controls.gene_list_hash, ", expected ",
                                manifest.GeneHash(), " of the model '", manifest.name, "'"));
  }
  const auto genes = static_cast<int64_t>(manifest.genes.size());
  if (controls.values.cols != genes) {
    return Invalid("INVALID_SHAPE",
                   absl::StrCat("found ", controls.values.cols, " columns, expected ", genes,
                                ", one for each gene of the model"));
  }
  std::vector<int64_t> columns(genes);
  std::iota(columns.begin(), columns.end(), 0);
  return columns;
}

absl::StatusOr<int32_t> FindCellType(const Manifest& manifest, const std::string& name) {
  const auto known = std::find(manifest.cell_types.begin(), manifest.cell_types.end(), name);
  if (known != manifest.cell_types.end()) {
    return static_cast<int32_t>(known - manifest.cell_types.begin());
  }
  return WithReason(absl::NotFoundError(absl::StrCat(
                        "cell_type: found '", name, "', which the model '", manifest.name,
                        "' does not know", DidYouMean(name, manifest.cell_types),
                        "; expected one of ", absl::StrJoin(manifest.cell_types, ", "),
                        ", or, for cells of a type that training never saw, its name as "
                        "new_context (--new-cell-type)")),
                    "UNKNOWN_CELL_TYPE");
}

// `new_context`, where it is not empty, comes after all types of the manifest.
absl::StatusOr<std::vector<int32_t>> MatchCellTypes(const Manifest& manifest,
                                                    const std::vector<std::string>& names,
                                                    const std::string& new_context) {
  std::map<std::string, int32_t> known;
  if (!new_context.empty()) {
    known[new_context] = static_cast<int32_t>(manifest.cell_types.size());
  }
  std::vector<int32_t> types;
  types.reserve(names.size());
  for (const std::string& name : names) {
    auto found = known.find(name);
    if (found == known.end()) {
      UNLASTING_ASSIGN_OR_RETURN(const int32_t type, FindCellType(manifest, name));
      found = known.emplace(name, type).first;
    }
    types.push_back(found->second);
  }
  return types;
}

// INVALID_ARGUMENT where genes are missing and the policy does not say what stands for them.
absl::Status CheckMissing(const Manifest& manifest, const ControlMatrix& controls,
                          const std::vector<std::string>& missing) {
  if (missing.empty() || controls.missing_genes != MissingGenes::kError) return absl::OkStatus();
  const size_t shown = std::min(missing.size(), kNamedGenes);
  return Invalid(
      "MISSING_GENES",
      absl::StrCat(
          "controls: found no column for ", missing.size(), " of the ", manifest.genes.size(),
          " genes of the model '", manifest.name,
          "': ", absl::StrJoin(missing.begin(), missing.begin() + shown, ", "),
          shown < missing.size() ? ", ..." : "",
          "; expected all, or missing_genes (--missing-genes) zero or panel-mean to fill them in"));
}

// The counts of a cell over all its genes. `logged`: they are given as their log1p.
double LibrarySizeOf(const ControlMatrix& controls, int64_t row, bool logged) {
  if (!controls.library_sizes.empty()) return controls.library_sizes[row];
  double library = 0;
  for (const float value : controls.values.RowValues(row)) {
    library += logged ? cells::CountFromLog1p(value) : value;
  }
  return library;
}

// Writes cells into the bundle's columns, log1p, one row at a time.
class RowWriter {
 public:
  RowWriter(const Bundle& bundle, const ControlMatrix& controls,
            const std::vector<int64_t>& columns, const ControlScale& scale)
      : bundle_(bundle),
        controls_(controls),
        conversion_(scale.conversion),
        logged_counts_(scale.logged_counts),
        row_(columns.size()) {
    genes_of_.resize(controls.values.cols);
    for (size_t gene = 0; gene < columns.size(); ++gene) {
      if (columns[gene] < 0) {
        missing_.push_back(gene);
      } else {
        genes_of_[columns[gene]].push_back(gene);
      }
    }
  }

  // Columns that no gene of the bundle uses.
  int64_t ignored() const {
    return std::count_if(genes_of_.begin(), genes_of_.end(),
                         [](const auto& genes) { return genes.empty(); });
  }
  const std::vector<size_t>& missing() const { return missing_; }

  // Appends the cell's values to those of `resolved`, and of counts its library size.
  void Append(int64_t row, int32_t cell_type, ControlSet* resolved) {
    std::fill(row_.begin(), row_.end(), 0.0f);
    const bool counts = controls_.kind == cells::MatrixKind::kCounts || logged_counts_;
    const double library = counts ? LibrarySizeOf(controls_, row, logged_counts_) : 0;
    const cells::CountScale scale(library, bundle_.manifest().normalisation.target_sum);
    if (counts) resolved->library_size.push_back(library);
    const auto columns = controls_.values.RowIndices(row);
    const auto stored = controls_.values.RowValues(row);
    for (size_t k = 0; k < columns.size(); ++k) {
      const std::vector<size_t>& genes = genes_of_[columns[k]];
      if (genes.empty()) continue;
      const float given = logged_counts_ ? cells::CountFromLog1p(stored[k]) : stored[k];
      const float value = counts                  ? scale.Log1p(given)
                          : conversion_.changes() ? conversion_.Convert(given)
                                                  : given;
      for (const size_t gene : genes) row_[gene] = value;
    }
    if (controls_.missing_genes == MissingGenes::kPanelMean) {
      for (const size_t gene : missing_) row_[gene] = PanelMean(cell_type, gene);
    }
    AppendRow(row_, &resolved->values);
  }

 private:
  // Of a cell type that training never saw, the mean over all types.
  float PanelMean(int32_t cell_type, size_t gene) const {
    const DenseMatrix& mean = bundle_.reference().control_mean;
    const auto column = static_cast<int64_t>(gene);
    if (cell_type < mean.rows) return mean.At(cell_type, column);
    double sum = 0;
    for (int64_t type = 0; type < mean.rows; ++type) sum += mean.At(type, column);
    return static_cast<float>(sum / static_cast<double>(mean.rows));
  }

  const Bundle& bundle_;
  const ControlMatrix& controls_;
  const cells::LogConversion conversion_;
  const bool logged_counts_;
  // Per column of the caller, the genes that it holds: none, one, or several with one symbol.
  std::vector<std::vector<size_t>> genes_of_;
  std::vector<size_t> missing_;
  std::vector<float> row_;  // [N], scratch
};

}  // namespace

const std::string& CellTypeName(const Bundle& bundle, const ControlSet& controls,
                                int32_t cell_type) {
  const std::vector<std::string>& known = bundle.manifest().cell_types;
  const bool trained = cell_type < static_cast<int32_t>(known.size());
  return trained || controls.new_context == nullptr ? known[cell_type] : controls.new_context->name;
}

absl::StatusOr<ControlSet> ResolveControls(const Bundle& bundle, const ControlMatrix& controls) {
  const Manifest& manifest = bundle.manifest();
  if (controls.kind == cells::MatrixKind::kCounts && manifest.normalisation.target_sum <= 0) {
    return Invalid("INVALID_OPTION",
                   absl::StrCat("controls: found counts, expected log1p values, as the model '",
                                manifest.name, "' was trained on log1p values of an unknown sum"));
  }
  UNLASTING_ASSIGN_OR_RETURN(const std::vector<int64_t> columns, ColumnsOf(manifest, controls));
  ControlSet resolved;
  if (!controls.new_context.empty()) {
    UNLASTING_RETURN_IF_ERROR(CheckNewContext(bundle, controls));
  }
  UNLASTING_ASSIGN_OR_RETURN(resolved.cell_type,
                             MatchCellTypes(manifest, controls.cell_types, controls.new_context));
  UNLASTING_ASSIGN_OR_RETURN(ControlScale scale, ScaleOfControls(bundle, controls));
  RowWriter writer(bundle, controls, columns, scale);
  for (const size_t gene : writer.missing()) {
    resolved.missing_genes.push_back(manifest.genes[gene]);
  }
  UNLASTING_RETURN_IF_ERROR(CheckMissing(manifest, controls, resolved.missing_genes));
  resolved.ignored_genes = writer.ignored();
  resolved.values.cols = static_cast<int64_t>(columns.size());
  resolved.values.indptr.reserve(controls.values.rows + 1);
  for (int64_t r = 0; r < controls.values.rows; ++r) {
    writer.Append(r, resolved.cell_type[r], &resolved);
  }
  UNLASTING_RETURN_IF_ERROR(
      CheckFit(bundle, controls, resolved.values, resolved.cell_type, writer.missing(), &scale));
  resolved.notes = std::move(scale.notes);
  if (!controls.new_context.empty()) {
    resolved.new_context = MakeNewContext(bundle, resolved.values, resolved.cell_type,
                                          controls.new_context, &resolved.notes);
  }
  // Arrays that grow hold up to twice what they need, and these live as long as the request.
  resolved.values.indices.shrink_to_fit();
  resolved.values.values.shrink_to_fit();
  resolved.barcodes = controls.barcodes;
  if (resolved.barcodes.empty()) {
    for (int64_t r = 0; r < controls.values.rows; ++r) {
      resolved.barcodes.push_back(absl::StrCat(r));
    }
  }
  return resolved;
}

absl::StatusOr<ControlSet> PanelControls(const Bundle& bundle, const std::string& cell_type,
                                         int64_t count, uint64_t seed) {
  const Manifest& manifest = bundle.manifest();
  const bundle::Reference& reference = bundle.reference();
  UNLASTING_ASSIGN_OR_RETURN(const int32_t type, FindCellType(manifest, cell_type));
  std::vector<int64_t> rows = reference.PanelRows(type);
  if (rows.empty()) {
    return Invalid("NO_CELLS",
                   absl::StrCat("panel: the model '", manifest.name,
                                "' has no control cells of cell type '", cell_type, "'"));
  }
  const auto available = static_cast<int64_t>(rows.size());
  if (count < 0 || count > available) {
    return Invalid("INVALID_OPTION",
                   absl::StrCat("panel cells: found ", count, ", expected 0 to ", available));
  }
  if (count > 0 && count < available) {
    std::mt19937_64 random(seed);
    for (int64_t k = available; k > 1; --k) std::swap(rows[k - 1], rows[random() % k]);
    rows.resize(count);
    std::sort(rows.begin(), rows.end());
  }
  ControlSet controls;
  controls.values.cols = reference.panel.cols;
  for (const int64_t r : rows) {
    AppendRow(reference.panel.Row(r), &controls.values);
    controls.cell_type.push_back(type);
    controls.barcodes.push_back(reference.panel_barcodes[r]);
    if (!reference.panel_library_sizes.empty()) {
      controls.library_size.push_back(reference.panel_library_sizes[r]);
    }
  }
  return controls;
}

}  // namespace unlasting::predict
