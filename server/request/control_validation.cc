#include "server/request/control_validation.h"

#include <cmath>
#include <unordered_set>
#include <utility>

#include "core/base/status.h"
#include "core/cells/dataset.h"
#include "proto/codec/matrix_codec.h"

namespace unlasting::server {
namespace {

void CheckValueKind(v1::ValueKind kind, const std::string& field, RawControls* controls,
                    Violations* violations) {
  switch (kind) {
    case v1::VALUE_KIND_COUNTS:
      controls->value_kind = predict::ValueKind::kCounts;
      return;
    case v1::VALUE_KIND_LOG1P:
      controls->value_kind = predict::ValueKind::kLog1p;
      return;
    default:
      violations->Add(field, "INVALID_VALUE_KIND",
                      absl::StrCat("found ", kind, ", expected COUNTS or LOG1P"));
  }
}

void CheckMissingGenes(v1::MissingGenes policy, const std::string& field, RawControls* controls,
                       Violations* violations) {
  switch (policy) {
    case v1::MISSING_GENES_UNSPECIFIED:
    case v1::MISSING_GENES_ERROR:
      controls->missing = predict::MissingGenes::kError;
      return;
    case v1::MISSING_GENES_ZERO:
      controls->missing = predict::MissingGenes::kZero;
      return;
    case v1::MISSING_GENES_PANEL_MEAN:
      controls->missing = predict::MissingGenes::kPanelMean;
      return;
    default:
      violations->Add(field, "INVALID_OPTION",
                      absl::StrCat("found ", policy, ", expected ERROR, ZERO or PANEL_MEAN"));
  }
}

void CheckGenes(const v1::GeneNames& message, const std::string& field, const RequestLimits& limits,
                RawControls* controls, Violations* violations) {
  if (message.names().empty()) {
    violations->Add(field, "INVALID_SHAPE", "found no names, expected one per column");
    return;
  }
  if (message.names_size() > limits.max_columns) {
    violations->Add(field, "TOO_MANY_GENES",
                    absl::StrCat("found ", message.names_size(), " names, expected at most ",
                                 limits.max_columns));
    return;
  }
  controls->genes.assign(message.names().begin(), message.names().end());
  std::unordered_set<std::string> seen;
  for (const std::string& gene : controls->genes) {
    if (!seen.insert(gene).second) {
      violations->Add(field, "DUPLICATE_GENE",
                      absl::StrCat("found '", gene, "' twice, expected distinct names"));
      return;
    }
  }
}

// Header and ControlCells name the same fields, so one template reads both.
template <typename Message>
void CheckColumns(const Message& message, const std::string& prefix, const RequestLimits& limits,
                  RawControls* controls, Violations* violations) {
  if (message.columns_case() == Message::kGenes) {
    CheckGenes(message.genes(), prefix + "genes", limits, controls, violations);
  } else if (message.columns_case() == Message::kGeneListHash &&
             !message.gene_list_hash().empty()) {
    controls->gene_list_hash = message.gene_list_hash();
  } else {
    violations->Add(prefix + "genes", "MISSING_FIELD",
                    "expected gene names or a gene_list_hash, found neither");
  }
}

// Cells of ControlCells or of a chunk; `controls` holds what the columns are.
template <typename Message>
void AppendCells(const Message& message, const std::string& prefix, const RequestLimits& limits,
                 RawControls* controls, Violations* violations) {
  const int64_t earlier = controls->values.rows;
  if (message.matrix().rows() > limits.max_cells - earlier) {
    violations->Add(prefix + "matrix", "TOO_MANY_CELLS",
                    absl::StrCat("found ", message.matrix().rows(), " cells",
                                 earlier > 0 ? absl::StrCat(" after ", earlier) : "",
                                 ", expected at most ", limits.max_cells));
    return;
  }
  auto decoded = codec::DecodeMatrix(message.matrix(), {limits.max_cells, limits.max_columns});
  if (!decoded.ok()) {
    violations->Add(prefix + "matrix", decoded.status());
    return;
  }
  if (decoded->rows == 0) {
    violations->Add(prefix + "matrix", "NO_CELLS", "found no cells, expected one or more");
    return;
  }
  const int64_t columns = static_cast<int64_t>(controls->genes.size());
  if (columns > 0 && decoded->cols != columns) {
    violations->Add(prefix + "matrix", "INVALID_SHAPE",
                    absl::StrCat("found ", decoded->cols, " columns and ", columns, " gene names"));
  } else if (earlier > 0 && decoded->cols != controls->values.cols) {
    violations->Add(prefix + "matrix", "INVALID_SHAPE",
                    absl::StrCat("found ", decoded->cols, " columns, the chunks before have ",
                                 controls->values.cols));
  }
  const bool counts = controls->value_kind == predict::ValueKind::kCounts;
  const auto kind = cells::DecideMatrixKind(*decoded, counts ? "counts" : "log1p", false);
  if (!kind.ok()) {
    violations->Add(prefix + "matrix", "INVALID_VALUE", std::string(kind.status().message()));
  }

  const int64_t rows = decoded->rows;
  if (message.cell_types_size() == 1) {
    controls->cell_types.insert(controls->cell_types.end(), rows, message.cell_types(0));
  } else if (message.cell_types_size() == rows) {
    controls->cell_types.insert(controls->cell_types.end(), message.cell_types().begin(),
                                message.cell_types().end());
  } else {
    violations->Add(
        prefix + "cell_types", "INVALID_SHAPE",
        absl::StrCat("found ", message.cell_types_size(), " entries, expected 1 or ", rows));
  }
  const auto all_or_none = [&](const char* name, int64_t found, size_t before) {
    const bool expected = earlier == 0 ? found > 0 : before > 0;
    if (found == (expected ? rows : 0)) return true;
    violations->Add(prefix + name, "INVALID_SHAPE",
                    absl::StrCat("found ", found, " entries, expected ", expected ? rows : 0));
    return false;
  };
  if (all_or_none("cell_ids", message.cell_ids_size(), controls->barcodes.size())) {
    controls->barcodes.insert(controls->barcodes.end(), message.cell_ids().begin(),
                              message.cell_ids().end());
  }
  if (all_or_none("library_sizes", message.library_sizes_size(), controls->library_sizes.size())) {
    for (const double size : message.library_sizes()) {
      if (std::isfinite(size) && size > 0) continue;
      violations->Add(prefix + "library_sizes", "INVALID_VALUE",
                      absl::StrCat("found ", size, ", expected finite values above 0"));
      break;
    }
    if (message.library_sizes_size() > 0 && !counts) {
      violations->Add(prefix + "library_sizes", "INVALID_OPTION",
                      "found library sizes with log1p values, expected them with counts only");
    }
    controls->library_sizes.insert(controls->library_sizes.end(), message.library_sizes().begin(),
                                   message.library_sizes().end());
  }

  CsrMatrix& values = controls->values;
  const int64_t stored = static_cast<int64_t>(values.values.size());
  values.rows += rows;
  values.cols = decoded->cols;
  for (int64_t r = 1; r <= rows; ++r) values.indptr.push_back(stored + decoded->indptr[r]);
  values.indices.insert(values.indices.end(), decoded->indices.begin(), decoded->indices.end());
  values.values.insert(values.values.end(), decoded->values.begin(), decoded->values.end());
}

int64_t BytesOf(const std::vector<std::string>& strings) {
  int64_t bytes = static_cast<int64_t>(strings.size() * sizeof(std::string));
  for (const std::string& text : strings) bytes += static_cast<int64_t>(text.size());
  return bytes;
}

}  // namespace

int64_t RawControls::Bytes() const {
  return static_cast<int64_t>(values.indptr.size() * sizeof(int64_t) +
                              values.indices.size() * (sizeof(int32_t) + sizeof(float)) +
                              library_sizes.size() * sizeof(double)) +
         BytesOf(genes) + BytesOf(cell_types) + BytesOf(barcodes);
}

RawControls DecodeControls(const v1::ControlCells& message, const std::string& field,
                           const RequestLimits& limits, Violations* violations) {
  const std::string prefix = field + ".";
  RawControls controls;
  CheckColumns(message, prefix, limits, &controls, violations);
  CheckValueKind(message.value_kind(), prefix + "value_kind", &controls, violations);
  CheckMissingGenes(message.missing_genes(), prefix + "missing_genes", &controls, violations);
  AppendCells(message, prefix, limits, &controls, violations);
  return controls;
}

RawControls DecodeControlsHeader(const v1::RegisterControlsHeader& message,
                                 const RequestLimits& limits, Violations* violations) {
  RawControls controls;
  CheckColumns(message, "header.", limits, &controls, violations);
  CheckValueKind(message.value_kind(), "header.value_kind", &controls, violations);
  CheckMissingGenes(message.missing_genes(), "header.missing_genes", &controls, violations);
  return controls;
}

void AppendControlsChunk(const v1::RegisterControlsChunk& message, const RequestLimits& limits,
                         RawControls* controls, Violations* violations) {
  AppendCells(message, "chunk.", limits, controls, violations);
}

absl::StatusOr<predict::ControlSet> ResolveRawControls(const bundle::Bundle& bundle,
                                                       const GeneIndex& index,
                                                       const RawControls& controls) {
  predict::ControlQuery query;
  query.cell_types = controls.cell_types;
  query.barcodes = controls.barcodes;
  query.library_sizes = controls.library_sizes;
  query.value_kind = controls.value_kind;
  query.missing = controls.missing;
  if (controls.value_kind == predict::ValueKind::kCounts && query.library_sizes.empty()) {
    // Before genes are left out: they belong to the sum.
    for (int64_t r = 0; r < controls.values.rows; ++r) {
      double sum = 0;
      for (const float value : controls.values.RowValues(r)) sum += value;
      // A cell without counts stays zero whatever it is divided by.
      query.library_sizes.push_back(sum > 0 ? sum : 1);
    }
  }

  int64_t ignored = 0;
  if (controls.genes.empty()) {
    if (controls.gene_list_hash != bundle.manifest().GeneHash()) {
      return WithReason(absl::InvalidArgumentError(
                            absl::StrCat("gene_list_hash: found ", controls.gene_list_hash,
                                         ", the model has ", bundle.manifest().GeneHash())),
                        "UNKNOWN_GENE_LIST");
    }
    if (controls.values.cols != static_cast<int64_t>(bundle.manifest().genes.size())) {
      return WithReason(absl::InvalidArgumentError(absl::StrCat("found ", controls.values.cols,
                                                                " columns, expected ",
                                                                bundle.manifest().genes.size())),
                        "INVALID_SHAPE");
    }
    query.genes = bundle.manifest().genes;
    query.values = ToDense(controls.values);
  } else {
    std::vector<int64_t> known;
    for (size_t c = 0; c < controls.genes.size(); ++c) {
      if (index.Find(controls.genes[c]) < 0) continue;
      known.push_back(static_cast<int64_t>(c));
      query.genes.push_back(controls.genes[c]);
    }
    ignored = static_cast<int64_t>(controls.genes.size() - known.size());
    query.values = ToDense(SelectColumns(controls.values, known));
  }
  UNLASTING_ASSIGN_OR_RETURN(predict::ControlSet resolved, predict::ResolveControls(bundle, query));
  resolved.ignored_genes += ignored;
  return resolved;
}

}  // namespace unlasting::server
