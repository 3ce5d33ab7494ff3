// The part of Server that says whether it takes work, and that stops it.
#include <chrono>
#include <thread>

#include "grpc/grpc.h"
#include "inference/grpc_service.grpc.pb.h"
#include "server/base/logging.h"
#include "server/server.h"
#include "unlasting/v1/model_service.grpc.pb.h"
#include "unlasting/v1/prediction_service.grpc.pb.h"

namespace unlasting::server {
namespace {

// Names in the health service, beside those of the services. "" is the same as kReadiness, as
// gRPC's clients expect.
constexpr char kLiveness[] = "liveness";
constexpr char kReadiness[] = "readiness";

// How long a peer has, once nothing is left to do for it, to close its connection.
constexpr absl::Duration kGoodbye = absl::Seconds(1);

// How long the thread of a chore may take to end.
constexpr absl::Duration kChorePatience = absl::Seconds(1);

}  // namespace

void Server::SetServing(bool serving) {
  ready_ = serving;
  for (HealthService* health : {&health_, &plain_health_service_}) {
    health->Set(kLiveness, alive_);
    for (const char* name : {"", kReadiness, v1::PredictionService::service_full_name(),
                             v1::ModelService::service_full_name()}) {
      health->Set(name, serving);
    }
    if (inference_service_ != nullptr) {
      health->Set(inference::GRPCInferenceService::service_full_name(), serving);
    }
  }
}

void Server::ShutdownGrpc() {
  const absl::Duration grace = absl::Seconds(config_.grace_seconds());
  Mutex mutex;
  CondVar changed;
  bool done = false;
  // gRPC waits for every stream and every connection to end. Watchers of health never end by
  // themselves, and a peer need not respond to GOAWAY: neither has to be waited for once the calls
  // are done.
  std::thread closer([this, grace, &mutex, &changed, &done] {
    open_calls_.WaitUntilNone(grace);
    health_.End();
    const auto end = std::chrono::steady_clock::now() + absl::ToChronoMilliseconds(kGoodbye);
    MutexLock lock(&mutex);
    while (!done && std::chrono::steady_clock::now() < end) {
      changed.WaitFor(&mutex, std::chrono::milliseconds(50));
    }
    if (!done) grpc_server_cancel_all_calls(grpc_->c_server());
  });
  grpc_->Shutdown(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(grace));
  {
    MutexLock lock(&mutex);
    done = true;
    changed.NotifyAll();
  }
  closer.join();
}

void Server::Drain() {
  if (grpc_ == nullptr) return;
  SetServing(false);
  open_calls_.EndIdleReads();
  LogEvent(LogLevel::kInfo, "draining", {{"grace_seconds", absl::StrCat(config_.grace_seconds())}});
  for (const auto& chore : chores_) {
    if (!chore->Stop(kChorePatience)) stuck_ = true;
  }
  listener_->Stop();
  ShutdownGrpc();
  if (plain_health_ != nullptr) {
    plain_health_service_.End();
    plain_health_->Shutdown(std::chrono::system_clock::now());
    plain_health_.reset();
  }
  // From here on no reaction of gRPC runs. The executors stop next, and the pools last.
  grpc_.reset();
  models_.Clear();
  LogEvent(LogLevel::kInfo, "stopped");
}

Server::~Server() {
  Drain();
  chores_.clear();
  models_.Clear();
}

}  // namespace unlasting::server
