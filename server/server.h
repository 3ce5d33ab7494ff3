// A Server is the whole of unlasting-server in one object: models, services, health and the admin
// port.
//
//   UNLASTING_ASSIGN_OR_RETURN(auto server, Server::Start(config, Clock::Steady()));
//   ... wait for a signal ...
//   server->Drain();
//
// States: loading -> ready (health SERVING) -> draining (NOT_SERVING: new calls are refused, those
// in flight may finish within the grace period) -> stopped. One thread starts and drains it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "server/access/call_authorizer.h"
#include "server/access/rate_limiter.h"
#include "server/access/tls.h"
#include "server/access/tokens.h"
#include "server/admin_http.h"
#include "server/base/clock.h"
#include "server/base/fair_pool.h"
#include "server/base/periodic_tasks.h"
#include "server/base/work_pool.h"
#include "server/config/config.h"
#include "server/inference/inference_service.h"
#include "server/listener.h"
#include "server/metrics/metrics.h"
#include "server/models/model_registry.h"
#include "server/request/control_store.h"
#include "server/request/request_memory.h"
#include "server/rpc/admin_service.h"
#include "server/rpc/guest_streams.h"
#include "server/rpc/health_service.h"
#include "server/rpc/model_service.h"
#include "server/rpc/open_calls.h"
#include "server/rpc/prediction_service.h"
#include "server/rpc/reflection_service.h"
#include "server/rpc/service_context.h"

namespace unlasting::server {

class Server {
 public:
  // Loads every bundle, then listens. `clock` outlives the server. Errors: INVALID_ARGUMENT,
  // NOT_FOUND, DATA_LOSS or FAILED_PRECONDITION naming a bundle, token file or PEM file that is not
  // valid; UNAVAILABLE where an address cannot be bound.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerConfig& config,
                                                       const Clock* clock);
  // Drains the server if Drain was not called.
  ~Server();

  // Blocks until the calls in flight are done, or the grace period is over and they are cancelled.
  void Drain();
  // Has models, tokens and certificates looked at for changes soon. Safe in a signal handler.
  void RequestReload() { ++reloads_; }
  // After Drain: whether a thread hangs in a file system, so that the destructor would not return.
  bool stuck() const { return stuck_; }

  // The ports in use; 0 where there is none.
  int port() const { return listener_->port(); }
  int admin_port() const { return admin_ == nullptr ? 0 : admin_->port(); }
  int health_port() const { return health_port_; }

 private:
  Server(const ServerConfig& config, const Clock* clock);

  ServiceContext MakeContext();
  absl::Status OpenTokens();
  absl::Status OpenTls();
  absl::Status OpenListener();
  void MakeServices();
  absl::Status LoadModels();
  absl::Status StartAdmin();
  absl::Status StartGrpc();
  absl::Status StartPlainHealth();
  void SetServing(bool serving);
  void ShutdownGrpc();

  // server_chores.cc
  void StartChores();
  // Runs `look` every `interval` and soon after RequestReload, on a thread of its own: one that
  // hangs in a file system holds up nothing else.
  void Watch(absl::Duration interval, const std::function<void()>& look);
  void ReloadModels();
  void ReloadTokens();
  void ReloadTls();
  void CheckOwnPort();
  void WarnOfExpiry();

  const ServerConfig config_;
  const Clock* const clock_;
  std::atomic<bool> ready_{false};
  std::atomic<bool> alive_{true};     // the own port accepts connections
  std::atomic<uint64_t> reloads_{0};  // requested
  static_assert(std::atomic<uint64_t>::is_always_lock_free, "a signal handler changes it");
  bool stuck_ = false;
  int failed_checks_ = 0;  // of the own port, in a row
  int health_port_ = 0;

  // In order of construction: members use those above them.
  Metrics metrics_;
  ControlStore controls_;
  RequestMemory request_memory_;
  RateLimiter limiter_;
  std::unique_ptr<TokenFile> tokens_;     // null where callers need no tokens
  std::unique_ptr<TlsCertificates> tls_;  // null without TLS
  std::unique_ptr<CallAuthorizer> authorizer_;
  OpenCalls open_calls_;
  GuestStreams guests_;
  HealthService health_;
  HealthService plain_health_service_;
  ModelRegistry models_;
  std::unique_ptr<FairPool> prepare_pool_;
  std::unique_ptr<WorkPool> write_pool_;
  std::unique_ptr<PredictionServiceImpl> prediction_service_;
  std::unique_ptr<ModelServiceImpl> model_service_;
  std::unique_ptr<InferenceServiceImpl> inference_service_;  // null where it is not offered
  std::unique_ptr<AdminServiceImpl> admin_service_;          // null where it is not enabled
  std::unique_ptr<ReflectionService> reflection_service_;    // null where it is not offered
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<grpc::Server> grpc_;
  std::unique_ptr<grpc::Server> plain_health_;
  std::unique_ptr<AdminHttp> admin_;
  std::vector<std::unique_ptr<PeriodicTasks>> chores_;  // a thread each
};

}  // namespace unlasting::server
