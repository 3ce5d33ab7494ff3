// RetryingClient makes calls of Predict that survive full queues, broken connections and restarts
// of servers.
//
//   RetryingClient client({a.get(), b.get()}, 0, RetryPolicy(), RetryingClient::RealTime());
//   client.UseControls(&cells);
//   auto status = client.Predict(request, [&] { collector = {}; },
//                                [&](const auto& part) { return collector.Add(part); });
#pragma once

#include <cstddef>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/transport/client.h"
#include "client/transport/retry.h"
#include "client/transport/server_watch.h"
#include "core/cells/control_matrix.h"

namespace unlasting::client {

// One thread; several may share the Clients.
class RetryingClient {
 public:
  // Injected, so that tests need not wait.
  struct Time {
    std::function<absl::Time()> now;
    std::function<void(absl::Duration)> sleep;
  };
  // `cancellation` ends a sleep early (null: nobody does).
  static Time RealTime(Cancellation* cancellation = nullptr);

  // `clients` outlive this. The one at `first` is asked first and the next after a failure; later
  // calls return to the first, after a pause that grows from 1 to 30 seconds while it fails.
  // `watch` (null: nobody) is told how each try ended, by the client's index; it outlives this.
  RetryingClient(std::vector<Client*> clients, size_t first, const RetryPolicy& policy, Time time,
                 ServerWatch* watch = nullptr);

  // Requests that follow have these control cells: small ones in the request, others registered
  // once with each server, and again where a server forgot them. `cells` outlives this.
  void UseControls(const cells::ControlMatrix* cells);

  // Calls `on_start` at the beginning of each try: what came before is void. The last failure where
  // it does not pass, or where nothing arrived for RetryPolicy.give_up. `on_part`'s own error is
  // returned at once, and CANCELLED once the clients' calls are cancelled.
  absl::Status Predict(v1::PredictRequest request, const std::function<void()>& on_start,
                       const std::function<absl::Status(const v1::PredictResponse&)>& on_part);

  int64_t retries() const { return retries_; }

 private:
  absl::Status AddControls(v1::PredictRequest* request);
  // Notes how a try with the current server ended.
  void Account(const absl::Status& status);

  const std::vector<Client*> clients_;
  const size_t first_;
  size_t current_;
  int first_failures_ = 0;                         // in a row, of the first server
  absl::Time first_again_ = absl::InfinitePast();  // when it may be asked again
  ServerWatch* const watch_;
  const RetryPolicy policy_;
  const Time time_;
  const cells::ControlMatrix* cells_ = nullptr;
  std::vector<std::string> control_ids_;  // per client; "" where not registered
  std::mt19937_64 random_{std::random_device{}()};
  int64_t retries_ = 0;
};

}  // namespace unlasting::client
