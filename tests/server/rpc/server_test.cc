// The server as its callers see it: over a real channel, with a real bundle.
#include "server/server.h"

#include <thread>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "proto/codec/matrix_codec.h"
#include "tests/server/rpc/agreement.h"
#include "tests/server/served.h"
#include "tests/support/tiny_bundle.h"

namespace unlasting::server {
namespace {

using test::Alone;
using test::Answer;
using test::ExpectAgreement;
using test::Served;
using test::SomeRequest;
using test::TwoKnockouts;
using test::WithEthanol;
using testing::HasSubstr;

// Twelve requests of different sizes, solvers and priorities at once.
void ExpectConcurrentAsAlone(bool molecules) {
  Served served;
  std::vector<std::thread> threads;
  for (uint64_t k = 0; k < 12; ++k) {
    threads.emplace_back([&served, molecules, k] {
      v1::PredictRequest request = TwoKnockouts(1 + static_cast<int64_t>(k % 5) * 7, k);
      if (molecules) request = WithEthanol(std::move(request));
      if (k % 3 == 0) request.set_priority(v1::PRIORITY_BULK);
      if (k % 2 == 0) {
        request.mutable_options()->set_solver(v1::SOLVER_DDIM);
        request.mutable_options()->set_solver_steps(4 + static_cast<int32_t>(k));
      }
      SCOPED_TRACE(absl::StrCat("request ", k));
      ExpectAgreement(served.Predict(request), Alone(request));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(ServerTest, PredictsWhatTheEngineDoes) {
  Served served;
  const v1::PredictRequest request = WithEthanol(TwoKnockouts(25, 1));
  const Answer answer = served.Predict(request);
  ExpectAgreement(answer, Alone(request));
  EXPECT_EQ(answer.header.model(), "tiny");
  EXPECT_EQ(answer.header.genes_size(), 24);
  EXPECT_EQ(answer.header.perturbations(1).label(), "G0+U1");
  EXPECT_EQ(answer.summaries.size(), 3u);
  EXPECT_EQ(answer.finished.rows(), 75);
  EXPECT_GT(answer.finished.evaluations(), 0);
  EXPECT_GE(answer.finished.total_seconds(), answer.finished.queue_seconds());
}

TEST(ServerTest, ConcurrentKnockoutsGetWhatTheyGetAlone) { ExpectConcurrentAsAlone(false); }

TEST(ServerTest, ConcurrentMoleculesGetWhatTheyGetAlone) { ExpectConcurrentAsAlone(true); }

TEST(ServerTest, EveryEncodingHoldsTheSameProfiles) {
  Served served;
  v1::PredictRequest request = SomeRequest(4);
  const auto expected = Alone(request);
  for (const auto encoding : {v1::MATRIX_ENCODING_PACKED, v1::MATRIX_ENCODING_SPARSE}) {
    request.mutable_options()->set_encoding(encoding);
    ExpectAgreement(served.Predict(request), expected);
  }
  request.mutable_options()->set_encoding(v1::MATRIX_ENCODING_RAW_FLOAT16);
  const Answer rounded = served.Predict(request);
  ASSERT_TRUE(rounded.status.ok());
  ASSERT_EQ(rounded.profiles.at(0).values.size(), expected[0].values.values.size());
  for (size_t k = 0; k < expected[0].values.values.size(); ++k) {
    EXPECT_NEAR(rounded.profiles.at(0).values[k], expected[0].values.values[k], 4e-3);
  }
}

TEST(ServerTest, TheModelsOwnPanelCanBeTheControls) {
  Served served;
  v1::PredictRequest request = SomeRequest();
  request.mutable_panel()->set_cell_type("T1");
  request.mutable_panel()->set_cells(7);
  request.mutable_panel()->set_seed(3);
  const Answer answer = served.Predict(request);
  ExpectAgreement(answer, Alone(request));
  EXPECT_EQ(answer.header.controls().cell_ids_size(), 7);
  EXPECT_TRUE(absl::StartsWith(answer.header.controls().cell_ids(0), "panel"));
  EXPECT_EQ(answer.header.controls().cell_types(0), "T1");
}

TEST(ServerTest, SummariesAloneCanBeAskedFor) {
  Served served;
  v1::PredictRequest request = SomeRequest(30);
  request.mutable_options()->set_content(v1::RESULT_CONTENT_SUMMARIES);
  request.mutable_options()->set_ranked_genes(3);
  const Answer answer = served.Predict(request);
  ASSERT_TRUE(answer.status.ok());
  EXPECT_TRUE(answer.profiles.empty());
  ASSERT_EQ(answer.summaries.size(), 1u);
  EXPECT_EQ(answer.summaries.at(0).ranked_genes_size(), 3);
}

v1::RegisterControlsRequest HeaderOf(const v1::PredictRequest& request) {
  v1::RegisterControlsRequest header;
  *header.mutable_header()->mutable_genes() = request.cells().genes();
  header.mutable_header()->set_value_kind(request.cells().value_kind());
  return header;
}

TEST(ServerTest, RegisteredControlsGiveWhatInlineOnesDo) {
  Served served;
  v1::PredictRequest request = SomeRequest(6);
  const auto expected = Alone(request);
  const CsrMatrix values = *codec::DecodeMatrix(request.cells().matrix(), {});
  std::string first_id;
  for (int round = 0; round < 2; ++round) {
    grpc::ClientContext context;
    v1::RegisterControlsResponse response;
    const auto writer = served.predictions().RegisterControls(&context, &response);
    ASSERT_TRUE(writer->Write(HeaderOf(request)));
    for (const int64_t row : {0, 2, 4}) {
      v1::RegisterControlsRequest part;
      const std::vector<int64_t> rows = {row, row + 1};
      *part.mutable_chunk()->mutable_matrix() = codec::EncodeMatrix(SelectRows(values, rows));
      part.mutable_chunk()->add_cell_types("T0");
      ASSERT_TRUE(writer->Write(part));
    }
    writer->WritesDone();
    const grpc::Status status = writer->Finish();
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.cells(), 6);
    EXPECT_EQ(response.time_to_live_seconds(), 3600);
    if (round == 0) first_id = response.control_set_id();
    EXPECT_EQ(response.control_set_id(), first_id);
  }
  request.set_control_set_id(first_id);
  ExpectAgreement(served.Predict(request), expected);
}

TEST(ServerTest, ModelsAreListedAndDescribed) {
  ServerConfig config = test::TestConfig();
  BundleConfig* second = config.add_bundles();
  second->set_directory(test::TinyBundleFolder());
  second->set_name("another");
  Served served(config);
  grpc::ClientContext list_context;
  v1::ListModelsResponse list;
  ASSERT_TRUE(served.models().ListModels(&list_context, {}, &list).ok());
  ASSERT_EQ(list.models_size(), 2);
  EXPECT_EQ(list.models(0).name(), "another");
  EXPECT_EQ(list.models(1).name(), "tiny");

  grpc::ClientContext context;
  v1::GetModelRequest request;
  request.set_model("tiny");
  v1::GetModelResponse response;
  ASSERT_TRUE(served.models().GetModel(&context, request, &response).ok());
  const v1::Model& model = response.model();
  EXPECT_EQ(model.genes_size(), 24);
  EXPECT_EQ(model.gene_symbols().at("G3"), "S3");
  EXPECT_EQ(model.gene_list_hash(), test::TinyBundle()->manifest().GeneHash());
  EXPECT_EQ(model.perturbed_only_genes_size(), 2);
  EXPECT_EQ(model.molecules(0).name(), "aspirin");
  EXPECT_EQ(model.panel_cells().at("T1"), 30);
  EXPECT_EQ(model.default_solver(), v1::SOLVER_DPMPP_2M);
  EXPECT_THAT(model.card(), HasSubstr("tiny"));

  v1::PredictRequest predict = SomeRequest();
  EXPECT_EQ(served.Predict(predict).reason(), "MODEL_REQUIRED");
  predict.set_model("another");
  ExpectAgreement(served.Predict(predict), Alone(predict));
}

std::string HealthOf(Served* served, const std::string& service) {
  const auto stub = grpc::health::v1::Health::NewStub(served->channel());
  grpc::ClientContext context;
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  grpc::health::v1::HealthCheckResponse response;
  const grpc::Status status = stub->Check(&context, request, &response);
  return status.ok() ? grpc::health::v1::HealthCheckResponse::ServingStatus_Name(response.status())
                     : absl::StrCat("code ", status.error_code());
}

TEST(ServerTest, HealthTellsTheProcessFromTheService) {
  ServerConfig config = test::TestConfig();
  config.set_health_listen("127.0.0.1:0");
  Served served(config);
  EXPECT_EQ(HealthOf(&served, ""), "SERVING");
  for (const char* name :
       {"liveness", "readiness", "unlasting.v1.PredictionService", "unlasting.v1.ModelService"}) {
    EXPECT_EQ(HealthOf(&served, name), "SERVING") << name;
  }
  EXPECT_EQ(HealthOf(&served, "no.such.Service"), "code 5");
  EXPECT_NE(served.server().health_port(), 0);
}

TEST(ServerTest, TheAdminPortTellsMetricsAndState) {
  Served served;
  ASSERT_TRUE(served.Predict(SomeRequest()).status.ok());
  int code = 0;
  EXPECT_THAT(served.Get("/metrics", &code),
              HasSubstr("unlasting_requests_total{code=\"OK\",method=\"Predict\"} 1"));
  EXPECT_EQ(code, 200);
  EXPECT_EQ(served.Get("/healthz", &code), "alive\n");
  EXPECT_EQ(served.Get("/readyz", &code), "ready\n");
  EXPECT_EQ(code, 200);
  EXPECT_THAT(served.Get("/version"), HasSubstr("\"version\":\"0.2.0\",\"build\":\""));
  served.Get("/elsewhere", &code);
  EXPECT_EQ(code, 404);
}

TEST(ServerTest, ACancelledCallFreesTheServer) {
  Served served;
  grpc::ClientContext context;
  const auto reader = served.predictions().Predict(&context, test::EndlessRequest());
  v1::PredictResponse part;
  ASSERT_TRUE(reader->Read(&part));
  context.TryCancel();
  EXPECT_EQ(Served::ReadAll(&context, reader.get()).status.error_code(),
            grpc::StatusCode::CANCELLED);
  // Waits for calls in flight; with the job still in the batch this would take minutes.
  served.server().Drain();
  EXPECT_THAT(served.Get("/metrics"),
              HasSubstr("unlasting_requests_total{code=\"CANCELLED\",method=\"Predict\"} 1"));
}

TEST(ServerTest, AnExpiredCallEndsAndFreesTheServer) {
  Served served;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(200));
  const auto reader = served.predictions().Predict(&context, test::EndlessRequest());
  EXPECT_EQ(Served::ReadAll(&context, reader.get()).status.error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  served.server().Drain();
}

TEST(ServerTest, AReaderThatDoesNotReadHoldsUpNobody) {
  ServerConfig config = test::TestConfig();
  config.mutable_memory()->set_response_queue_bytes(1);
  Served served(config);
  v1::PredictRequest slow = SomeRequest(200);
  for (int k = 0; k < 19; ++k) {
    slow.add_perturbations()->mutable_genes()->add_genes("G" + std::to_string(k % 6));
  }
  grpc::ClientContext context;
  const auto reader = served.predictions().Predict(&context, slow);
  const v1::PredictRequest quick = SomeRequest(3, 2);
  ExpectAgreement(served.Predict(quick), Alone(quick));
  ExpectAgreement(Served::ReadAll(&context, reader.get()), Alone(slow));
}

TEST(ServerTest, DrainingFinishesCallsInFlight) {
  Served served;
  const v1::PredictRequest request = TwoKnockouts(60, 4);
  const auto expected = Alone(request);
  grpc::ClientContext context;
  const auto reader = served.predictions().Predict(&context, request);
  reader->WaitForInitialMetadata();  // the call is admitted
  std::thread drain([&served] { served.server().Drain(); });
  const Answer answer = Served::ReadAll(&context, reader.get());
  drain.join();
  ExpectAgreement(answer, expected);
  int code = 0;
  served.Get("/readyz", &code);
  EXPECT_EQ(code, 503);
  EXPECT_EQ(served.Predict(request).status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace unlasting::server
