#include "server/base/queue_quota.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "server/base/retry_delay.h"

namespace unlasting::server {
namespace {

absl::Status CheckFitsWhenEmpty(const char* unit, const char* reason, int64_t needed, int64_t total,
                                int64_t per_client) {
  const int64_t max = std::min(total, per_client);
  if (needed <= max) return absl::OkStatus();
  return WithReason(absl::ResourceExhaustedError(absl::StrCat(
                        "the request needs ", needed, " ", unit, ", the queue holds at most ", max,
                        ": send fewer cells or perturbations per call")),
                    reason);
}

bool Fits(const Amount& taken, const Amount& more, const Amount& limit) {
  // Differences rather than sums, which could overflow.
  return more.rows <= limit.rows - taken.rows && more.bytes <= limit.bytes - taken.bytes;
}

std::string Describe(const Amount& taken, const Amount& more, const Amount& limit) {
  if (more.rows > limit.rows - taken.rows) {
    return absl::StrCat(taken.rows, " of ", limit.rows, " rows are taken, ", more.rows,
                        " more are needed");
  }
  return absl::StrCat(taken.bytes, " of ", limit.bytes, " bytes are taken, ", more.bytes,
                      " more are needed");
}

void Add(Amount* sum, const Amount& amount) {
  sum->rows += amount.rows;
  sum->bytes += amount.bytes;
}

}  // namespace

absl::Status QueueQuota::Take(const std::string& client, const Amount& amount) {
  UNLASTING_RETURN_IF_ERROR(CheckFitsWhenEmpty("rows", "TOO_MANY_ROWS", amount.rows,
                                               limits_.total.rows, limits_.per_client.rows));
  UNLASTING_RETURN_IF_ERROR(CheckFitsWhenEmpty("bytes", "TOO_MANY_BYTES", amount.bytes,
                                               limits_.total.bytes, limits_.per_client.bytes));
  if (!Fits(total_, amount, limits_.total)) {
    return WithRetryDelay(
        WithReason(absl::ResourceExhaustedError(absl::StrCat(
                       "the queue is full: ", Describe(total_, amount, limits_.total))),
                   "QUEUE_FULL"),
        limits_.retry_delay);
  }
  const auto held = clients_.find(client);
  const Amount taken = held == clients_.end() ? Amount{} : held->second;
  if (!Fits(taken, amount, limits_.per_client)) {
    return WithRetryDelay(WithReason(absl::ResourceExhaustedError(
                                         absl::StrCat("this client's share of the queue is full: ",
                                                      Describe(taken, amount, limits_.per_client))),
                                     "CLIENT_QUEUE_FULL"),
                          limits_.retry_delay);
  }
  Add(&total_, amount);
  Add(&clients_[client], amount);
  return absl::OkStatus();
}

void QueueQuota::Return(const std::string& client, const Amount& amount) {
  const Amount returned = {-amount.rows, -amount.bytes};
  Add(&total_, returned);
  const auto held = clients_.find(client);
  if (held == clients_.end()) return;
  Add(&held->second, returned);
  if (held->second.rows <= 0 && held->second.bytes <= 0) clients_.erase(held);
}

}  // namespace unlasting::server
