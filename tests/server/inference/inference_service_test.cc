// The Open Inference Protocol as its callers see it: over a real channel, with a real bundle.
#include "gmock/gmock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/server/inference/infer_fixture.h"
#include "tests/server/rpc/agreement.h"

namespace unlasting::server {
namespace {

using inference::GRPCInferenceService;
using inference::ModelInferRequest;
using test::AddFloats;
using test::AddStrings;
using test::Flat;
using test::Infer;
using test::InferAnswer;
using test::InferCells;
using test::Served;
using test::Set;
using test::SomeInfer;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(InferenceService, AKnockoutIsWhatPredictGives) {
  Served served;
  const v1::PredictRequest predict = test::TwoKnockouts(7, 3);
  ModelInferRequest request = InferCells(predict);
  AddStrings(&request, "knockout", {"G1", "G0+U1"});
  request.set_id("mine");
  const std::vector<float> expected = Flat(served.Predict(predict));
  for (const ModelInferRequest& each : {request, test::Typed(request)}) {
    const InferAnswer answer = Infer(&served, each);
    ASSERT_TRUE(answer.call.status.ok()) << answer.call.status.error_message();
    EXPECT_EQ(answer.values(), expected);
    EXPECT_EQ(answer.response.id(), "mine");
    EXPECT_EQ(answer.response.model_name(), "tiny");
    EXPECT_FALSE(answer.response.model_version().empty());
    ASSERT_EQ(answer.response.outputs_size(), 1);
    EXPECT_EQ(answer.response.outputs(0).name(), "profiles");
    EXPECT_EQ(answer.response.outputs(0).datatype(), "FP32");
    EXPECT_THAT(answer.response.outputs(0).shape(), ElementsAre(2, 7, 24));
  }
}

TEST(InferenceService, AMoleculeIsWhatPredictGives) {
  Served served;
  v1::PredictRequest predict = test::SomeRequest(5);
  predict.clear_perturbations();
  predict = test::WithEthanol(std::move(predict));
  ModelInferRequest request = InferCells(predict);
  AddStrings(&request, "smiles", {"CCO"});
  AddFloats(&request, "dose_um", {0.5});
  const InferAnswer answer = Infer(&served, request);
  ASSERT_TRUE(answer.call.status.ok()) << answer.call.status.error_message();
  EXPECT_EQ(answer.values(), Flat(served.Predict(predict)));
}

TEST(InferenceService, SeedsAndKindsOfValuesAreThoseOfPredict) {
  Served served;
  std::vector<std::vector<float>> seen;
  for (const int seed : {1, 2}) {
    v1::PredictRequest predict = test::SomeRequest(5);
    predict.mutable_options()->set_solver(v1::SOLVER_DDIM);
    predict.mutable_options()->set_eta(0.5);
    predict.mutable_options()->set_seed(seed);
    predict.mutable_options()->set_value_kind(v1::VALUE_KIND_COUNTS);
    ModelInferRequest request = SomeInfer(5);
    Set(&request, "solver", "ddim");
    (*request.mutable_parameters())["eta"].set_double_param(0.5);
    Set(&request, "seed", seed);
    Set(&request, "value_kind", "normalised_counts");
    const InferAnswer answer = Infer(&served, request);
    ASSERT_TRUE(answer.call.status.ok()) << answer.call.status.error_message();
    EXPECT_EQ(answer.values(), Flat(served.Predict(predict)));
    EXPECT_EQ(answer.response.parameters().at("seed").int64_param(), seed);
    EXPECT_EQ(answer.response.parameters().at("value_kind").string_param(), "normalised counts");
    seen.push_back(answer.values());
  }
  EXPECT_NE(seen[0], seen[1]);
}

TEST(InferenceService, ColumnsOfTheAnswerAreTheGenesOfTheRequest) {
  Served served;
  const v1::PredictRequest predict = test::SomeRequest(4);
  const auto values = *codec::DecodeDenseMatrix(predict.cells().matrix());
  ModelInferRequest request;
  std::vector<std::string> genes;
  std::vector<float> cells;
  for (int g = 23; g >= 0; --g) genes.push_back(absl::StrCat(g == 3 ? "S" : "G", g));
  for (int64_t r = 0; r < 4; ++r) {
    for (int g = 23; g >= 0; --g) cells.push_back(values.Row(r)[g]);
  }
  AddStrings(&request, "genes", genes);
  test::AddInput(&request, "cells", "FP32", {4, 24});
  request.add_raw_input_contents(test::RawFloats(cells));
  AddStrings(&request, "cell_type", {"T0"});
  AddStrings(&request, "knockout", {"G1"});
  const InferAnswer answer = Infer(&served, request);
  ASSERT_TRUE(answer.call.status.ok()) << answer.call.status.error_message();
  const std::vector<float> expected = Flat(served.Predict(predict));
  const std::vector<float> found = answer.values();
  ASSERT_EQ(found.size(), expected.size());
  for (int r = 0; r < 4; ++r) {
    for (int g = 0; g < 24; ++g) EXPECT_EQ(found[r * 24 + 23 - g], expected[r * 24 + g]);
  }
}

TEST(InferenceService, NotesOfTheAnswerComeWithIt) {
  Served served;
  v1::PredictRequest predict = test::SomeRequest(4);
  predict.mutable_cells()->mutable_genes()->mutable_names()->RemoveLast();
  auto values = *codec::DecodeDenseMatrix(predict.cells().matrix());
  DenseMatrix fewer(4, 23);
  for (int64_t r = 0; r < 4; ++r) {
    std::copy_n(values.Row(r).begin(), 23, fewer.Row(r).begin());
  }
  *predict.mutable_cells()->mutable_matrix() =
      codec::EncodeMatrix(fewer, v1::MATRIX_ENCODING_RAW_FLOAT32);
  ModelInferRequest request = InferCells(predict);
  AddStrings(&request, "knockout", {"G1"});
  EXPECT_EQ(Infer(&served, request).call.reason(), "MISSING_GENES");
  Set(&request, "missing_genes", "zero");
  const InferAnswer answer = Infer(&served, request);
  ASSERT_TRUE(answer.call.status.ok()) << answer.call.status.error_message();
  EXPECT_THAT(answer.response.outputs(0).shape(), ElementsAre(1, 4, 23));
  EXPECT_THAT(answer.response.parameters().at("notes").string_param(), HasSubstr("G23"));
}

TEST(InferenceService, SaysThatItIsThereAndWhatItsModelsTake) {
  Served served;
  const auto stub = GRPCInferenceService::NewStub(served.channel());
  {
    grpc::ClientContext context;
    inference::ServerLiveResponse live;
    EXPECT_TRUE(stub->ServerLive(&context, {}, &live).ok() && live.live());
  }
  {
    grpc::ClientContext context;
    inference::ServerReadyResponse ready;
    EXPECT_TRUE(stub->ServerReady(&context, {}, &ready).ok() && ready.ready());
  }
  for (const auto& [name, version, expected] :
       {std::tuple("tiny", "", true), std::tuple("", "", true), std::tuple("huge", "", false),
        std::tuple("tiny", "99", false)}) {
    grpc::ClientContext context;
    inference::ModelReadyRequest request;
    request.set_name(name);
    request.set_version(version);
    inference::ModelReadyResponse ready;
    EXPECT_TRUE(stub->ModelReady(&context, request, &ready).ok());
    EXPECT_EQ(ready.ready(), expected) << name << " " << version;
  }
  {
    grpc::ClientContext context;
    inference::ServerMetadataResponse server;
    ASSERT_TRUE(stub->ServerMetadata(&context, {}, &server).ok());
    EXPECT_EQ(server.name(), "unlasting-server");
    EXPECT_EQ(server.version(), "0.2.0");
  }
  grpc::ClientContext context;
  inference::ModelMetadataRequest request;
  request.set_name("tiny");
  inference::ModelMetadataResponse model;
  ASSERT_TRUE(stub->ModelMetadata(&context, request, &model).ok());
  EXPECT_EQ(model.name(), "tiny");
  EXPECT_EQ(model.versions_size(), 1);
  std::vector<std::string> tensors;
  for (const auto& tensor : model.inputs()) {
    tensors.push_back(absl::StrCat(tensor.name(), " ", tensor.datatype(), " ", tensor.shape_size(),
                                   " ", *tensor.shape().rbegin()));
  }
  EXPECT_THAT(tensors,
              ElementsAre("genes BYTES 1 24", "cells FP32 2 24", "cell_type BYTES 1 1",
                          "knockout BYTES 1 -1", "smiles BYTES 1 -1", "dose_um FP32 1 -1"));
  ASSERT_EQ(model.outputs_size(), 1);
  EXPECT_EQ(model.outputs(0).name(), "profiles");
  EXPECT_THAT(model.outputs(0).shape(), ElementsAre(-1, -1, 24));
  grpc::ClientContext unknown;
  request.set_name("huge");
  EXPECT_EQ(stub->ModelMetadata(&unknown, request, &model).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST(InferenceService, IsCountedLoggedAndTracedAsPredictIs) {
  Served served;
  ASSERT_TRUE(Infer(&served, SomeInfer()).call.status.ok());
  EXPECT_EQ(Infer(&served, {}).call.trailers.count("x-request-id"), 1u);
  const std::string metrics = served.Get("/metrics");
  EXPECT_THAT(metrics, HasSubstr("unlasting_requests_total{code=\"OK\",method=\"ModelInfer\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("code=\"INVALID_ARGUMENT\",method=\"ModelInfer\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("unlasting_predicted_cells_total{model=\"tiny\""));
}

TEST(InferenceService, IsThereOnlyWhereTheSettingSaysSo) {
  ServerConfig config = test::TestConfig();
  config.set_open_inference(false);
  Served served(config);
  EXPECT_EQ(Infer(&served, SomeInfer()).call.status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_TRUE(served.Predict(test::SomeRequest()).status.ok());
}

TEST(InferenceService, HealthAndReflectionKnowIt) {
  Served served;
  const auto health = grpc::health::v1::Health::NewStub(served.channel());
  grpc::ClientContext context;
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(GRPCInferenceService::service_full_name());
  grpc::health::v1::HealthCheckResponse response;
  ASSERT_TRUE(health->Check(&context, request, &response).ok());
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);
}

}  // namespace
}  // namespace unlasting::server
