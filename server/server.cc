#include "server/server.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "core/base/status.h"
#include "core/base/version.h"
#include "grpc/grpc.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "inference/grpc_service.grpc.pb.h"
#include "server/base/logging.h"
#include "server/connections.h"
#include "server/rpc/grpc_logging.h"
#include "server/scheduling/scheduler.h"
#include "unlasting/v1/admin_service.grpc.pb.h"
#include "unlasting/v1/model_service.grpc.pb.h"
#include "unlasting/v1/prediction_service.grpc.pb.h"

namespace unlasting::server {
namespace {

// Preparing and encoding take little time compared with the evaluations, which have their own
// threads.
constexpr int kPoolThreads = 2;

// Streams of health and reflection that may be open at once.
constexpr int kMaxGuestStreams = 512;

RegistryOptions RegistryOptionsOf(const ServerConfig& config) {
  RegistryOptions options;
  options.bundle_keys = config.bundle_keys();
  options.evaluator = config.evaluator();
  options.device = config.device();
  options.precision = config.precision();
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
  const int64_t bytes = config.memory().control_store_bytes();
  return {bytes, std::max<int64_t>(1, bytes / 4),
          absl::Seconds(config.memory().control_store_seconds())};
}

}  // namespace

Server::Server(const ServerConfig& config, const Clock* clock)
    : config_(config),
      clock_(clock),
      controls_(ControlStoreOptionsOf(config), clock),
      request_memory_(config.memory().max_incoming_bytes()),
      limiter_({config.limits().requests_per_second(), config.limits().burst_requests()}, clock),
      guests_(kMaxGuestStreams),
      health_(&guests_),
      plain_health_service_(&guests_),
      models_(RegistryOptionsOf(config), clock, &metrics_),
      prepare_pool_(std::make_unique<FairPool>(kPoolThreads)),
      write_pool_(std::make_unique<WorkPool>(kPoolThreads)) {}

ServiceContext Server::MakeContext() {
  ServiceContext context;
  context.models = &models_;
  context.controls = &controls_;
  context.authorizer = authorizer_.get();
  context.request_memory = &request_memory_;
  context.metrics = &metrics_;
  context.clock = clock_;
  context.open_calls = &open_calls_;
  context.prepare_pool = prepare_pool_.get();
  context.write_pool = write_pool_.get();
  context.limits.max_message_bytes = config_.limits().max_message_bytes();
  context.limits.max_cells = config_.limits().max_cells();
  context.limits.max_perturbations = config_.limits().max_perturbations();
  context.limits.max_rows = config_.limits().max_rows();
  context.response_queue_bytes = config_.memory().response_queue_bytes();
  context.read_patience = absl::Seconds(config_.limits().read_patience_seconds());
  context.max_preparation = absl::Seconds(config_.limits().max_preparation_seconds());
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

absl::Status Server::OpenTls() {
  if (!config_.has_tls()) return absl::OkStatus();
  UNLASTING_ASSIGN_OR_RETURN(tls_, TlsCertificates::Open(config_.tls()));
  WarnOfExpiry();
  return absl::OkStatus();
}

absl::Status Server::OpenListener() {
  ListenerOptions options;
  options.max_connections = config_.connections().max_connections();
  UNLASTING_ASSIGN_OR_RETURN(listener_, Listener::Open("--listen", config_.listen(), options));
  if (config_.profile() != "production" || listener_->local()) return absl::OkStatus();
  if (!config_.has_tls()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--listen: found ", config_.listen(),
        " without TLS, expected unix:PATH or an address of "
        "this machine behind a front (deploy/front), or --tls-cert and --tls-key; the production "
        "profile takes no calls in plaintext from other machines"));
  }
  LogEvent(LogLevel::kWarning, "listening without a front",
           {{"hint", "docs/security.md lists the attacks that deploy/front keeps out"}});
  return absl::OkStatus();
}

void Server::MakeServices() {
  const ServiceContext context = MakeContext();
  prediction_service_ = std::make_unique<PredictionServiceImpl>(context);
  model_service_ = std::make_unique<ModelServiceImpl>(context);
  if (config_.open_inference()) {
    inference_service_ =
        std::make_unique<InferenceServiceImpl>(context, [this] { return ready_.load(); });
  }
  if (config_.admin().enabled()) {
    admin_service_ = std::make_unique<AdminServiceImpl>(context, config_.admin().bundle_root());
  }
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerConfig& config,
                                                      const Clock* clock) {
  ForwardGrpcLog();
  std::unique_ptr<Server> server(new Server(config, clock));
  UNLASTING_RETURN_IF_ERROR(server->OpenTokens());
  UNLASTING_RETURN_IF_ERROR(server->OpenTls());
  UNLASTING_RETURN_IF_ERROR(server->OpenListener());
  server->MakeServices();
  // Started before the models are loaded, so that an operator can watch a long load.
  UNLASTING_RETURN_IF_ERROR(server->StartAdmin());
  UNLASTING_RETURN_IF_ERROR(server->LoadModels());
  UNLASTING_RETURN_IF_ERROR(server->StartGrpc());
  UNLASTING_RETURN_IF_ERROR(server->StartPlainHealth());
  server->SetServing(true);
  // Not before: whoever waits for the line may ask at once whether the server is ready.
  LogEvent(LogLevel::kInfo, "listening",
           {{"address", config.listen()},
            {"port", absl::StrCat(server->listener_->port())},
            {"tls", config.has_tls() ? "on" : "off"}});
  server->StartChores();
  return server;
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
              {"precision", model->scheduler().engine().options().precision},
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
  pages.alive = [this] { return alive_.load(); };
  pages.version = absl::StrCat("{\"name\":\"unlasting-server\",\"version\":\"", kVersion,
                               "\",\"build\":\"", BuildTag(), "\"}\n");
  UNLASTING_ASSIGN_OR_RETURN(admin_, AdminHttp::Start(config_.admin_listen(), std::move(pages)));
  LogEvent(LogLevel::kInfo, "admin listening", {{"port", absl::StrCat(admin_->port())}});
  return absl::OkStatus();
}

absl::Status Server::StartGrpc() {
  if (config_.enable_reflection()) {
    std::vector<std::string> services = {
        v1::PredictionService::service_full_name(), v1::ModelService::service_full_name(),
        grpc::health::v1::Health::service_full_name(),
        grpc::reflection::v1::ServerReflection::service_full_name(),
        "grpc.reflection.v1alpha.ServerReflection"};
    if (admin_service_ != nullptr) services.push_back(v1::AdminService::service_full_name());
    if (inference_service_ != nullptr) {
      services.push_back(inference::GRPCInferenceService::service_full_name());
    }
    reflection_service_ = std::make_unique<ReflectionService>(std::move(services), &guests_);
  }
  grpc::ServerBuilder builder;
  LimitConnections(config_, &builder);
  acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      tls_ == nullptr ? grpc::InsecureServerCredentials() : tls_->Credentials());
  builder.RegisterService(prediction_service_.get());
  builder.RegisterService(model_service_.get());
  builder.RegisterService(&health_);
  if (inference_service_ != nullptr) builder.RegisterService(inference_service_.get());
  if (admin_service_ != nullptr) builder.RegisterService(admin_service_.get());
  if (reflection_service_ != nullptr) builder.RegisterService(reflection_service_.get());
  grpc_ = builder.BuildAndStart();
  if (grpc_ == nullptr) return absl::InternalError("--listen: gRPC does not start");
  listener_->Start([this](int fd) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
    connection.fd = fd;
    acceptor_->HandleNewConnection(&connection);
  });
  return absl::OkStatus();
}

absl::Status Server::StartPlainHealth() {
  if (config_.health_listen().empty()) return absl::OkStatus();
  grpc::ServerBuilder builder;
  ForbidPortSharing(&builder);
  LimitConnections(config_, &builder);
  builder.AddListeningPort(config_.health_listen(), grpc::InsecureServerCredentials(),
                           &health_port_);
  builder.RegisterService(&plain_health_service_);
  plain_health_ = builder.BuildAndStart();
  if (plain_health_ == nullptr || health_port_ == 0) {
    return absl::UnavailableError(
        absl::StrCat("--health-listen: cannot listen on ", config_.health_listen(),
                     "; expected an address of this machine and a port that is not in use"));
  }
  return absl::OkStatus();
}

}  // namespace unlasting::server
