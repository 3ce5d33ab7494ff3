// RunScreen predicts thousands of perturbations of the same control cells, over several servers at
// once.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/screen/screen_parts.h"
#include "client/screen/screen_table.h"
#include "client/transport/client.h"
#include "client/transport/retrying_client.h"

namespace unlasting::client {

struct ScreenOptions {
  int streams = 2;     // requests under way at once with each server
  int64_t batch = 16;  // rows of one request
  RetryPolicy retry;
  RetryingClient::Time time = RetryingClient::RealTime();
};

struct ScreenWork {
  v1::PredictRequest request;  // all but cells and perturbations
  std::optional<cells::ControlMatrix> cells;
  std::vector<ScreenRow> rows;
};

// Equal for screens whose parts fit together: all but the perturbations is the same.
std::string FingerprintOf(const ScreenWork& work);

// Predicts every row that `parts` lacks and writes it there; the rows that a server refused are
// returned, in the table's order, and the others go on without them. Each stream has a server of
// its own, goes to the others while that one fails and returns to it; `watch` keeps account of
// `servers` by their index. The first error that does not pass, and is not about a row, ends the
// screen when the requests under way are done; what is written stays. Once the clients' calls are
// cancelled, those under way are given up and CANCELLED is returned. `on_done` is told the rows
// done so far, by one thread at a time.
absl::StatusOr<std::vector<BadRow>> RunScreen(const std::vector<Client*>& servers,
                                              const ScreenWork& work, const ScreenOptions& options,
                                              const ScreenParts& parts, ServerWatch* watch,
                                              const std::function<void(int64_t)>& on_done);

}  // namespace unlasting::client
