// Options of a PredictRequest against a model's defaults.
#pragma once

#include "server/base/violations.h"
#include "server/request/request_validation.h"

namespace unlasting::server {

// Fills `work->options` and `work->result`.
void ResolveOptions(const v1::PredictOptions& message, const bundle::Bundle& bundle,
                    const GeneIndex& index, const RequestLimits& limits, PredictWork* work,
                    Violations* violations);

}  // namespace unlasting::server
