// Control cells of a request: checked, put into the bundle's gene order, normalised.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <unordered_map>

#include "absl/strings/str_join.h"
#include "core/base/status.h"
#include "core/predict/query/query.h"

namespace unlasting::predict {
namespace {

using bundle::Bundle;
using bundle::Manifest;

// No logarithm of a count in a cell is this large (cf. core/cells).
constexpr float kLargestLog = 25.0f;
constexpr size_t kNamedGenes = 10;

absl::Status Invalid(const std::string& reason, const std::string& message) {
  return WithReason(absl::InvalidArgumentError(message), reason);
}

absl::Status CheckShape(const ControlQuery& query) {
  const int64_t rows = query.values.rows;
  if (rows == 0) return Invalid("NO_CELLS", "controls: found no cells");
  if (query.values.cols != static_cast<int64_t>(query.genes.size())) {
    return Invalid("INVALID_SHAPE", absl::StrCat("controls: found ", query.values.cols,
                                                 " columns and ", query.genes.size(), " genes"));
  }
  const auto fits = [&](size_t size, bool one_for_all) {
    return static_cast<int64_t>(size) == rows || (one_for_all && size == 1);
  };
  if (!fits(query.cell_types.size(), true)) {
    return Invalid("INVALID_SHAPE", absl::StrCat("controls: found ", query.cell_types.size(),
                                                 " cell types for ", rows, " cells"));
  }
  if (!query.barcodes.empty() && !fits(query.barcodes.size(), false)) {
    return Invalid("INVALID_SHAPE", absl::StrCat("controls: found ", query.barcodes.size(),
                                                 " barcodes for ", rows, " cells"));
  }
  if (!query.library_sizes.empty() && !fits(query.library_sizes.size(), false)) {
    return Invalid("INVALID_SHAPE", absl::StrCat("controls: found ", query.library_sizes.size(),
                                                 " library sizes for ", rows, " cells"));
  }
  return absl::OkStatus();
}

absl::Status CheckValues(const ControlQuery& query) {
  const bool counts = query.value_kind == ValueKind::kCounts;
  for (const float value : query.values.values) {
    if (!std::isfinite(value) || value < 0) {
      return Invalid("INVALID_VALUE", absl::StrCat("controls: found the value ", value,
                                                   ", expected finite values of 0 or more"));
    }
    if (!counts && value > kLargestLog) {
      return Invalid("INVALID_VALUE", absl::StrCat("controls: declared log1p, found the value ",
                                                   value, "; raw counts must be declared counts"));
    }
    if (counts && value != std::floor(value)) {
      return Invalid("INVALID_VALUE",
                     absl::StrCat("controls: declared counts, found the fraction ", value));
    }
  }
  for (const double size : query.library_sizes) {
    if (!std::isfinite(size) || size <= 0) {
      return Invalid("INVALID_VALUE",
                     absl::StrCat("controls: found the library size ", size, ", expected above 0"));
    }
  }
  return absl::OkStatus();
}

// Column of the query for each gene of the bundle, -1 where missing.
absl::StatusOr<std::vector<int64_t>> MatchGenes(const Manifest& manifest,
                                                const ControlQuery& query) {
  std::unordered_map<std::string, int64_t> columns;
  for (size_t k = 0; k < query.genes.size(); ++k) {
    if (!columns.emplace(query.genes[k], static_cast<int64_t>(k)).second) {
      return Invalid("DUPLICATE_GENE",
                     absl::StrCat("controls: gene '", query.genes[k], "' stands there twice"));
    }
  }
  std::vector<int64_t> match;
  for (const auto& gene : manifest.genes) {
    auto it = columns.find(gene);
    if (it == columns.end()) {
      const auto symbol = manifest.gene_symbols.find(gene);
      if (symbol != manifest.gene_symbols.end()) it = columns.find(symbol->second);
    }
    match.push_back(it == columns.end() ? -1 : it->second);
  }
  return match;
}

absl::StatusOr<std::vector<int32_t>> MatchCellTypes(const Manifest& manifest,
                                                    const ControlQuery& query) {
  std::vector<int32_t> types;
  for (const auto& name : query.cell_types) {
    const auto known = std::find(manifest.cell_types.begin(), manifest.cell_types.end(), name);
    if (known == manifest.cell_types.end()) {
      return WithReason(absl::NotFoundError(absl::StrCat("cell_type: the model '", manifest.name,
                                                         "' does not know '", name, "'; it knows ",
                                                         absl::StrJoin(manifest.cell_types, ", "))),
                        "UNKNOWN_CELL_TYPE");
    }
    types.push_back(static_cast<int32_t>(known - manifest.cell_types.begin()));
  }
  if (types.size() == 1) types.resize(query.values.rows, types[0]);
  return types;
}

// The factor that takes counts to the bundle's target sum.
double ScaleOf(const ControlQuery& query, int64_t row, double target_sum) {
  double library = 0;
  if (!query.library_sizes.empty()) {
    library = query.library_sizes[row];
  } else {
    for (const float value : query.values.Row(row)) library += value;
  }
  return library > 0 ? target_sum / library : 0.0;
}

}  // namespace

absl::StatusOr<ControlSet> ResolveControls(const Bundle& bundle, const ControlQuery& query) {
  const Manifest& manifest = bundle.manifest();
  UNLASTING_RETURN_IF_ERROR(CheckShape(query));
  UNLASTING_RETURN_IF_ERROR(CheckValues(query));
  const bool counts = query.value_kind == ValueKind::kCounts;
  if (counts && manifest.normalisation.target_sum <= 0) {
    return Invalid("INVALID_OPTION",
                   absl::StrCat("controls: the model '", manifest.name,
                                "' was trained on log1p values; counts cannot be normalised"));
  }
  UNLASTING_ASSIGN_OR_RETURN(const auto match, MatchGenes(manifest, query));
  ControlSet controls;
  UNLASTING_ASSIGN_OR_RETURN(controls.cell_type, MatchCellTypes(manifest, query));
  for (size_t g = 0; g < match.size(); ++g) {
    if (match[g] < 0) controls.missing_genes.push_back(manifest.genes[g]);
  }
  if (!controls.missing_genes.empty() && query.missing == MissingGenes::kError) {
    const auto& names = controls.missing_genes;
    const auto shown = std::min(names.size(), kNamedGenes);
    return Invalid(
        "MISSING_GENES",
        absl::StrCat("controls: lack ", names.size(), " of the model's ", manifest.genes.size(),
                     " genes: ", absl::StrJoin(names.begin(), names.begin() + shown, ", "),
                     shown < names.size() ? ", ..." : ""));
  }
  controls.ignored_genes =
      query.values.cols - static_cast<int64_t>(match.size() - controls.missing_genes.size());
  controls.values = DenseMatrix(query.values.rows, static_cast<int64_t>(match.size()));
  for (int64_t r = 0; r < query.values.rows; ++r) {
    const double scale = counts ? ScaleOf(query, r, manifest.normalisation.target_sum) : 1.0;
    for (size_t g = 0; g < match.size(); ++g) {
      float value = 0;
      if (match[g] >= 0) {
        value = query.values.At(r, match[g]);
        if (counts) value = static_cast<float>(std::log1p(value * scale));
      } else if (query.missing == MissingGenes::kPanelMean) {
        value = bundle.reference().control_mean.At(controls.cell_type[r], g);
      }
      controls.values.At(r, static_cast<int64_t>(g)) = value;
    }
  }
  controls.barcodes = query.barcodes;
  if (controls.barcodes.empty()) {
    for (int64_t r = 0; r < query.values.rows; ++r) controls.barcodes.push_back(absl::StrCat(r));
  }
  return controls;
}

absl::StatusOr<ControlSet> PanelControls(const Bundle& bundle, const std::string& cell_type,
                                         int64_t count, uint64_t seed) {
  const Manifest& manifest = bundle.manifest();
  ControlQuery type_only;
  type_only.cell_types = {cell_type};
  type_only.values.rows = 1;
  UNLASTING_ASSIGN_OR_RETURN(const auto types, MatchCellTypes(manifest, type_only));
  std::vector<int64_t> rows = bundle.reference().PanelRows(types[0]);
  if (rows.empty()) {
    return Invalid("NO_CELLS", absl::StrCat("panel: the model '", manifest.name,
                                            "' has no control cells of type '", cell_type, "'"));
  }
  const auto available = static_cast<int64_t>(rows.size());
  if (count < 0 || count > available) {
    return Invalid("INVALID_OPTION",
                   absl::StrCat("panel: found ", count, " cells, expected 0 to ", available));
  }
  if (count > 0 && count < available) {
    std::mt19937_64 random(seed);
    for (int64_t k = available; k > 1; --k) std::swap(rows[k - 1], rows[random() % k]);
    rows.resize(count);
    std::sort(rows.begin(), rows.end());
  }
  ControlSet controls;
  controls.values = SelectRows(bundle.reference().panel, rows);
  for (const int64_t r : rows) {
    controls.cell_type.push_back(types[0]);
    controls.barcodes.push_back(bundle.reference().panel_barcodes[r]);
  }
  return controls;
}

}  // namespace unlasting::predict
