// ResolveOptions completes the options of a PredictRequest by a bundle's defaults for
// ValidatePredict. Stateless; any thread.
#pragma once

#include "core/bundle/bundle.h"
#include "core/cells/gene_index.h"
#include "core/predict/query/query.h"
#include "server/base/violations.h"
#include "server/config/limits.h"
#include "server/request/result_options.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::server {

// Fills `options` and `result`; `genes` finds the bundle's genes.
void ResolveOptions(const v1::PredictOptions& message, const bundle::Bundle& bundle,
                    const cells::GeneIndex& genes, const RequestLimits& limits,
                    predict::PredictOptions* options, ResultOptions* result,
                    Violations* violations);

}  // namespace unlasting::server
