#include "server/server.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/version.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "server/logging.h"

namespace unlasting::server {
namespace {

// Preparing and encoding are short beside the evaluations, which have their own threads.
constexpr int kPoolThreads = 2;

RegistryOptions RegistryOptionsOf(const ServerConfig& config) {
  RegistryOptions options;
  options.device = config.device();
  options.threads = config.threads() > 0
                        ? config.threads()
                        : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  options.scheduler.max_batch = config.max_batch();
  options.scheduler.max_queued_rows = config.memory().max_queued_rows();
  return options;
}

ControlStoreOptions ControlStoreOptionsOf(const ServerConfig& config) {
  return {config.memory().control_store_bytes(),
          absl::Seconds(config.memory().control_store_seconds())};
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> Credentials(const ServerConfig& config) {
  if (!config.has_tls()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions options;
  grpc::SslServerCredentialsOptions::PemKeyCertPair pair;
  UNLASTING_ASSIGN_OR_RETURN(pair.cert_chain, ReadFile(config.tls().certificate()));
  UNLASTING_ASSIGN_OR_RETURN(pair.private_key, ReadFile(config.tls().key()));
  options.pem_key_cert_pairs.push_back(std::move(pair));
  if (!config.tls().client_ca().empty()) {
    UNLASTING_ASSIGN_OR_RETURN(options.pem_root_certs, ReadFile(config.tls().client_ca()));
    options.client_certificate_request = GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  return grpc::SslServerCredentials(options);
}

// Two servers must not share a port unnoticed, as SO_REUSEPORT would have it.
void ForbidPortSharing(grpc::ServerBuilder* builder) {
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

absl::Status CannotListen(const char* flag, const std::string& address) {
  return absl::UnavailableError(
      absl::StrCat(flag, ": cannot listen on ", address, ", is it in use?"));
}

}  // namespace

Server::Server(const ServerConfig& config, const Clock* clock)
    : config_(config),
      controls_(ControlStoreOptionsOf(config), clock),
      models_(RegistryOptionsOf(config), clock, &metrics_),
      prepare_pool_(std::make_unique<WorkPool>(kPoolThreads)),
      write_pool_(std::make_unique<WorkPool>(kPoolThreads)) {
  ServiceContext context;
  context.models = &models_;
  context.controls = &controls_;
  context.metrics = &metrics_;
  context.clock = clock;
  context.prepare_pool = prepare_pool_.get();
  context.write_pool = write_pool_.get();
  context.limits.max_cells = config.limits().max_cells();
  context.limits.max_perturbations = config.limits().max_perturbations();
  context.limits.max_rows = config.limits().max_rows();
  context.outbox_bytes = config.memory().outbox_bytes();
  prediction_service_ = std::make_unique<PredictionServiceImpl>(context);
  model_service_ = std::make_unique<ModelServiceImpl>(context);
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerConfig& config,
                                                      const Clock* clock) {
  std::unique_ptr<Server> server(new Server(config, clock));
  // Before the models: an operator can watch a long load.
  UNLASTING_RETURN_IF_ERROR(server->StartAdmin());
  UNLASTING_RETURN_IF_ERROR(server->LoadModels());
  UNLASTING_RETURN_IF_ERROR(server->StartGrpc());
  UNLASTING_RETURN_IF_ERROR(server->StartPlainHealth());
  server->SetServing(true);
  return server;
}

absl::Status Server::LoadModels() {
  for (const BundleConfig& bundle : config_.bundles()) {
    UNLASTING_RETURN_IF_ERROR(models_.Load(bundle.name(), bundle.directory()));
  }
  for (const auto& model : models_.List()) {
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
  pages.metrics = [this] { return metrics_.Expose(); };
  pages.ready = [this] { return ready_.load(); };
  pages.version = absl::StrCat("{\"name\":\"unlasting-server\",\"version\":\"", kVersion, "\"}\n");
  UNLASTING_ASSIGN_OR_RETURN(admin_, AdminHttp::Start(config_.admin_listen(), std::move(pages)));
  LogEvent(LogLevel::kInfo, "admin listening", {{"port", absl::StrCat(admin_->port())}});
  return absl::OkStatus();
}

absl::Status Server::StartGrpc() {
  grpc::EnableDefaultHealthCheckService(true);
  if (config_.enable_reflection()) grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  ForbidPortSharing(&builder);
  builder.SetMaxReceiveMessageSize(config_.limits().max_message_bytes());
  UNLASTING_ASSIGN_OR_RETURN(std::shared_ptr<grpc::ServerCredentials> credentials,
                             Credentials(config_));
  builder.AddListeningPort(config_.listen(), std::move(credentials), &port_);
  builder.RegisterService(prediction_service_.get());
  builder.RegisterService(model_service_.get());
  grpc_ = builder.BuildAndStart();
  if (grpc_ == nullptr || port_ == 0) return CannotListen("listen", config_.listen());
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
    return CannotListen("health-listen", config_.health_listen());
  }
  return absl::OkStatus();
}

void Server::SetServing(bool serving) {
  ready_ = serving;
  for (grpc::Server* server : {grpc_.get(), plain_health_.get()}) {
    if (server == nullptr) continue;
    // "" stays SERVING as long as the process lives; the services say whether work is taken.
    grpc::HealthCheckServiceInterface* health = server->GetHealthCheckService();
    health->SetServingStatus(v1::PredictionService::service_full_name(), serving);
    health->SetServingStatus(v1::ModelService::service_full_name(), serving);
  }
}

void Server::Drain() {
  if (grpc_ == nullptr) return;
  SetServing(false);
  LogEvent(LogLevel::kInfo, "draining", {{"grace_seconds", absl::StrCat(config_.grace_seconds())}});
  grpc_->Shutdown(std::chrono::system_clock::now() +
                  absl::ToChronoMilliseconds(absl::Seconds(config_.grace_seconds())));
  if (plain_health_ != nullptr) {
    plain_health_->Shutdown(std::chrono::system_clock::now());
    plain_health_.reset();
  }
  // After this no reaction of gRPC runs; then the executors end, then the pools.
  grpc_.reset();
  models_.Clear();
  LogEvent(LogLevel::kInfo, "stopped");
}

Server::~Server() {
  Drain();
  models_.Clear();
}

}  // namespace unlasting::server
