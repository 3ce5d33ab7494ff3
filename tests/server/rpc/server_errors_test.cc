// What callers and operators are told when something is wrong.
#include <fstream>

#include "core/base/status.h"
#include "core/cli/exit_code.h"
#include "gmock/gmock.h"
#include "proto/codec/matrix_codec.h"
#include "tests/server/served.h"

namespace unlasting::server {
namespace {

using test::Answer;
using test::Served;
using test::SomeRequest;
using testing::HasSubstr;

TEST(ServerErrors, CarryCodeReasonDomainAndFields) {
  Served served;
  v1::PredictRequest request = SomeRequest();
  request.mutable_perturbations(0)->mutable_genes()->set_genes(0, "NOSUCH");
  const Answer answer = served.Predict(request);
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(answer.status.error_message(), HasSubstr("NOSUCH"));
  EXPECT_EQ(answer.reason(), "UNKNOWN_GENE");
  EXPECT_EQ(answer.Find<google::rpc::ErrorInfo>().domain(), "unlasting");
  const auto bad_request = answer.Find<google::rpc::BadRequest>();
  ASSERT_EQ(bad_request.field_violations_size(), 1);
  EXPECT_EQ(bad_request.field_violations(0).field(), "perturbations[0].genes");
  EXPECT_FALSE(answer.initial_metadata);
}

TEST(ServerErrors, AnEmptyRequestIsInvalid) {
  Served served;
  const Answer answer = served.Predict({});
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(answer.Find<google::rpc::BadRequest>().field_violations_size(), 2);
}

TEST(ServerErrors, AnUnknownModelIsNotFoundAndTheKnownAreNamed) {
  Served served;
  v1::PredictRequest request = SomeRequest();
  request.set_model("other");
  const Answer answer = served.Predict(request);
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(answer.reason(), "UNKNOWN_MODEL");
  EXPECT_THAT(answer.status.error_message(), HasSubstr("tiny"));
  grpc::ClientContext context;
  v1::GetModelRequest get;
  get.set_model("other");
  v1::GetModelResponse response;
  EXPECT_EQ(served.models().GetModel(&context, get, &response).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST(ServerErrors, AFullQueueTellsWhenToComeBackBeforeAnyAnswer) {
  ServerConfig config = test::TestConfig();
  config.mutable_memory()->set_max_queued_rows(2000 * 102);
  Served served(config);
  grpc::ClientContext context;
  const auto busy = served.predictions().Predict(&context, test::EndlessRequest());
  v1::PredictResponse part;
  ASSERT_TRUE(busy->Read(&part));
  const Answer answer = served.Predict(SomeRequest());
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(answer.reason(), "QUEUE_FULL");
  EXPECT_EQ(answer.Find<google::rpc::RetryInfo>().retry_delay().seconds(), 1);
  EXPECT_EQ(answer.trailers.count("grpc-retry-pushback-ms"), 1u);
  EXPECT_FALSE(answer.initial_metadata);
  context.TryCancel();
  busy->Finish();
}

TEST(ServerErrors, AnUnreadableMoleculeIsInvalid) {
  Served served;
  grpc::ClientContext context;
  v1::FeaturizeMoleculeRequest request;
  request.set_smiles("not a molecule");
  v1::FeaturizeMoleculeResponse response;
  Answer answer;
  answer.status = served.predictions().FeaturizeMolecule(&context, request, &response);
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(answer.reason(), "UNPARSABLE_SMILES");
}

Answer Upload(Served* served, const std::vector<v1::RegisterControlsRequest>& parts) {
  grpc::ClientContext context;
  v1::RegisterControlsResponse response;
  const auto writer = served->predictions().RegisterControls(&context, &response);
  for (const auto& part : parts) {
    if (!writer->Write(part)) break;
  }
  writer->WritesDone();
  Answer answer;
  answer.status = writer->Finish();
  return answer;
}

TEST(ServerErrors, UploadsOutOfOrderOrEmptyAreInvalid) {
  Served served;
  v1::RegisterControlsRequest header;
  header.mutable_header()->set_gene_list_hash("h");
  header.mutable_header()->set_value_kind(v1::VALUE_KIND_LOG1P);
  v1::RegisterControlsRequest chunk;
  *chunk.mutable_chunk()->mutable_matrix() =
      codec::EncodeMatrix(DenseMatrix(1, 2), v1::MATRIX_ENCODING_PACKED);
  chunk.mutable_chunk()->add_cell_types("T0");
  EXPECT_EQ(Upload(&served, {chunk}).reason(), "INVALID_SEQUENCE");
  EXPECT_EQ(Upload(&served, {header, chunk, header}).reason(), "INVALID_SEQUENCE");
  EXPECT_EQ(Upload(&served, {header}).reason(), "NO_CELLS");
  EXPECT_EQ(Upload(&served, {}).reason(), "NO_CELLS");
  EXPECT_EQ(Upload(&served, {{}}).reason(), "MISSING_FIELD");
  chunk.mutable_chunk()->mutable_matrix()->set_rows(1000000000);
  EXPECT_EQ(Upload(&served, {header, chunk}).reason(), "TOO_MANY_CELLS");
}

TEST(ServerErrors, AMessageBeyondTheLimitIsResourceExhausted) {
  ServerConfig config = test::TestConfig();
  config.mutable_limits()->set_max_message_bytes(1 << 16);
  Served served(config);
  EXPECT_EQ(served.Predict(SomeRequest(5000)).status.error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(served.Predict(SomeRequest(1)).status.ok());
}

TEST(ServerErrors, ABundleThatIsNotSoundIsNamedAndIsTheCallersFault) {
  const test::TempFolder folder;
  ServerConfig config = test::TestConfig();
  config.mutable_bundles(0)->set_directory(folder.At("absent"));
  absl::Status status = Server::Start(config, Clock::Steady()).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr(folder.At("absent")));
  EXPECT_EQ(cli::ExitCode(status), 2);

  std::filesystem::copy(test::TinyBundleFolder(), folder.At("torn"));
  std::ofstream(folder.At("torn") + "/source.pt", std::ios::app) << "x";
  config.mutable_bundles(0)->set_directory(folder.At("torn"));
  status = Server::Start(config, Clock::Steady()).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("source.pt"));
  EXPECT_EQ(cli::ExitCode(status), 2);

  config = test::TestConfig();
  config.add_bundles()->set_directory(test::TinyBundleFolder());
  status = Server::Start(config, Clock::Steady()).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("already loaded"));
  EXPECT_EQ(cli::ExitCode(status), 2);
}

TEST(ServerErrors, AnAddressInUseIsNamed) {
  Served served;
  ServerConfig config = test::TestConfig();
  config.set_listen("127.0.0.1:" + std::to_string(served.server().port()));
  absl::Status status = Server::Start(config, Clock::Steady()).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr(config.listen()));
  EXPECT_EQ(cli::ExitCode(status), 1);
  config = test::TestConfig();
  config.set_admin_listen("127.0.0.1:" + std::to_string(served.server().admin_port()));
  status = Server::Start(config, Clock::Steady()).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr(config.admin_listen()));
  EXPECT_EQ(cli::ExitCode(status), 1);
}

TEST(ServerErrors, AMissingCertificateIsNamed) {
  ServerConfig config = test::TestConfig();
  config.mutable_tls()->set_certificate("/no/such/cert.pem");
  config.mutable_tls()->set_key("/no/such/key.pem");
  const absl::Status status = Server::Start(config, Clock::Steady()).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("/no/such/cert.pem"));
  EXPECT_EQ(cli::ExitCode(status), 2);
}

}  // namespace
}  // namespace unlasting::server
