// Client is a connection to an unlasting server.
//
//   UNLASTING_ASSIGN_OR_RETURN(auto client, Client::Connect({"127.0.0.1:50051"}));
//   UNLASTING_ASSIGN_OR_RETURN(v1::Model model, client->GetModel(""));
//   auto status = client->Predict(request, [&](const v1::PredictResponse& part) {
//     return collector.Add(part);
//   });
//
// Errors of calls carry the server's code, message and reason (core/base/status.h); UNAVAILABLE
// names the address. Calls block; any thread may call, several at once.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/transport/cancellation.h"
#include "core/cells/control_matrix.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "unlasting/v1/model_service.grpc.pb.h"
#include "unlasting/v1/prediction_service.grpc.pb.h"

namespace unlasting::client {

struct ClientOptions {
  std::string address;  // HOST:PORT
  // PEM files. With `tls_ca` the connection is TLS; certificate and key are for servers that ask
  // for them.
  std::string tls_ca;
  std::string tls_certificate;
  std::string tls_key;
  // Bearer token; "" sends none.
  std::string token;
  // How long Connect waits for the server.
  absl::Duration connect_timeout = absl::Seconds(10);
  // Deadline of a call of Predict.
  absl::Duration predict_timeout = absl::InfiniteDuration();
  // Ends the calls, and the wait of Connect, from outside: they return CANCELLED. Null: nobody
  // does.
  Cancellation* cancellation = nullptr;
};

class Client {
 public:
  // UNAVAILABLE where no connection comes about in time, NOT_FOUND where a PEM file is absent.
  static absl::StatusOr<std::unique_ptr<Client>> Connect(const ClientOptions& options);
  // The same without waiting for the server; calls are UNAVAILABLE until it is there.
  static absl::StatusOr<std::unique_ptr<Client>> Create(const ClientOptions& options);

  absl::StatusOr<v1::ListModelsResponse> ListModels();
  // "" is the only model, and the default version.
  absl::StatusOr<v1::Model> GetModel(const std::string& name, const std::string& version = "");
  // Uploads control cells in parts of about 1 MB.
  absl::StatusOr<v1::RegisterControlsResponse> RegisterControls(const cells::ControlMatrix& cells);

  // Calls `on_part` for each message in order of arrival; its error cancels the call and is
  // returned. DATA_LOSS where the stream ends well but without its last message.
  absl::Status Predict(const v1::PredictRequest& request,
                       const std::function<absl::Status(const v1::PredictResponse&)>& on_part);

  // "SERVING", "NOT_SERVING" ... of a service's health name; "" is the process itself. NOT_FOUND
  // where the server knows no such service.
  absl::StatusOr<std::string> Health(const std::string& service);

  const std::string& address() const { return options_.address; }
  // Whether ClientOptions.cancellation has ended this client's calls.
  bool cancelled() const;

 private:
  Client(const ClientOptions& options, std::shared_ptr<grpc::Channel> channel);

  absl::Status ToStatus(const grpc::Status& status) const;

  const ClientOptions options_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::PredictionService::Stub> predictions_;
  const std::unique_ptr<v1::ModelService::Stub> models_;
};

}  // namespace unlasting::client
