// What the Open Inference Protocol refuses on the way that Predict takes: access, limits, memory,
// deadlines, and whatever only a model can find wrong. Errors name the inputs.
#include <limits>
#include <regex>

#include "core/base/file.h"
#include "gmock/gmock.h"
#include "grpcpp/generic/generic_stub.h"
#include "tests/server/inference/infer_fixture.h"
#include "tests/support/wait_until.h"

namespace unlasting::server {
namespace {

using inference::GRPCInferenceService;
using inference::ModelInferRequest;
using test::Answer;
using test::Infer;
using test::InferAnswer;
using test::Served;
using test::Set;
using test::SetStrings;
using test::SomeInfer;
using testing::HasSubstr;

constexpr int64_t kHuge = int64_t{1} << 62;

struct Wrong {
  std::function<void(ModelInferRequest*)> change;
  grpc::StatusCode code;
  std::string reason;
  std::string message;  // how it begins
};

void SetCell(ModelInferRequest* request, float value) {
  std::copy_n(reinterpret_cast<const char*>(&value), sizeof(float),
              request->mutable_raw_input_contents(1)->begin() + 40);
}

void SetEmptyCells(ModelInferRequest* request, int64_t rows, int64_t columns) {
  request->mutable_inputs(1)->set_shape(0, rows);
  request->mutable_inputs(1)->set_shape(1, columns);
  request->mutable_raw_input_contents(1)->clear();
}

void MakeMolecule(ModelInferRequest* request, const std::string& smiles, float dose) {
  request->mutable_inputs(3)->set_name("smiles");
  SetStrings(request, 3, {smiles});
  test::AddFloats(request, "dose_um", {dose});
}

std::vector<Wrong> WrongRequests() {
  constexpr auto kInvalid = grpc::StatusCode::INVALID_ARGUMENT;
  constexpr auto kNotFound = grpc::StatusCode::NOT_FOUND;
  std::vector<std::string> genes;
  for (int k = 0; k < 23; ++k) genes.push_back(absl::StrCat("G", k));
  std::vector<std::string> repeated = genes, unknown = genes;
  repeated.emplace_back("G0");
  unknown.emplace_back("NOSUCHGENE");
  return {
      {[](auto* r) { r->set_model_name("huge"); }, kNotFound, "UNKNOWN_MODEL", "model_name: "},
      {[](auto* r) { r->set_model_version("99"); }, kNotFound, "UNKNOWN_VERSION",
       "model_version of model 'tiny': "},
      {[](auto* r) { SetCell(r, std::nanf("")); }, kInvalid, "INVALID_VALUE", "cells: "},
      {[](auto* r) { SetCell(r, HUGE_VALF); }, kInvalid, "INVALID_VALUE", "cells: "},
      {[](auto* r) { SetCell(r, -1); }, kInvalid, "INVALID_VALUE", "cells: "},
      {[=](auto* r) { SetStrings(r, 0, genes); }, kInvalid, "INVALID_SHAPE", "cells: "},
      {[=](auto* r) { SetStrings(r, 0, repeated); }, kInvalid, "DUPLICATE_GENE", "genes"},
      {[=](auto* r) { SetStrings(r, 0, unknown); }, kInvalid, "MISSING_GENES", "cells: "},
      {[](auto* r) { SetStrings(r, 2, {"T9"}); }, kNotFound, "UNKNOWN_CELL_TYPE", "cell_type: "},
      {[](auto* r) {
         SetStrings(r, 2, {"T0", "T0"});
       },
       kInvalid, "INVALID_SHAPE", "cell_type: "},
      {[](auto* r) {
         SetStrings(r, 3, {"G1", "NOSUCHGENE"});
       },
       kNotFound, "UNKNOWN_GENE", "knockout[1]: "},
      {[](auto* r) { SetStrings(r, 3, {}); }, kInvalid, "EMPTY_PERTURBATION", "knockout: "},
      {[](auto* r) { MakeMolecule(r, "C(C", 1); }, kInvalid, "UNPARSABLE_SMILES", "smiles[0]: "},
      {[](auto* r) { MakeMolecule(r, "CCO", 0); }, kInvalid, "INVALID_DOSE", "dose_um[0]: "},
      {[](auto* r) { MakeMolecule(r, "CCO", std::nanf("")); }, kInvalid, "INVALID_DOSE",
       "dose_um[0]: "},
      {[](auto* r) { Set(r, "solver_steps", 100000); }, kInvalid, "INVALID_OPTION",
       "parameters.solver_steps: "},
      {[](auto* r) { SetEmptyCells(r, 0, 24); }, kInvalid, "NO_CELLS", "cells: "},
      {[](auto* r) { SetEmptyCells(r, kHuge, 0); }, kInvalid, "INVALID_SHAPE", "cells: "},
      {[](auto* r) { SetEmptyCells(r, 0, kHuge); }, kInvalid, "INVALID_SHAPE", "cells: "},
      {[](auto* r) { Set(r, "solver_steps", std::numeric_limits<int32_t>::max()); }, kInvalid,
       "INVALID_OPTION", "parameters.solver_steps: "},
      {[](auto* r) { Set(r, "cells_target_sum", -kHuge); }, kInvalid, "INVALID_VALUE",
       "parameters.cells_target_sum: "},
      {[](auto* r) { Set(r, "mask_threshold", kHuge); }, kInvalid, "INVALID_OPTION",
       "parameters.mask_threshold: "},
      {[](auto* r) { Set(r, "eta", kHuge); }, kInvalid, "INVALID_OPTION", "parameters.eta: "},
  };
}

void ExpectRefused(Served* served, const Wrong& wrong) {
  ModelInferRequest request = SomeInfer();
  wrong.change(&request);
  const Answer answer = Infer(served, request).call;
  EXPECT_EQ(answer.status.error_code(), wrong.code) << answer.status.error_message();
  EXPECT_EQ(answer.reason(), wrong.reason) << answer.status.error_message();
  EXPECT_EQ(answer.status.error_message().substr(0, wrong.message.size()), wrong.message)
      << answer.status.error_message();
}

TEST(InferenceRefusals, ErrorsNameTheInputAndSayWhatPredictSays) {
  Served served;
  for (const Wrong& wrong : WrongRequests()) ExpectRefused(&served, wrong);
  EXPECT_TRUE(Infer(&served, SomeInfer()).call.status.ok());
}

TEST(InferenceRefusals, TheLongestTimeoutIsNone) {
  Served served;
  ModelInferRequest patient = SomeInfer();
  Set(&patient, "timeout", std::numeric_limits<int64_t>::max());
  (*patient.mutable_parameters())["seed"].set_uint64_param(~uint64_t{0});
  const Answer answer = Infer(&served, patient).call;
  EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
}

TEST(InferenceRefusals, EveryBadInputIsNamedAtOnce) {
  Served served;
  ModelInferRequest request = SomeInfer();
  SetStrings(&request, 3, {"NOSUCHGENE"});
  SetCell(&request, std::nanf(""));
  Set(&request, "solver_steps", 100000);
  const auto bad = Infer(&served, request).call.Find<google::rpc::BadRequest>();
  std::vector<std::string> fields;
  for (const auto& violation : bad.field_violations()) fields.push_back(violation.field());
  EXPECT_THAT(fields,
              testing::UnorderedElementsAre("cells", "knockout[0]", "parameters.solver_steps"));
}

TEST(InferenceRefusals, LimitsAreThoseOfTheApi) {
  ServerConfig config = test::TestConfig();
  config.mutable_limits()->set_max_cells(3);
  config.mutable_limits()->set_max_perturbations(2);
  config.mutable_limits()->set_max_rows(4);
  Served served(config);
  EXPECT_TRUE(Infer(&served, SomeInfer(3)).call.status.ok());
  EXPECT_EQ(Infer(&served, SomeInfer(4)).call.reason(), "TOO_MANY_CELLS");
  ModelInferRequest request = SomeInfer(3);
  SetStrings(&request, 3, {"G1", "G2", "G3"});
  EXPECT_EQ(Infer(&served, request).call.reason(), "TOO_MANY_ELEMENTS");
  SetStrings(&request, 3, {"G1", "G2"});
  EXPECT_EQ(Infer(&served, request).call.reason(), "TOO_MANY_ROWS");
}

TEST(InferenceRefusals, AnAnswerIsNoLargerThanAMessageMayBe) {
  ServerConfig config = test::TestConfig();
  config.mutable_limits()->set_max_message_bytes(1 << 16);
  Served served(config);
  ModelInferRequest request = SomeInfer(100);
  const std::vector<std::string> seven(7, "G1");
  SetStrings(&request, 3, std::vector<std::string>(6, "G1"));
  EXPECT_TRUE(Infer(&served, request).call.status.ok());
  SetStrings(&request, 3, seven);
  const Answer answer = Infer(&served, request).call;
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(answer.reason(), "ANSWER_TOO_LARGE");
  EXPECT_THAT(answer.status.error_message(), HasSubstr("7 perturbations x 100 cells x 24 genes"));
}

TEST(InferenceRefusals, AnswersTakeTheMemoryOfRequestsAndGiveItBack) {
  ServerConfig config = test::TestConfig();
  config.mutable_memory()->set_max_incoming_bytes(1 << 20);
  Served served(config);
  ModelInferRequest request = SomeInfer(100);
  SetStrings(&request, 3, std::vector<std::string>(30, "G1"));
  const Answer answer = Infer(&served, request).call;
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(answer.reason(), "TOO_MANY_BYTES");
  EXPECT_THAT(answer.status.error_message(), HasSubstr("the answer needs 288000 bytes"));
  SetStrings(&request, 3, std::vector<std::string>(9, "G1"));
  for (int k = 0; k < 20; ++k) EXPECT_TRUE(Infer(&served, request).call.status.ok());
}

TEST(InferenceRefusals, WhatARequestMeansTakesTheMemoryOfRequests) {
  ServerConfig config = test::TestConfig();
  config.mutable_memory()->set_max_incoming_bytes(1 << 20);
  Served served(config);
  ModelInferRequest request = SomeInfer();
  request.mutable_inputs(3)->set_name("smiles");
  SetStrings(&request, 3, std::vector<std::string>(2000, "C"));
  test::AddFloats(&request, "dose_um", std::vector<float>(2000, 1));
  for (int k = 0; k < 10; ++k) Set(&request, absl::StrCat("covariates.", k), 1);
  EXPECT_LT(request.ByteSizeLong(), 1u << 15);
  EXPECT_EQ(Infer(&served, request).call.reason(), "TOO_MANY_BYTES");
}

TEST(InferenceRefusals, MessagesAreBoundedBeforeTheyAreParsed) {
  ServerConfig config = test::TestConfig();
  config.mutable_limits()->set_max_message_bytes(1 << 16);
  Served served(config);
  ModelInferRequest request = SomeInfer();
  request.mutable_raw_input_contents(1)->resize(1 << 17);
  EXPECT_EQ(Infer(&served, request).call.reason(), "MESSAGE_TOO_LARGE");
  grpc::GenericStub stub(served.channel());
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  grpc::Slice slice(SomeInfer().SerializeAsString().substr(0, 300));
  grpc::ByteBuffer response;
  Answer answer;
  const auto reader = stub.PrepareUnaryCall(&context, "/inference.GRPCInferenceService/ModelInfer",
                                            grpc::ByteBuffer(&slice, 1), &queue);
  reader->StartCall();
  reader->Finish(&response, &answer.status, nullptr);
  void* tag;
  bool ok;
  ASSERT_TRUE(queue.Next(&tag, &ok));
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(answer.reason(), "MALFORMED_REQUEST");
}

TEST(InferenceRefusals, DeadlinesAndTimeoutsEndTheWork) {
  ServerConfig config = test::TestConfig();
  config.mutable_scheduling()->set_refuse_late(false);
  Served served(config);
  const auto stub = GRPCInferenceService::NewStub(served.channel());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(200));
  inference::ModelInferResponse response;
  EXPECT_EQ(stub->ModelInfer(&context, test::EndlessInfer(), &response).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  ModelInferRequest request = test::EndlessInfer();
  Set(&request, "timeout", 200'000);
  const Answer answer = Infer(&served, request).call;
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(answer.reason(), "DEADLINE_EXCEEDED");
  // Waits for calls in flight; with the jobs still in the batch this would take minutes.
  served.server().Drain();
}

TEST(InferenceRefusals, ACancelledCallFreesTheServer) {
  Served served;
  const auto stub = GRPCInferenceService::NewStub(served.channel());
  grpc::ClientContext context;
  inference::ModelInferResponse response;
  grpc::CompletionQueue queue;
  const auto reader = stub->AsyncModelInfer(&context, test::EndlessInfer(), &queue);
  grpc::Status status;
  reader->Finish(&response, &status, nullptr);
  ASSERT_TRUE(test::WaitUntil([&served] {
    return std::regex_search(served.Get("/metrics"), std::regex("unlasting_active_jobs\\{.*\\} 1"));
  }));
  context.TryCancel();
  void* tag;
  bool ok;
  ASSERT_TRUE(queue.Next(&tag, &ok));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  served.server().Drain();
}

constexpr char kToken[] = "secret-of-alice";

class TokenInference : public testing::Test {
 protected:
  ServerConfig Config() {
    const std::string path = folder_.At("tokens");
    EXPECT_TRUE(
        WriteFileAtomically(path, absl::StrCat("alice predict ", Sha256(kToken), "\n")).ok());
    ServerConfig config = test::TestConfig();
    config.set_auth_tokens(path);
    return config;
  }
  const test::TempFolder folder_;
};

TEST_F(TokenInference, EveryMethodAsksForTheTokenOfTheApi) {
  Served served(Config());
  EXPECT_EQ(Infer(&served, SomeInfer()).call.status.error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(Infer(&served, SomeInfer(), "wrong").call.status.error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_TRUE(Infer(&served, SomeInfer(), kToken).call.status.ok());
  const auto stub = GRPCInferenceService::NewStub(served.channel());
  grpc::ClientContext live, metadata, stream;
  inference::ServerLiveResponse is_live;
  EXPECT_EQ(stub->ServerLive(&live, {}, &is_live).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  inference::ModelMetadataResponse model;
  EXPECT_EQ(stub->ModelMetadata(&metadata, {}, &model).error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(stub->ModelStreamInfer(&stream)->Finish().error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
}

}  // namespace
}  // namespace unlasting::server
