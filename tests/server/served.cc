#include "tests/server/served.h"

#include "boost/asio/ip/tcp.hpp"
#include "boost/beast/core.hpp"
#include "boost/beast/http.hpp"
#include "proto/codec/matrix_codec.h"
#include "server/base/logging.h"

namespace unlasting::test {

Served::Served(const server::ServerConfig& config) {
  EXPECT_TRUE(server::SetUpLogging("text", "warning").ok());
  auto server = server::Server::Start(config, server::Clock::Steady());
  EXPECT_TRUE(server.ok()) << server.status();
  server_ = std::move(*server);
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  // Of its own, so that a test that floods its channel does not slow another's.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  channel_ = grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(server_->port()),
                                       grpc::InsecureChannelCredentials(), arguments);
  predictions_ = v1::PredictionService::NewStub(channel_);
  models_ = v1::ModelService::NewStub(channel_);
}

Answer Served::Predict(const v1::PredictRequest& request) {
  grpc::ClientContext context;
  if (!token_.empty()) context.AddMetadata("authorization", "Bearer " + token_);
  const auto reader = predictions_->Predict(&context, request);
  return ReadAll(&context, reader.get());
}

Answer Served::ReadAll(grpc::ClientContext* context,
                       grpc::ClientReader<v1::PredictResponse>* reader) {
  Answer answer;
  v1::PredictResponse part;
  while (reader->Read(&part)) {
    answer.initial_metadata = true;
    if (part.has_header()) answer.header = part.header();
    if (part.has_summary()) {
      answer.summaries[part.summary().perturbation_index()] = part.summary();
    }
    if (part.has_finished()) answer.finished = part.finished();
    if (!part.has_profiles()) continue;
    const v1::ProfileChunk& chunk = part.profiles();
    const auto values = codec::DecodeDenseMatrix(chunk.matrix());
    EXPECT_TRUE(values.ok()) << values.status();
    for (int k = 0; k < chunk.control_indices_size(); ++k) {
      DenseMatrix& block = answer.profiles[chunk.perturbation_indices(k)];
      if (block.rows == 0) {
        block = DenseMatrix(answer.header.controls().cell_type_indices_size(), values->cols);
      }
      const auto row = values->Row(k);
      std::copy(row.begin(), row.end(), block.Row(chunk.control_indices(k)).begin());
    }
  }
  answer.status = reader->Finish();
  for (const auto& [key, value] : context->GetServerTrailingMetadata()) {
    answer.trailers.emplace(std::string(key.data(), key.size()),
                            std::string(value.data(), value.size()));
  }
  return answer;
}

std::string Served::Get(const std::string& path, int* code) {
  namespace http = boost::beast::http;
  boost::asio::io_context context;
  boost::beast::tcp_stream stream(context);
  stream.connect(
      {boost::asio::ip::address_v4::loopback(), static_cast<uint16_t>(server_->admin_port())});
  http::request<http::empty_body> request(http::verb::get, path, 11);
  request.set(http::field::host, "localhost");
  http::write(stream, request);
  boost::beast::flat_buffer buffer;
  http::response<http::string_body> response;
  http::read(stream, buffer, response);
  if (code != nullptr) *code = static_cast<int>(response.result_int());
  return response.body();
}

v1::PredictRequest EndlessRequest() {
  v1::PredictRequest request = SomeRequest(2000);
  request.mutable_options()->set_solver(v1::SOLVER_DDIM);
  request.mutable_options()->set_solver_steps(500);
  request.mutable_options()->set_mask(v1::MASK_MODE_NONE);
  for (int k = 0; k < 100; ++k) request.add_perturbations()->mutable_genes()->add_genes("G2");
  return request;
}

}  // namespace unlasting::test
