// The part of Server that is done every few seconds: what changed on disk, readers and callers that
// fell silent, the own port, memory.
#include <malloc.h>

#include <memory>
#include <utility>

#include "server/base/logging.h"
#include "server/server.h"

namespace unlasting::server {
namespace {

// How often the schedulers look for readers that have stopped reading, and the calls for callers
// that have stopped sending.
constexpr absl::Duration kPeerCheckInterval = absl::Seconds(1);

// How often memory that a burst of work left behind is returned to the system, which malloc would
// keep in the arena of every thread.
constexpr absl::Duration kTrimInterval = absl::Minutes(1);

constexpr absl::Duration kOwnPortInterval = absl::Seconds(5);
// Failures in a row after which the server is taken to be dead.
constexpr int kMaxFailedChecks = 3;

constexpr absl::Duration kReloadCheckInterval = absl::Milliseconds(500);

constexpr absl::Duration kExpiryCheckInterval = absl::Hours(12);
constexpr absl::Duration kExpiryNotice = absl::Hours(24 * 14);

}  // namespace

void Server::StartChores() {
  auto peers = std::make_unique<PeriodicTasks>(clock_);
  peers->Every(kTrimInterval, [] { malloc_trim(0); });
  peers->Every(kPeerCheckInterval, [this] { models_.WakeAll(); });
  peers->Every(kPeerCheckInterval, [this] {
    open_calls_.EndReadsSince(clock_->Now() -
                              absl::Seconds(config_.limits().read_patience_seconds()));
  });
  peers->Start();
  chores_.push_back(std::move(peers));
  auto own_port = std::make_unique<PeriodicTasks>(clock_);
  own_port->Every(kOwnPortInterval, [this] { CheckOwnPort(); });
  own_port->Start();
  chores_.push_back(std::move(own_port));
  const absl::Duration watch = absl::Seconds(config_.watch_seconds());
  Watch(watch, [this] { ReloadModels(); });
  if (tokens_ != nullptr) Watch(watch, [this] { ReloadTokens(); });
  if (tls_ != nullptr) {
    Watch(absl::Seconds(config_.tls().refresh_seconds()), [this] { ReloadTls(); });
    Watch(kExpiryCheckInterval, [this] { WarnOfExpiry(); });
  }
}

void Server::Watch(absl::Duration interval, const std::function<void()>& look) {
  auto chore = std::make_unique<PeriodicTasks>(clock_);
  chore->Every(interval, look);
  chore->Every(kReloadCheckInterval, [this, look, seen = reloads_.load()]() mutable {
    if (std::exchange(seen, reloads_.load()) != seen) look();
  });
  chore->Start();
  chores_.push_back(std::move(chore));
}

void Server::CheckOwnPort() {
  const absl::Status status = listener_->SelfCheck(/*plaintext=*/tls_ == nullptr);
  failed_checks_ = status.ok() ? 0 : failed_checks_ + 1;
  const bool alive = failed_checks_ < kMaxFailedChecks;
  if (alive_.exchange(alive) == alive) return;
  for (HealthService* health : {&health_, &plain_health_service_}) health->Set("liveness", alive);
  LogEvent(alive ? LogLevel::kInfo : LogLevel::kError,
           alive ? "the own port responds again" : "the own port does not respond",
           alive ? LogFields{} : LogFields{{"error", std::string(status.message())}});
}

void Server::ReloadModels() {
  for (const ReloadOutcome& outcome : models_.ReloadChanged()) {
    metrics_.CountReload(outcome.name, outcome.status.ok());
    LogFields fields = {{"model", outcome.name}, {"directory", outcome.directory}};
    if (outcome.status.ok()) {
      fields.emplace_back("version", outcome.model->version());
      fields.emplace_back("bundle_hash", outcome.model->bundle()->hash());
      LogEvent(LogLevel::kInfo, "model reloaded", fields);
    } else {
      fields.emplace_back("error", std::string(outcome.status.message()));
      LogEvent(LogLevel::kError, "model reload failed, the old model stays in service", fields);
    }
  }
}

void Server::ReloadTokens() {
  const auto read = tokens_->ReadIfChanged();
  if (!read.ok()) {
    LogEvent(LogLevel::kError, "tokens reload failed, the old tokens stay in force",
             {{"error", std::string(read.status().message())}});
  } else if (*read) {
    LogEvent(LogLevel::kInfo, "tokens reloaded");
  }
}

void Server::ReloadTls() {
  const auto read = tls_->ReadIfChanged();
  if (!read.ok()) {
    LogEvent(LogLevel::kError, "certificates reload failed, the old ones stay in use",
             {{"error", std::string(read.status().message())}});
  } else if (*read) {
    LogEvent(LogLevel::kInfo, "certificates reloaded");
    WarnOfExpiry();
  }
}

void Server::WarnOfExpiry() {
  const absl::Time expiry = tls_->expiry();
  // Not the server's clock, which knows no date.
  const absl::Time now = absl::Now();
  if (expiry - now > kExpiryNotice) return;
  LogEvent(LogLevel::kWarning,
           expiry <= now ? "the certificate has expired" : "the certificate expires soon",
           {{"certificate", config_.tls().certificate()},
            {"expires", absl::FormatTime(expiry, absl::UTCTimeZone())}});
}

}  // namespace unlasting::server
