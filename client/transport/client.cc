#include "client/transport/client.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "client/transport/bad_fields.h"
#include "client/transport/connection_errors.h"
#include "client/transport/retry.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "proto/codec/control_codec.h"

namespace unlasting::client {
namespace {

// About 1 MB of stored values, at 8 bytes each.
constexpr int64_t kValuesPerChunk = int64_t{1} << 17;

// How long a call may take that only asks why there is no connection.
constexpr absl::Duration kReasonTimeout = absl::Seconds(2);

// How often the wait for a connection looks whether it was cancelled.
constexpr absl::Duration kConnectSlice = absl::Milliseconds(50);

// What every call has: who may end it, and the token.
class CallContext {
 public:
  explicit CallContext(const ClientOptions& options) : call_(options.cancellation, &context_) {
    if (!options.token.empty()) {
      context_.AddMetadata("authorization", absl::StrCat("Bearer ", options.token));
    }
  }
  grpc::ClientContext* get() { return &context_; }

 private:
  grpc::ClientContext context_;
  const Cancellation::Call call_;
};

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> Credentials(
    const ClientOptions& options) {
  if (options.tls_ca.empty()) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions ssl;
  UNLASTING_ASSIGN_OR_RETURN(ssl.pem_root_certs, ReadFile(options.tls_ca));
  if (!options.tls_certificate.empty()) {
    UNLASTING_ASSIGN_OR_RETURN(ssl.pem_cert_chain, ReadFile(options.tls_certificate));
    UNLASTING_ASSIGN_OR_RETURN(ssl.pem_private_key, ReadFile(options.tls_key));
  }
  return grpc::SslCredentials(ssl);
}

std::chrono::system_clock::time_point After(absl::Duration duration) {
  if (duration == absl::InfiniteDuration()) return std::chrono::system_clock::time_point::max();
  return std::chrono::system_clock::now() + absl::ToChronoMilliseconds(duration);
}

bool IsCancelled(const ClientOptions& options) {
  return options.cancellation != nullptr && options.cancellation->cancelled();
}

bool WaitForConnected(grpc::Channel* channel, const ClientOptions& options) {
  const auto end = After(options.connect_timeout);
  while (!IsCancelled(options)) {
    const auto slice_end = std::min(end, After(kConnectSlice));
    if (channel->WaitForConnected(slice_end)) return true;
    if (slice_end == end) break;
  }
  return false;
}

// Reason and RetryInfo in the details of `status`, added to `converted`.
absl::Status WithDetails(absl::Status converted, const grpc::Status& status) {
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return converted;
  google::rpc::ErrorInfo info;
  google::rpc::RetryInfo retry;
  google::rpc::BadRequest bad_request;
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&info)) converted = WithReason(std::move(converted), info.reason());
    if (detail.UnpackTo(&bad_request)) {
      converted.SetPayload(kBadRequestUrl, absl::Cord(detail.value()));
    }
    if (detail.UnpackTo(&retry)) {
      converted = WithServersDelay(std::move(converted),
                                   absl::Seconds(retry.retry_delay().seconds()) +
                                       absl::Nanoseconds(retry.retry_delay().nanos()));
    }
  }
  return converted;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Client>> Client::Create(const ClientOptions& options) {
  UNLASTING_RETURN_IF_ERROR(CheckAddress(options.address));
  UNLASTING_ASSIGN_OR_RETURN(const auto credentials, Credentials(options));
  grpc::ChannelArguments arguments;
  // Headers list every gene and cell; the server bounds what it sends.
  arguments.SetMaxReceiveMessageSize(-1);
  // A server that was restarted is found again soon.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5000);
  // A machine that went without closing its connections is noticed.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 60000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20000);
  auto channel = grpc::CreateCustomChannel(options.address, credentials, arguments);
  return std::unique_ptr<Client>(new Client(options, std::move(channel)));
}

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(const ClientOptions& options) {
  UNLASTING_ASSIGN_OR_RETURN(std::unique_ptr<Client> client, Create(options));
  if (WaitForConnected(client->channel_.get(), options)) return client;
  if (client->cancelled()) return CallWasCancelled();
  // The channel does not say why it failed, but a call does.
  grpc::ClientContext context;
  context.set_deadline(After(kReasonTimeout));
  const auto stub = grpc::health::v1::Health::NewStub(client->channel_);
  grpc::health::v1::HealthCheckResponse response;
  const grpc::Status status = stub->Check(&context, {}, &response);
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) return client->ToStatus(status);
  return absl::UnavailableError(absl::StrCat("server ", options.address, ": no connection within ",
                                             absl::FormatDuration(options.connect_timeout),
                                             ": the host does not respond",
                                             ProxyHint(options.address)));
}

Client::Client(const ClientOptions& options, std::shared_ptr<grpc::Channel> channel)
    : options_(options),
      channel_(std::move(channel)),
      predictions_(v1::PredictionService::NewStub(channel_)),
      models_(v1::ModelService::NewStub(channel_)) {}

bool Client::cancelled() const { return IsCancelled(options_); }

absl::Status Client::ToStatus(const grpc::Status& status) const {
  if (status.ok()) return absl::OkStatus();
  if (cancelled()) return CallWasCancelled();
  absl::Status converted(
      static_cast<absl::StatusCode>(status.error_code()),
      status.error_code() == grpc::StatusCode::UNAVAILABLE
          ? absl::StrCat("server ", options_.address, ": ",
                         ExplainConnection(status.error_message(), !options_.tls_ca.empty()),
                         ProxyHint(options_.address))
          : status.error_message());
  return WithDetails(std::move(converted), status);
}

absl::StatusOr<v1::ListModelsResponse> Client::ListModels() {
  CallContext context(options_);
  v1::ListModelsResponse response;
  UNLASTING_RETURN_IF_ERROR(ToStatus(models_->ListModels(context.get(), {}, &response)));
  return response;
}

absl::StatusOr<v1::Model> Client::GetModel(const std::string& name, const std::string& version) {
  CallContext context(options_);
  v1::GetModelRequest request;
  request.set_model(name);
  request.set_version(version);
  v1::GetModelResponse response;
  UNLASTING_RETURN_IF_ERROR(ToStatus(models_->GetModel(context.get(), request, &response)));
  return std::move(*response.mutable_model());
}

absl::StatusOr<v1::RegisterControlsResponse> Client::RegisterControls(
    const cells::ControlMatrix& cells) {
  CallContext context(options_);
  v1::RegisterControlsResponse response;
  auto writer = predictions_->RegisterControls(context.get(), &response);
  v1::RegisterControlsRequest request;
  *request.mutable_header() = codec::EncodeControlsHeader(cells);
  bool open = writer->Write(request);
  const std::vector<int64_t>& indptr = cells.values.indptr;
  for (int64_t first = 0; open && first < cells.values.rows;) {
    int64_t last = first + 1;
    while (last < cells.values.rows && indptr[last + 1] - indptr[first] <= kValuesPerChunk) ++last;
    request.Clear();
    *request.mutable_chunk() = codec::EncodeControlsChunk(cells, first, last);
    open = writer->Write(request);
    first = last;
  }
  writer->WritesDone();
  // A failed write only says that the stream broke; the status says why.
  UNLASTING_RETURN_IF_ERROR(ToStatus(writer->Finish()));
  return response;
}

absl::Status Client::Predict(
    const v1::PredictRequest& request,
    const std::function<absl::Status(const v1::PredictResponse&)>& on_part) {
  CallContext context(options_);
  context.get()->set_deadline(After(options_.predict_timeout));
  auto reader = predictions_->Predict(context.get(), request);
  v1::PredictResponse part;
  absl::Status refused;
  bool finished = false;
  while (reader->Read(&part)) {
    finished = part.has_finished();
    refused = on_part(part);
    if (!refused.ok()) {
      context.get()->TryCancel();
      break;
    }
  }
  const absl::Status status = ToStatus(reader->Finish());
  UNLASTING_RETURN_IF_ERROR(refused);
  UNLASTING_RETURN_IF_ERROR(status);
  if (!finished) {
    return absl::DataLossError(
        absl::StrCat("server ", options_.address, ": the response ended before its last message"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Client::Health(const std::string& service) {
  const auto stub = grpc::health::v1::Health::NewStub(channel_);
  CallContext context(options_);
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  grpc::health::v1::HealthCheckResponse response;
  const absl::Status status = ToStatus(stub->Check(context.get(), request, &response));
  if (absl::IsNotFound(status)) {
    return absl::NotFoundError(
        absl::StrCat("server ", options_.address, ": knows no service '", service, "'"));
  }
  UNLASTING_RETURN_IF_ERROR(status);
  return grpc::health::v1::HealthCheckResponse::ServingStatus_Name(response.status());
}

}  // namespace unlasting::client
