#include "server/server.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "core/base/status.h"
#include "core/base/version.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "server/access/tls.h"
#include "server/base/logging.h"
#include "server/connections.h"
#include "server/rpc/grpc_logging.h"
#include "server/scheduling/scheduler.h"

namespace unlasting::server {
namespace {

// Preparing and encoding take little time compared with the evaluations, which have their own
// threads.
constexpr int kPoolThreads = 2;

// How often the schedulers look for readers that have stopped reading.
constexpr absl::Duration kReaderCheckInterval = absl::Seconds(1);

// How often memory that a burst of work left behind is returned to the system, which malloc would
// keep in the arena of every thread.
constexpr absl::Duration kTrimInterval = absl::Minutes(1);

// Names in the health service, beside those of the services. "" is the same as kReadiness, as
// gRPC's clients expect.
constexpr char kLiveness[] = "liveness";
constexpr char kReadiness[] = "readiness";

RegistryOptions RegistryOptionsOf(const ServerConfig& config) {
  RegistryOptions options;
  options.evaluator = config.evaluator();
  options.device = config.device();
  options.threads = config.threads() > 0
                        ? config.threads()
                        : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  SchedulerOptions& scheduler = options.scheduler;
  scheduler.max_batch = config.max_batch();
  scheduler.queue.total = {config.memory().max_queued_rows(), config.memory().max_queued_bytes()};
  scheduler.queue.per_client = {config.memory().max_client_rows(),
                                config.memory().max_client_bytes()};
  scheduler.bulk_patience = absl::Seconds(config.scheduling().bulk_patience_seconds());
  scheduler.reader_patience = absl::Seconds(config.scheduling().reader_patience_seconds());
  scheduler.refuse_late = config.scheduling().refuse_late();
  scheduler.request_level = config.scheduling().batching() == "request";
  return options;
}

ControlStoreOptions ControlStoreOptionsOf(const ServerConfig& config) {
  return {config.memory().control_store_bytes(),
          absl::Seconds(config.memory().control_store_seconds())};
}

absl::Status CannotListen(const char* flag, const std::string& address) {
  return absl::UnavailableError(
      absl::StrCat(flag, ": cannot listen on ", address,
                   "; expected an address of this machine and a port that is not in use"));
}

}  // namespace

Server::Server(const ServerConfig& config, const Clock* clock)
    : config_(config),
      clock_(clock),
      controls_(ControlStoreOptionsOf(config), clock),
      request_memory_(config.memory().max_incoming_bytes()),
      limiter_({config.limits().requests_per_second(), config.limits().burst_requests()}, clock),
      models_(RegistryOptionsOf(config), clock, &metrics_),
      prepare_pool_(std::make_unique<WorkPool>(kPoolThreads)),
      write_pool_(std::make_unique<WorkPool>(kPoolThreads)) {}

ServiceContext Server::MakeContext() {
  ServiceContext context;
  context.models = &models_;
  context.controls = &controls_;
  context.authorizer = authorizer_.get();
  context.request_memory = &request_memory_;
  context.metrics = &metrics_;
  context.clock = clock_;
  context.prepare_pool = prepare_pool_.get();
  context.write_pool = write_pool_.get();
  context.limits.max_cells = config_.limits().max_cells();
  context.limits.max_perturbations = config_.limits().max_perturbations();
  context.limits.max_rows = config_.limits().max_rows();
  context.response_queue_bytes = config_.memory().response_queue_bytes();
  return context;
}

absl::Status Server::OpenTokens() {
  if (!config_.auth_tokens().empty()) {
    UNLASTING_ASSIGN_OR_RETURN(tokens_, TokenFile::Open(config_.auth_tokens()));
    if (!config_.has_tls()) {
      LogEvent(LogLevel::kWarning, "tokens are sent without TLS",
               {{"hint", "set --tls-cert and --tls-key"}});
    }
  }
  authorizer_ = std::make_unique<CallAuthorizer>(tokens_.get(), &limiter_);
  return absl::OkStatus();
}

void Server::MakeServices() {
  const ServiceContext context = MakeContext();
  prediction_service_ = std::make_unique<PredictionServiceImpl>(context);
  model_service_ = std::make_unique<ModelServiceImpl>(context);
  if (config_.admin().enabled()) {
    admin_service_ = std::make_unique<AdminServiceImpl>(context, config_.admin().bundle_root());
  }
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerConfig& config,
                                                      const Clock* clock) {
  ForwardGrpcLog();
  std::unique_ptr<Server> server(new Server(config, clock));
  UNLASTING_RETURN_IF_ERROR(server->OpenTokens());
  server->MakeServices();
  // Started before the models are loaded, so that an operator can watch a long load.
  UNLASTING_RETURN_IF_ERROR(server->StartAdmin());
  UNLASTING_RETURN_IF_ERROR(server->LoadModels());
  UNLASTING_RETURN_IF_ERROR(server->StartGrpc());
  UNLASTING_RETURN_IF_ERROR(server->StartPlainHealth());
  server->StartWatching();
  server->SetServing(true);
  return server;
}

void Server::StartWatching() {
  periodic_ = std::make_unique<PeriodicTasks>(clock_);
  const absl::Duration watch = absl::Seconds(config_.watch_seconds());
  periodic_->Every(kTrimInterval, [] { malloc_trim(0); });
  periodic_->Every(kReaderCheckInterval, [this] { models_.WakeAll(); });
  if (tokens_ != nullptr) periodic_->Every(watch, [this] { ReloadTokens(); });
  periodic_->Every(watch, [this] { ReloadModels(); });
  periodic_->Start();
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

absl::Status Server::LoadModels() {
  for (const BundleConfig& bundle : config_.bundles()) {
    UNLASTING_RETURN_IF_ERROR(
        models_.Load(bundle.name(), bundle.directory(), bundle.pinned()).status());
  }
  for (const auto& [model, is_default] : models_.List()) {
    const bundle::Manifest& manifest = model->bundle()->manifest();
    LogEvent(LogLevel::kInfo, "model loaded",
             {{"model", model->name()},
              {"version", manifest.version},
              {"bundle_hash", model->bundle()->hash()},
              {"device", model->scheduler().engine().options().device},
              {"genes", absl::StrCat(manifest.genes.size())}});
  }
  return absl::OkStatus();
}

absl::Status Server::StartAdmin() {
  if (config_.admin_listen().empty()) return absl::OkStatus();
  AdminPages pages;
  pages.metrics = [this] {
    MetricsSample sample = {controls_.bytes(), request_memory_.bytes(), ready_.load(), {}};
    for (const auto& listed : models_.List()) {
      const auto memory = listed.model->scheduler().engine().device_memory();
      if (memory.has_value()) sample.device_bytes[memory->device] = memory->bytes;
    }
    return metrics_.Expose(sample);
  };
  pages.ready = [this] { return ready_.load(); };
  pages.version = absl::StrCat("{\"name\":\"unlasting-server\",\"version\":\"", kVersion, "\"}\n");
  UNLASTING_ASSIGN_OR_RETURN(admin_, AdminHttp::Start(config_.admin_listen(), std::move(pages)));
  LogEvent(LogLevel::kInfo, "admin listening", {{"port", absl::StrCat(admin_->port())}});
  return absl::OkStatus();
}

absl::Status Server::StartGrpc() {
  grpc::EnableDefaultHealthCheckService(true);
  if (config_.enable_reflection()) {
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    std::vector<std::string> services = {
        v1::PredictionService::service_full_name(), v1::ModelService::service_full_name(),
        grpc::health::v1::Health::service_full_name(),
        grpc::reflection::v1::ServerReflection::service_full_name(),
        // That of gRPC's library, which says its name nowhere.
        "grpc.reflection.v1alpha.ServerReflection"};
    if (admin_service_ != nullptr) services.push_back(v1::AdminService::service_full_name());
    reflection_service_ = std::make_unique<ReflectionService>(std::move(services));
  }
  grpc::ServerBuilder builder;
  ForbidPortSharing(&builder);
  LimitConnections(config_, &builder);
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
  if (config_.has_tls()) {
    UNLASTING_ASSIGN_OR_RETURN(credentials, MakeServerCredentials(config_.tls()));
  }
  builder.AddListeningPort(config_.listen(), std::move(credentials), &port_);
  builder.RegisterService(prediction_service_.get());
  builder.RegisterService(model_service_.get());
  if (admin_service_ != nullptr) builder.RegisterService(admin_service_.get());
  if (reflection_service_ != nullptr) builder.RegisterService(reflection_service_.get());
  grpc_ = builder.BuildAndStart();
  if (grpc_ == nullptr || port_ == 0) return CannotListen("--listen", config_.listen());
  LogEvent(LogLevel::kInfo, "listening",
           {{"address", config_.listen()},
            {"port", absl::StrCat(port_)},
            {"tls", config_.has_tls() ? "on" : "off"}});
  return absl::OkStatus();
}

absl::Status Server::StartPlainHealth() {
  if (config_.health_listen().empty()) return absl::OkStatus();
  grpc::ServerBuilder builder;
  ForbidPortSharing(&builder);
  builder.AddListeningPort(config_.health_listen(), grpc::InsecureServerCredentials(),
                           &health_port_);
  plain_health_ = builder.BuildAndStart();
  if (plain_health_ == nullptr || health_port_ == 0) {
    return CannotListen("--health-listen", config_.health_listen());
  }
  return absl::OkStatus();
}

void Server::SetServing(bool serving) {
  ready_ = serving;
  for (grpc::Server* server : {grpc_.get(), plain_health_.get()}) {
    if (server == nullptr) continue;
    grpc::HealthCheckServiceInterface* health = server->GetHealthCheckService();
    health->SetServingStatus(kLiveness, true);
    for (const char* name : {"", kReadiness, v1::PredictionService::service_full_name(),
                             v1::ModelService::service_full_name()}) {
      health->SetServingStatus(name, serving);
    }
  }
}

void Server::Drain() {
  if (grpc_ == nullptr) return;
  SetServing(false);
  LogEvent(LogLevel::kInfo, "draining", {{"grace_seconds", absl::StrCat(config_.grace_seconds())}});
  periodic_.reset();
  grpc_->Shutdown(std::chrono::system_clock::now() +
                  absl::ToChronoMilliseconds(absl::Seconds(config_.grace_seconds())));
  if (plain_health_ != nullptr) {
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
  models_.Clear();
}

}  // namespace unlasting::server
