// ResolveCounts completes the options of a PredictRequest that asks for drawn counts, by the
// control cells and the bundle, for ValidatePredict. Stateless; any thread.
#pragma once

#include "core/bundle/bundle.h"
#include "core/predict/query/controls.h"
#include "core/predict/query/query.h"
#include "server/base/violations.h"
#include "server/request/result_options.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::server {

// Fills what `options` says of counts. Violations: counts that the bundle cannot draw, a depth out
// of range or without drawn counts, cells whose library sizes are needed and not known, and an
// encoding that rounds whole numbers. `controls` is null where they have violations of their own,
// and `result` is what ResolveOptions made of the message.
void ResolveCounts(const v1::PredictOptions& message, const bundle::Bundle& bundle,
                   const predict::ControlSet* controls, const ResultOptions& result,
                   predict::PredictOptions* options, Violations* violations);

}  // namespace unlasting::server
