#include "proto/codec/control_codec.h"

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace unlasting::codec {
namespace {

using cells::ControlFaults;
using cells::ControlMatrix;
using cells::MatrixKind;
using cells::MissingGenes;

void DecodeKind(v1::ValueKind kind, ControlMatrix* controls, ControlFaults* faults) {
  switch (kind) {
    case v1::VALUE_KIND_COUNTS:
      controls->kind = MatrixKind::kCounts;
      return;
    case v1::VALUE_KIND_LOG1P:
      controls->kind = MatrixKind::kLog1p;
      return;
    default:
      faults->push_back({"value_kind", "INVALID_VALUE_KIND",
                         absl::StrCat("found ", kind, ", expected COUNTS or LOG1P")});
  }
}

void DecodeMissingGenes(v1::MissingGenes policy, ControlMatrix* controls, ControlFaults* faults) {
  switch (policy) {
    case v1::MISSING_GENES_UNSPECIFIED:
    case v1::MISSING_GENES_ERROR:
      controls->missing_genes = MissingGenes::kError;
      return;
    case v1::MISSING_GENES_ZERO:
      controls->missing_genes = MissingGenes::kZero;
      return;
    case v1::MISSING_GENES_PANEL_MEAN:
      controls->missing_genes = MissingGenes::kPanelMean;
      return;
    default:
      faults->push_back({"missing_genes", "INVALID_OPTION",
                         absl::StrCat("found ", policy, ", expected ERROR, ZERO or PANEL_MEAN")});
  }
}

void DecodeTargetSum(double sum, ControlMatrix* controls, ControlFaults* faults) {
  if (!std::isfinite(sum) || sum < 0) {
    faults->push_back({"target_sum", "INVALID_VALUE",
                       absl::StrCat("found ", sum, ", expected 0 (not said) or more")});
  } else if (sum > 0 && controls->kind == MatrixKind::kCounts) {
    faults->push_back({"target_sum", "INVALID_OPTION",
                       "found one with counts, expected it with log1p values only"});
  } else {
    controls->target_sum = sum;
  }
}

void DecodeNewContext(const std::string& name, ControlMatrix* controls, ControlFaults* faults) {
  // It is sent back with every result.
  constexpr size_t kMaxBytes = 256;
  // Kept in any case: cells that state no type are its cells.
  controls->new_context = name;
  if (name.size() <= kMaxBytes) return;
  faults->push_back(
      {"new_context", "INVALID_VALUE",
       absl::StrCat("found a name of ", name.size(), " bytes, expected at most ", kMaxBytes)});
}

v1::MissingGenes EncodeMissingGenes(MissingGenes policy) {
  switch (policy) {
    case MissingGenes::kZero:
      return v1::MISSING_GENES_ZERO;
    case MissingGenes::kPanelMean:
      return v1::MISSING_GENES_PANEL_MEAN;
    case MissingGenes::kError:
      break;
  }
  return v1::MISSING_GENES_ERROR;
}

// A header and a whole message name their columns by the same fields, and a chunk and a whole
// message their rows, so that one template reads and one writes each.
template <typename Message>
ControlMatrix DecodeColumns(const Message& message, ControlFaults* faults) {
  ControlMatrix controls;
  if (message.columns_case() == Message::kGenes) {
    controls.genes.assign(message.genes().names().begin(), message.genes().names().end());
  } else if (message.columns_case() == Message::kGeneListHash &&
             !message.gene_list_hash().empty()) {
    controls.gene_list_hash = message.gene_list_hash();
  } else {
    faults->push_back(
        {"genes", "MISSING_FIELD", "expected gene names or a gene_list_hash, found neither"});
  }
  DecodeKind(message.value_kind(), &controls, faults);
  DecodeMissingGenes(message.missing_genes(), &controls, faults);
  DecodeTargetSum(message.target_sum(), &controls, faults);
  DecodeNewContext(message.new_context(), &controls, faults);
  return controls;
}

template <typename Message>
absl::StatusOr<ControlMatrix> DecodeRows(const Message& message, const DecodeLimits& limits) {
  ControlMatrix part;
  UNLASTING_ASSIGN_OR_RETURN(part.values, DecodeMatrix(message.matrix(), limits));
  if (message.cell_types_size() == 1) {
    part.cell_types.assign(part.values.rows, message.cell_types(0));
  } else {
    part.cell_types.assign(message.cell_types().begin(), message.cell_types().end());
  }
  part.barcodes.assign(message.cell_ids().begin(), message.cell_ids().end());
  part.library_sizes.assign(message.library_sizes().begin(), message.library_sizes().end());
  return part;
}

template <typename Message>
void EncodeColumns(const ControlMatrix& controls, Message* message) {
  if (controls.gene_list_hash.empty()) {
    message->mutable_genes()->mutable_names()->Add(controls.genes.begin(), controls.genes.end());
  } else {
    message->set_gene_list_hash(controls.gene_list_hash);
  }
  message->set_value_kind(controls.kind == MatrixKind::kCounts ? v1::VALUE_KIND_COUNTS
                                                               : v1::VALUE_KIND_LOG1P);
  message->set_missing_genes(EncodeMissingGenes(controls.missing_genes));
  message->set_target_sum(controls.target_sum);
  message->set_new_context(controls.new_context);
}

// The range of `values` where there are any.
template <typename T, typename Field>
void AddRange(const std::vector<T>& values, int64_t first, int64_t last, Field* field) {
  if (!values.empty()) field->Add(values.begin() + first, values.begin() + last);
}

template <typename Message>
void EncodeRows(const ControlMatrix& controls, int64_t first, int64_t last, Message* message) {
  AddRange(controls.cell_types, first, last, message->mutable_cell_types());
  AddRange(controls.barcodes, first, last, message->mutable_cell_ids());
  AddRange(controls.library_sizes, first, last, message->mutable_library_sizes());
}

}  // namespace

ControlMatrix DecodeControlColumns(const v1::ControlCells& message, ControlFaults* faults) {
  return DecodeColumns(message, faults);
}

ControlMatrix DecodeControlColumns(const v1::RegisterControlsHeader& message,
                                   ControlFaults* faults) {
  return DecodeColumns(message, faults);
}

absl::StatusOr<ControlMatrix> DecodeControlRows(const v1::ControlCells& message,
                                                const DecodeLimits& limits) {
  return DecodeRows(message, limits);
}

absl::StatusOr<ControlMatrix> DecodeControlRows(const v1::RegisterControlsChunk& message,
                                                const DecodeLimits& limits) {
  return DecodeRows(message, limits);
}

v1::ControlCells EncodeControls(const ControlMatrix& controls) {
  v1::ControlCells message;
  EncodeColumns(controls, &message);
  *message.mutable_matrix() = EncodeMatrix(controls.values);
  EncodeRows(controls, 0, controls.values.rows, &message);
  return message;
}

v1::RegisterControlsHeader EncodeControlsHeader(const ControlMatrix& controls) {
  v1::RegisterControlsHeader header;
  EncodeColumns(controls, &header);
  return header;
}

v1::RegisterControlsChunk EncodeControlsChunk(const ControlMatrix& controls, int64_t first,
                                              int64_t last) {
  std::vector<int64_t> rows(last - first);
  std::iota(rows.begin(), rows.end(), first);
  v1::RegisterControlsChunk chunk;
  *chunk.mutable_matrix() = EncodeMatrix(SelectRows(controls.values, rows));
  EncodeRows(controls, first, last, &chunk);
  return chunk;
}

int64_t EncodedBytes(const ControlMatrix& controls) {
  int64_t bytes =
      static_cast<int64_t>(controls.values.values.size()) * 8 + controls.values.rows * 24;
  for (const std::string& gene : controls.genes) bytes += static_cast<int64_t>(gene.size()) + 2;
  for (const std::string& id : controls.barcodes) bytes += static_cast<int64_t>(id.size()) + 2;
  return bytes;
}

}  // namespace unlasting::codec
