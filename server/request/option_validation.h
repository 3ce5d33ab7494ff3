// ResolveOptions completes the options of a PredictRequest by a bundle's defaults for
// ValidatePredict. Stateless; any thread.
#pragma once

#include "server/base/violations.h"
#include "server/request/request_validation.h"

namespace unlasting::server {

// Fills `task.options` and `result` of `valid`; `genes` finds the bundle's genes.
void ResolveOptions(const v1::PredictOptions& message, const bundle::Bundle& bundle,
                    const cells::GeneIndex& genes, const RequestLimits& limits, ValidRequest* valid,
                    Violations* violations);

}  // namespace unlasting::server
