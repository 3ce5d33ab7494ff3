// Control cells from the wire to core/predict. No gRPC and no threads here.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/matrix.h"
#include "core/predict/query/query.h"
#include "server/base/violations.h"
#include "server/config/limits.h"
#include "server/request/gene_index.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::server {

// Control cells decoded and checked as far as that goes without a model.
struct RawControls {
  CsrMatrix values;                // [cells, columns]; finite, 0 or more
  std::vector<std::string> genes;  // column names; empty where gene_list_hash is set
  std::string gene_list_hash;
  std::vector<std::string> cell_types;  // one per cell
  std::vector<std::string> barcodes;    // one per cell, or empty
  std::vector<double> library_sizes;    // counts per cell, or empty
  predict::ValueKind value_kind = predict::ValueKind::kLog1p;
  predict::MissingGenes missing = predict::MissingGenes::kError;

  // Memory held, for budgets.
  int64_t Bytes() const;
};

// Whatever is wrong goes to `violations` under `field` ("cells"); the result is then meaningless.
RawControls DecodeControls(const v1::ControlCells& message, const std::string& field,
                           const RequestLimits& limits, Violations* violations);

// The same for an upload, part by part.
RawControls DecodeControlsHeader(const v1::RegisterControlsHeader& message,
                                 const RequestLimits& limits, Violations* violations);
void AppendControlsChunk(const v1::RegisterControlsChunk& message, const RequestLimits& limits,
                         RawControls* controls, Violations* violations);

// Matches columns to the model and normalises. Genes that the model does not know are left out
// before anything dense is made, so that memory is cells times the model's genes at most.
absl::StatusOr<predict::ControlSet> ResolveRawControls(const bundle::Bundle& bundle,
                                                       const GeneIndex& index,
                                                       const RawControls& controls);

}  // namespace unlasting::server
