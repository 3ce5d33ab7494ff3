// A server in this process on a free port, and the calls that tests make to it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "gtest/gtest.h"
#include "server/server.h"
#include "tests/server/server_support.h"
#include "tests/support/files.h"
#include "unlasting/v1/model_service.grpc.pb.h"
#include "unlasting/v1/prediction_service.grpc.pb.h"

namespace unlasting::test {

inline server::ServerConfig TestConfig() {
  server::ServerConfig config = server::DefaultConfig();
  config.add_bundles()->set_directory(TinyBundleFolder());
  config.set_listen("127.0.0.1:0");
  config.set_admin_listen("127.0.0.1:0");
  config.set_device("cpu");
  config.set_threads(1);
  return config;
}

// The whole answer to one call.
struct Answer {
  grpc::Status status;
  v1::PredictHeader header;
  std::map<int, DenseMatrix> profiles;  // per perturbation, [cells, genes]
  std::map<int, v1::PerturbationSummary> summaries;
  v1::PredictFinished finished;
  std::multimap<std::string, std::string> trailers;
  bool initial_metadata = false;

  // The detail of this type; default-constructed where there is none.
  template <typename Detail>
  Detail Find() const {
    google::rpc::Status details;
    details.ParseFromString(status.error_details());
    Detail found;
    for (const auto& detail : details.details()) {
      if (detail.UnpackTo(&found)) return found;
    }
    return {};
  }
  std::string reason() const { return Find<google::rpc::ErrorInfo>().reason(); }
};

class Served {
 public:
  explicit Served(const server::ServerConfig& config = TestConfig());

  server::Server& server() { return *server_; }
  // Ends the server; calls in flight have their grace.
  void Stop() { server_.reset(); }

  v1::PredictionService::Stub& predictions() { return *predictions_; }
  v1::ModelService::Stub& models() { return *models_; }
  std::shared_ptr<grpc::Channel> channel() { return channel_; }
  int port() const { return server_->port(); }

  // Calls of Predict carry it from now on.
  void set_token(const std::string& token) { token_ = token; }
  Answer Predict(const v1::PredictRequest& request);
  // Reads what is left of a stream.
  static Answer ReadAll(grpc::ClientContext* context,
                        grpc::ClientReader<v1::PredictResponse>* reader);
  // The body of a page of the admin port; `code` is the HTTP status.
  std::string Get(const std::string& path, int* code = nullptr);

 private:
  std::unique_ptr<server::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::PredictionService::Stub> predictions_;
  std::unique_ptr<v1::ModelService::Stub> models_;
  std::string token_;
};

// A request that keeps a server busy until it is cancelled: minutes of evaluations.
v1::PredictRequest EndlessRequest();

}  // namespace unlasting::test
