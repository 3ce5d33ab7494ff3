// RunScreen predicts thousands of perturbations of the same control cells, over several servers at
// once.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "client/screen/screen_parts.h"
#include "client/screen/screen_plan.h"
#include "client/transport/client.h"
#include "client/transport/retrying_client.h"

namespace unlasting::client {

struct ScreenOptions {
  int streams = 2;  // requests under way at once with each server
  RetryPolicy retry;
  RetryingClient::Time time = RetryingClient::RealTime();
};

struct ScreenWork {
  v1::PredictRequest request;  // all but cells and perturbations
  std::optional<cells::ControlMatrix> cells;
  std::vector<v1::Perturbation> perturbations;
  std::vector<ScreenBatch> batches;
};

// Predicts every batch that `parts` lacks and writes it there. Each stream begins with a server of
// its own and moves on where that one fails. The first error that does not pass ends the screen
// when the batches under way are done; what is written stays. `on_done` is told the perturbations
// done so far, by one thread at a time.
absl::Status RunScreen(const std::vector<Client*>& servers, const ScreenWork& work,
                       const ScreenOptions& options, const ScreenParts& parts,
                       const std::function<void(int64_t)>& on_done);

}  // namespace unlasting::client
