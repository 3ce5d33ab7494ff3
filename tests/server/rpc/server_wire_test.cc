// What crosses the wire: requests that are no messages, results of any size for stock clients,
// names, notes and reflection.
#include "core/base/utf8.h"
#include "gmock/gmock.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpcpp/generic/generic_stub.h"
#include "proto/codec/matrix_codec.h"
#include "server/rpc/wire.h"
#include "tests/server/rpc/agreement.h"
#include "tests/server/served.h"

namespace unlasting::server {
namespace {

using test::Answer;
using test::Served;
using test::SomeRequest;
using testing::HasSubstr;

constexpr char kPredict[] = "/unlasting.v1.PredictionService/Predict";
constexpr char kGetModel[] = "/unlasting.v1.ModelService/GetModel";

// What a call of `method` with these bytes ends with.
Answer Raw(Served* served, const std::string& method, const std::string& bytes) {
  grpc::GenericStub stub(served->channel());
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  Answer answer;
  const auto reader = stub.PrepareUnaryCall(&context, method, request, &queue);
  reader->StartCall();
  reader->Finish(&response, &answer.status, nullptr);
  void* tag;
  bool ok;
  EXPECT_TRUE(queue.Next(&tag, &ok));
  return answer;
}

std::string WithLatin1(const v1::PredictRequest& request) {
  std::string bytes = request.SerializeAsString();
  const size_t at = bytes.rfind("G1");
  return bytes.replace(at, 2, "G\xE9");
}

TEST(ServerWire, TextThatIsNotUtf8IsRefusedAtItsField) {
  Served served;
  const Answer answer = Raw(&served, kPredict, WithLatin1(SomeRequest()));
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(answer.reason(), "INVALID_UTF8");
  EXPECT_THAT(answer.status.error_message(), HasSubstr("'G\\xe9'"));
  const auto bad = answer.Find<google::rpc::BadRequest>();
  ASSERT_EQ(bad.field_violations_size(), 1);
  EXPECT_EQ(bad.field_violations(0).field(), "perturbations[0].genes.genes[0]");
  EXPECT_EQ(Raw(&served, kGetModel, "\n\x02\xE9\xE9").reason(), "INVALID_UTF8");
}

TEST(ServerWire, RequestsThatAreCutAreMalformed) {
  Served served;
  const std::string whole = SomeRequest().SerializeAsString();
  int refused = 0;
  for (size_t size = 1; size < whole.size(); size += 7) {
    const Answer answer = Raw(&served, kPredict, whole.substr(0, size));
    EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << size;
    EXPECT_NE(answer.reason(), "") << size;
    refused += answer.reason() == "MALFORMED_REQUEST" ? 1 : 0;
  }
  EXPECT_GT(refused, 10);
  EXPECT_EQ(Raw(&served, kGetModel, "\xFF\xFF\xFF").reason(), "MALFORMED_REQUEST");
  EXPECT_EQ(Raw(&served, "/unlasting.v1.PredictionService/FeaturizeMolecule", "\n\x09").reason(),
            "MALFORMED_REQUEST");
}

TEST(ServerWire, AnUploadWithAPartThatIsCutIsRefusedAndNotKeptShort) {
  Served served;
  v1::RegisterControlsRequest header, chunk;
  header.mutable_header()->mutable_genes()->add_names("G1");
  header.mutable_header()->set_value_kind(v1::VALUE_KIND_LOG1P);
  chunk.mutable_chunk()->mutable_matrix()->set_rows(1);
  chunk.mutable_chunk()->mutable_matrix()->set_columns(1);
  chunk.mutable_chunk()->mutable_matrix()->mutable_packed()->add_values(1.5f);
  chunk.mutable_chunk()->add_cell_types("T0");
  const std::string whole = chunk.SerializeAsString();
  grpc::GenericStub stub(served.channel());
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const auto call =
      stub.PrepareCall(&context, "/unlasting.v1.PredictionService/RegisterControls", &queue);
  const auto wait = [&queue] {
    void* tag;
    bool ok = false;
    EXPECT_TRUE(queue.Next(&tag, &ok));
    return ok;
  };
  call->StartCall(nullptr);
  ASSERT_TRUE(wait());
  for (const std::string& part : {header.SerializeAsString(), whole, whole.substr(0, 7)}) {
    grpc::Slice slice(part);
    call->Write(grpc::ByteBuffer(&slice, 1), nullptr);
    if (!wait()) break;
  }
  Answer answer;
  call->Finish(&answer.status, nullptr);
  wait();
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(answer.reason(), "MALFORMED_REQUEST");
}

TEST(ServerWire, DetailsOfLongForeignNamesCanBeRead) {
  Served served;
  std::string name = "x";
  for (int k = 0; k < 2000; ++k) name += "\xC3\xA9";
  grpc::ClientContext context;
  v1::GetModelRequest get;
  get.set_model(name);
  v1::GetModelResponse response;
  Answer answer;
  answer.status = served.models().GetModel(&context, get, &response);
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(answer.reason(), "UNKNOWN_MODEL");
  v1::PredictRequest request = SomeRequest();
  for (int k = 0; k < 100; ++k) {
    *request.add_perturbations()->mutable_genes()->add_genes() = name.substr(0, 1201);
  }
  answer = served.Predict(request);
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_TRUE(IsUtf8(answer.status.error_message()));
  EXPECT_EQ(answer.Find<google::rpc::ErrorInfo>().metadata().at("bad_fields"), "100");
}

// A client as gRPC makes them: messages of at most 4 MiB.
std::vector<v1::PredictResponse> StockParts(Served* served, const v1::PredictRequest& request) {
  grpc::ChannelArguments arguments;
  const auto channel = grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(served->port()),
                                                 grpc::InsecureChannelCredentials(), arguments);
  const auto stub = v1::PredictionService::NewStub(channel);
  grpc::ClientContext context;
  const auto reader = stub->Predict(&context, request);
  std::vector<v1::PredictResponse> parts;
  v1::PredictResponse part;
  while (reader->Read(&part)) parts.push_back(part);
  const grpc::Status status = reader->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  return parts;
}

TEST(ServerWire, AStockClientReadsCellsWithLongNames) {
  Served served;
  v1::PredictRequest request = SomeRequest(6000);
  for (int k = 0; k < 6000; ++k) {
    request.mutable_cells()->add_cell_ids("cell-" + std::to_string(k) + std::string(900, 'x'));
  }
  request.mutable_options()->set_solver(v1::SOLVER_DDIM);
  request.mutable_options()->set_solver_steps(1);
  const auto parts = StockParts(&served, request);
  ASSERT_FALSE(parts.empty());
  const v1::ResolvedControls& controls = parts[0].header().controls();
  EXPECT_TRUE(controls.cell_ids_in_chunks());
  EXPECT_EQ(controls.cell_ids_size(), 0);
  EXPECT_EQ(controls.cell_type_indices_size(), 6000);
  int rows = 0;
  for (const v1::PredictResponse& part : parts) {
    EXPECT_LT(part.ByteSizeLong(), 2u << 20);
    const v1::ProfileChunk& chunk = part.profiles();
    ASSERT_EQ(chunk.cell_ids_size(), chunk.control_indices_size());
    for (int k = 0; k < chunk.cell_ids_size(); ++k) {
      ASSERT_EQ(chunk.cell_ids(k), request.cells().cell_ids(chunk.control_indices(k)));
    }
    rows += chunk.cell_ids_size();
  }
  EXPECT_EQ(rows, 6000);
  EXPECT_FALSE(served.Predict(SomeRequest(20)).header.controls().cell_ids_in_chunks());
  EXPECT_EQ(served.Predict(SomeRequest(20)).header.controls().cell_ids_size(), 20);
}

TEST(ServerWire, NamesOfCellsHaveALimit) {
  Served served;
  v1::PredictRequest request = SomeRequest(1);
  request.mutable_cells()->add_cell_ids(std::string(1025, 'x'));
  const Answer answer = served.Predict(request);
  EXPECT_EQ(answer.reason(), "INVALID_VALUE");
  EXPECT_EQ(answer.Find<google::rpc::BadRequest>().field_violations(0).field(),
            "cells.cell_ids[0]");
}

TEST(ServerWire, AStockClientReadsManyPerturbations) {
  Served served;
  v1::PredictRequest request = SomeRequest(1);
  request.clear_perturbations();
  for (int k = 0; k < 20000; ++k) {
    auto* genes = request.add_perturbations()->mutable_genes();
    genes->add_genes("G" + std::to_string(k % 24));
    genes->add_genes("G" + std::to_string((k % 24 + 1 + k / 24 % 23) % 24));
  }
  request.mutable_options()->set_solver(v1::SOLVER_DDIM);
  request.mutable_options()->set_solver_steps(1);
  request.mutable_options()->set_content(v1::RESULT_CONTENT_PROFILES);
  const auto parts = StockParts(&served, request);
  ASSERT_FALSE(parts.empty());
  EXPECT_TRUE(parts[0].header().perturbations_follow());
  EXPECT_EQ(parts[0].header().perturbations_size(), 0);
  int next = 0;
  bool profiles = false;
  for (const v1::PredictResponse& part : parts) {
    EXPECT_LT(part.ByteSizeLong(), 2u << 20);
    profiles = profiles || part.has_profiles();
    if (!part.has_perturbations()) continue;
    EXPECT_FALSE(profiles) << "they come before any profile";
    ASSERT_EQ(part.perturbations().first(), next);
    for (const auto& resolved : part.perturbations().perturbations()) {
      const auto& genes = request.perturbations(next++).genes();
      ASSERT_EQ(resolved.label(), genes.genes(0) + "+" + genes.genes(1));
    }
  }
  EXPECT_EQ(next, 20000);
}

TEST(ServerWire, ErrorsNameTheModelAsTheServerDoesAndTheFieldOnce) {
  ServerConfig config = test::TestConfig();
  config.mutable_bundles(0)->set_name("served");
  Served served(config);
  v1::PredictRequest request = SomeRequest();
  request.mutable_perturbations(0)->mutable_genes()->set_genes(0, "G1x");
  const Answer answer = served.Predict(request);
  EXPECT_THAT(answer.status.error_message(), HasSubstr("the model 'served' does not know G1x"));
  EXPECT_THAT(answer.status.error_message(), HasSubstr("did you mean 'G1'"));
  EXPECT_EQ(answer.status.error_message().find("genes: genes:"), std::string::npos);
  request.mutable_panel()->set_cell_type("T9");
  const auto bad = served.Predict(request).Find<google::rpc::BadRequest>();
  ASSERT_EQ(bad.field_violations_size(), 2);
  EXPECT_EQ(bad.field_violations(0).field(), "panel.cell_type");
  EXPECT_EQ(bad.field_violations(1).field(), "perturbations[0].genes");
}

TEST(ServerWire, ReflectionIsThereAsV1) {
  Served served;
  const auto stub = grpc::reflection::v1::ServerReflection::NewStub(served.channel());
  grpc::ClientContext context;
  const auto stream = stub->ServerReflectionInfo(&context);
  grpc::reflection::v1::ServerReflectionRequest request;
  grpc::reflection::v1::ServerReflectionResponse response;
  const auto ask = [&] { return stream->Write(request) && stream->Read(&response); };
  request.set_list_services("");
  ASSERT_TRUE(ask());
  std::vector<std::string> names;
  for (const auto& each : response.list_services_response().service()) names.push_back(each.name());
  EXPECT_THAT(names, testing::IsSupersetOf({"unlasting.v1.PredictionService",
                                            "grpc.reflection.v1.ServerReflection"}));
  request.set_file_containing_symbol("unlasting.v1.PredictionService");
  ASSERT_TRUE(ask());
  EXPECT_GE(response.file_descriptor_response().file_descriptor_proto_size(), 4);
  request.set_file_by_filename("unlasting/v1/matrix.proto");
  ASSERT_TRUE(ask());
  EXPECT_EQ(response.file_descriptor_response().file_descriptor_proto_size(), 1);
  request.set_file_containing_symbol("no.such.Symbol");
  ASSERT_TRUE(ask());
  EXPECT_EQ(response.error_response().error_code(), grpc::StatusCode::NOT_FOUND);
  request.clear_message_request();
  ASSERT_TRUE(ask());
  EXPECT_EQ(response.error_response().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

}  // namespace
}  // namespace unlasting::server
