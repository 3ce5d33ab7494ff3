// The server as its callers see it: over a real channel, with a real bundle.
#include "server/server.h"

#include <cmath>
#include <thread>

#include "absl/strings/match.h"
#include "core/molecule/featurizer.h"
#include "gmock/gmock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "proto/codec/matrix_codec.h"
#include "server/request_validation.h"
#include "tests/server/served.h"
#include "tests/support/tiny_bundle.h"

namespace unlasting::server {
namespace {

using test::Answer;
using test::Served;
using test::SomeRequest;
using testing::HasSubstr;

// What the engine gives on its own.
std::vector<predict::Profiles> Alone(const v1::PredictRequest& request) {
  const GeneIndex index(test::TinyBundle()->manifest());
  auto work = ValidatePredict(request, *test::TinyBundle(), index, {},
                              [](const std::string&) { return nullptr; });
  EXPECT_TRUE(work.ok()) << work.status();
  const auto engine = test::TinyEngine();
  auto profiles =
      predict::PredictAll(engine.get(), work->controls, work->perturbations, work->options);
  EXPECT_TRUE(profiles.ok()) << profiles.status();
  return std::move(*profiles);
}

void ExpectAgreement(const Answer& answer, const std::vector<predict::Profiles>& expected) {
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  ASSERT_EQ(answer.profiles.size(), expected.size());
  for (const predict::Profiles& profiles : expected) {
    const DenseMatrix& found = answer.profiles.at(profiles.perturbation);
    ASSERT_EQ(found.values.size(), profiles.values.values.size());
    for (size_t k = 0; k < found.values.size(); ++k) {
      // BLAS rounds by the batch's size, so that company shows in the last bits.
      ASSERT_NEAR(found.values[k], profiles.values.values[k], 1e-4)
          << "perturbation " << profiles.perturbation << ", value " << k;
    }
  }
}

v1::PredictRequest TwoKnockouts(int64_t cells, uint64_t seed) {
  v1::PredictRequest request = SomeRequest(cells, seed);
  v1::GenePerturbation* pair = request.add_perturbations()->mutable_genes();
  pair->add_genes("G0");
  pair->add_genes("U1");
  return request;
}

v1::PredictRequest WithEthanol(v1::PredictRequest request) {
  v1::MoleculePerturbation* molecule = request.add_perturbations()->mutable_molecule();
  molecule->set_smiles("CCO");
  molecule->mutable_dose()->set_value(0.5);
  molecule->mutable_dose()->set_unit(v1::DOSE_UNIT_MICROMOLAR);
  return request;
}

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

grpc::Status Featurize(Served* served, const std::string& smiles, const std::string& model,
                       v1::FeaturizeMoleculeResponse* response) {
  grpc::ClientContext context;
  v1::FeaturizeMoleculeRequest request;
  request.set_smiles(smiles);
  request.set_model(model);
  return served->predictions().FeaturizeMolecule(&context, request, response);
}

TEST(ServerTest, FeaturesOfAMoleculeAreThoseThatTheModelReads) {
  Served served;
  v1::FeaturizeMoleculeResponse response;
  ASSERT_TRUE(Featurize(&served, "OCC.Cl", "", &response).ok());
  const auto featurizer = predict::FeaturizerOf(*test::TinyBundle());
  ASSERT_OK(featurizer);
  const auto expected = featurizer->Featurize("OCC.Cl");
  ASSERT_OK(expected);
  EXPECT_EQ(response.canonical_smiles(), expected->canonical_smiles);
  EXPECT_EQ(std::vector<float>(response.features().begin(), response.features().end()),
            expected->features);
  EXPECT_EQ(response.featurizer(), molecule::kDescribedName);
  // Sent back as an embedding, they are the molecule.
  v1::PredictRequest by_smiles = SomeRequest();
  v1::MoleculePerturbation* molecule = by_smiles.mutable_perturbations(0)->mutable_molecule();
  molecule->set_smiles("CCO");
  molecule->mutable_dose()->set_value(0.5);
  molecule->mutable_dose()->set_unit(v1::DOSE_UNIT_MICROMOLAR);
  v1::PredictRequest by_features = by_smiles;
  *by_features.mutable_perturbations(0)->mutable_molecule()->mutable_embedding()->mutable_values() =
      response.features();
  ExpectAgreement(served.Predict(by_features), Alone(by_smiles));
  EXPECT_EQ(Featurize(&served, "OCC.Cl", "nobody", &response).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST(ServerTest, EmbeddingsFromATableAreAskedForByNameAndByVector) {
  const test::TempFolder folder;
  test::TinyBundleOptions options;
  options.molecules = true;
  options.features = test::TinyBundleOptions::Features::kEmbeddings;
  ASSERT_OK(test::WriteTinyBundle(folder.At("vectors"), options));
  ServerConfig config = test::TestConfig();
  config.mutable_bundles(0)->set_directory(folder.At("vectors"));
  Served served(config);
  v1::PredictRequest request = SomeRequest();
  v1::MoleculePerturbation* molecule = request.mutable_perturbations(0)->mutable_molecule();
  molecule->set_name("unseen");
  molecule->mutable_dose()->set_value(5);
  molecule->mutable_dose()->set_unit(v1::DOSE_UNIT_MICROMOLAR);
  const Answer named = served.Predict(request);
  ASSERT_TRUE(named.status.ok()) << named.status.error_message();
  const v1::MoleculeTrainingDistance& distance = named.header.perturbations(0).molecule();
  EXPECT_TRUE(distance.has_embedding_cosine());
  EXPECT_FALSE(distance.has_tanimoto_similarity());
  EXPECT_EQ(distance.nearest_molecule(), "aspirin");
  EXPECT_EQ(distance.dose_range(), v1::DOSE_RANGE_ABOVE);
  molecule->clear_name();
  for (const float value : {0.1f, -0.7f, 1.0f, 0.0f, 0.3f, 1.0f}) {
    molecule->mutable_embedding()->add_values(value);
  }
  const Answer by_vector = served.Predict(request);
  ASSERT_TRUE(by_vector.status.ok()) << by_vector.status.error_message();
  EXPECT_EQ(by_vector.profiles.at(0).values, named.profiles.at(0).values);
  molecule->mutable_embedding()->add_values(1);
  EXPECT_EQ(served.Predict(request).reason(), "EMBEDDING_LENGTH");
  molecule->set_smiles("CCO");
  EXPECT_EQ(served.Predict(request).reason(), "UNSUPPORTED_PERTURBATION");

  v1::FeaturizeMoleculeResponse response;
  EXPECT_EQ(Featurize(&served, "CCO", "tiny", &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  ASSERT_TRUE(Featurize(&served, "CCO", "", &response).ok());
  EXPECT_EQ(response.featurizer(), molecule::kFingerprintName);
}

TEST(ServerTest, AnswersSayHowFarAQueryLiesFromTheTraining) {
  Served served;
  const Answer answer = served.Predict(WithEthanol(TwoKnockouts(25, 1)));
  ASSERT_TRUE(answer.status.ok());
  const v1::ResolvedPerturbation& single = answer.header.perturbations(0);
  ASSERT_EQ(single.genes_size(), 1);
  EXPECT_EQ(single.genes(0).training(), v1::GENE_TRAINING_SINGLY);
  EXPECT_EQ(single.genes(0).hops(), 0);
  EXPECT_FALSE(single.has_molecule());
  const v1::GeneTrainingDistance& unmeasured = answer.header.perturbations(1).genes(1);
  EXPECT_EQ(unmeasured.gene(), "U1");
  EXPECT_EQ(unmeasured.training(), v1::GENE_TRAINING_NEVER);
  EXPECT_GT(unmeasured.hops(), 0);
  EXPECT_FALSE(unmeasured.nearest_gene().empty());
  const v1::ResolvedPerturbation& ethanol = answer.header.perturbations(2);
  EXPECT_EQ(ethanol.molecule().nearest_molecule(), "aspirin");
  EXPECT_GT(ethanol.molecule().tanimoto_similarity(), 0);
  EXPECT_LT(ethanol.molecule().tanimoto_similarity(), 0.5);
  EXPECT_EQ(ethanol.molecule().lowest_dose_micromolar(), 0.1);
  EXPECT_EQ(ethanol.molecule().dose_range(), v1::DOSE_RANGE_WITHIN);
  EXPECT_EQ(ethanol.genes_size(), 0);
}

TEST(ServerTest, SummariesSayHowMuchCellsAndMaskSeedsSpread) {
  Served served;
  v1::PredictRequest request = SomeRequest(25);
  const Answer ranked = served.Predict(request);
  ASSERT_TRUE(ranked.status.ok());
  const v1::PerturbationSummary& summary = ranked.summaries.at(0);
  ASSERT_EQ(summary.standard_deviation_size(), 24);
  ASSERT_EQ(summary.change_standard_error_size(), 24);
  EXPECT_EQ(summary.mask_standard_deviation_size(), 0);
  for (int g = 0; g < 24; ++g) {
    double squares = 0;
    for (int64_t r = 0; r < 25; ++r) {
      squares += std::pow(ranked.profiles.at(0).At(r, g) - summary.mean(g), 2);
    }
    EXPECT_NEAR(summary.standard_deviation(g), std::sqrt(squares / 24), 1e-4);
  }
  request.mutable_options()->set_mask(v1::MASK_MODE_SAMPLE);
  EXPECT_EQ(served.Predict(request).summaries.at(0).mask_standard_deviation_size(), 24);
}

TEST(ServerTest, NoiseOfTheStepsFollowsTheSeedAndNotTheCompany) {
  Served served;
  v1::PredictRequest request = TwoKnockouts(25, 1);
  request.mutable_options()->set_solver(v1::SOLVER_DDIM);
  request.mutable_options()->set_solver_steps(8);
  request.mutable_options()->set_eta(0.6);
  request.mutable_options()->set_seed(3);
  const Answer answer = served.Predict(request);
  EXPECT_EQ(answer.header.eta(), 0.6);
  ExpectAgreement(answer, Alone(request));
  v1::PredictRequest second = request;
  second.mutable_perturbations()->DeleteSubrange(0, 1);
  const Answer alone = served.Predict(second);
  ASSERT_TRUE(alone.status.ok());
  EXPECT_EQ(alone.profiles.at(0).values, answer.profiles.at(1).values);
  second.mutable_options()->set_seed(4);
  EXPECT_NE(served.Predict(second).profiles.at(0).values, alone.profiles.at(0).values);
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
  EXPECT_THAT(served.Get("/version"), HasSubstr("\"version\":\"0.1.0\""));
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
  config.mutable_memory()->set_outbox_bytes(1);
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
