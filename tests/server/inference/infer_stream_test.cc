// Triton's stream: every request has its answer, in order, and an error is one of them.
#include "core/base/file.h"
#include "core/base/status.h"
#include "gmock/gmock.h"
#include "tests/server/inference/infer_fixture.h"
#include "tests/server/rpc/agreement.h"
#include "tests/support/wait_until.h"

namespace unlasting::server {
namespace {

using inference::GRPCInferenceService;
using inference::ModelInferRequest;
using inference::ModelStreamInferResponse;
using test::Served;
using test::SetStrings;
using test::SomeInfer;
using testing::HasSubstr;

// A stream that is open, and what crosses it.
class Stream {
 public:
  explicit Stream(Served* served, const std::string& token = "")
      : stub_(GRPCInferenceService::NewStub(served->channel())) {
    if (!token.empty()) context_.AddMetadata("authorization", "Bearer " + token);
    stream_ = stub_->ModelStreamInfer(&context_);
  }

  bool Send(const ModelInferRequest& request) { return stream_->Write(request); }
  bool Read(ModelStreamInferResponse* response) { return stream_->Read(response); }
  ModelStreamInferResponse Ask(const ModelInferRequest& request) {
    ModelStreamInferResponse response;
    EXPECT_TRUE(Send(request));
    EXPECT_TRUE(Read(&response));
    return response;
  }
  test::Answer Close() {
    stream_->WritesDone();
    return Finish();
  }
  test::Answer Finish() {
    test::Answer answer;
    answer.status = stream_->Finish();
    return answer;
  }
  void Cancel() { context_.TryCancel(); }

 private:
  const std::unique_ptr<GRPCInferenceService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<ModelInferRequest, ModelStreamInferResponse>> stream_;
};

ModelInferRequest Numbered(int64_t cells, int number) {
  ModelInferRequest request = SomeInfer(cells, number);
  request.set_id(absl::StrCat("id-", number));
  return request;
}

TEST(InferStream, RequestsAreAnsweredInTheirOrderWithWhatPredictGives) {
  Served served;
  Stream stream(&served);
  for (int k = 1; k <= 4; ++k) ASSERT_TRUE(stream.Send(Numbered(9 - k, k)));
  for (int k = 1; k <= 4; ++k) {
    ModelStreamInferResponse response;
    ASSERT_TRUE(stream.Read(&response));
    EXPECT_EQ(response.error_message(), "");
    EXPECT_EQ(response.infer_response().id(), absl::StrCat("id-", k));
    EXPECT_TRUE(response.infer_response().parameters().at("triton_final_response").bool_param());
    const test::InferAnswer answer{{}, response.infer_response()};
    EXPECT_EQ(answer.values(), test::Flat(served.Predict(test::SomeRequest(9 - k, k))));
  }
  EXPECT_TRUE(stream.Close().status.ok());
}

TEST(InferStream, AnErrorIsAnAnswerAndTheStreamGoesOn) {
  ServerConfig config = test::TestConfig();
  config.mutable_limits()->set_max_message_bytes(1 << 16);
  Served served(config);
  Stream stream(&served);
  ModelInferRequest wrong = Numbered(3, 1), large = Numbered(3, 2);
  SetStrings(&wrong, 3, {"NOSUCHGENE"});
  large.mutable_raw_input_contents(1)->resize(1 << 17);
  const ModelStreamInferResponse refused = stream.Ask(wrong);
  EXPECT_THAT(refused.error_message(),
              HasSubstr("knockout[0]: the model 'tiny' does not know NOSUCHGENE"));
  EXPECT_EQ(refused.infer_response().id(), "id-1");
  EXPECT_EQ(refused.infer_response().parameters().at("code").string_param(), "NOT_FOUND");
  EXPECT_EQ(refused.infer_response().parameters().at("reason").string_param(), "UNKNOWN_GENE");
  EXPECT_THAT(stream.Ask(large).error_message(), HasSubstr("limits.max_message_bytes"));
  EXPECT_EQ(stream.Ask(Numbered(3, 3)).error_message(), "");
  EXPECT_TRUE(stream.Close().status.ok());
  const std::string metrics = served.Get("/metrics");
  EXPECT_THAT(metrics, HasSubstr("unlasting_requests_total{code=\"OK\",method=\"ModelInfer\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("{code=\"NOT_FOUND\",method=\"ModelInfer\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("{code=\"OK\",method=\"ModelStreamInfer\"} 1"));
}

TEST(InferStream, EveryRequestCountsTowardsTheCallersRate) {
  ServerConfig config = test::TestConfig();
  config.mutable_limits()->set_requests_per_second(1e-3);
  config.mutable_limits()->set_burst_requests(2);
  Served served(config);
  Stream stream(&served);
  EXPECT_EQ(stream.Ask(Numbered(3, 1)).error_message(), "");
  EXPECT_EQ(stream.Ask(Numbered(3, 2)).error_message(), "");
  const ModelStreamInferResponse refused = stream.Ask(Numbered(3, 3));
  EXPECT_EQ(refused.infer_response().parameters().at("code").string_param(), "RESOURCE_EXHAUSTED");
  EXPECT_TRUE(stream.Close().status.ok());
}

TEST(InferStream, ATokenThatIsTakenAwayEndsTheStream) {
  const test::TempFolder folder;
  const auto write = [&folder](const std::string& token) {
    EXPECT_TRUE(WriteFileAtomically(folder.At("tokens"),
                                    absl::StrCat("alice predict ", Sha256(token), "\n"))
                    .ok());
  };
  write("a");
  ServerConfig config = test::TestConfig();
  config.set_auth_tokens(folder.At("tokens"));
  config.set_watch_seconds(0.05);
  Served served(config);
  Stream stream(&served, "a");
  EXPECT_EQ(stream.Ask(Numbered(3, 1)).error_message(), "");
  write("b");
  int answers = 0;
  ModelStreamInferResponse response;
  ASSERT_TRUE(test::WaitUntil([&] {
    if (!stream.Send(Numbered(3, 2)) || !stream.Read(&response)) return true;
    ++answers;
    return false;
  }));
  EXPECT_EQ(stream.Finish().status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << answers;
}

TEST(InferStream, ACallerThatLeavesFreesTheServer) {
  Served served;
  Stream stream(&served);
  ASSERT_TRUE(stream.Send(test::EndlessInfer()));
  ASSERT_TRUE(test::WaitUntil([&served] {
    return served.Get("/metrics").find("unlasting_active_jobs{model=\"tiny\"") != std::string::npos;
  }));
  stream.Cancel();
  EXPECT_EQ(stream.Finish().status.error_code(), grpc::StatusCode::CANCELLED);
  // Waits for calls in flight; with the job still in the batch this would take minutes.
  served.server().Drain();
}

TEST(InferStream, AnIdleStreamDoesNotHoldUpAServerThatDrains) {
  ServerConfig config = test::TestConfig();
  config.set_grace_seconds(999999);
  Served served(config);
  Stream stream(&served), silent(&served);
  EXPECT_EQ(stream.Ask(Numbered(3, 1)).error_message(), "");
  EXPECT_EQ(silent.Ask(Numbered(3, 1)).error_message(), "");
  served.server().Drain();
  const test::Answer answer = stream.Finish();
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(answer.reason(), "SHUTTING_DOWN");
}

TEST(InferStream, ASilentCallerIsCutOff) {
  ServerConfig config = test::TestConfig();
  config.mutable_limits()->set_read_patience_seconds(1);
  Served served(config);
  Stream stream(&served);
  EXPECT_EQ(stream.Finish().reason(), "SILENT_CALLER");
}

}  // namespace
}  // namespace unlasting::server
