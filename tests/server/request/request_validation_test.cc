#include "tests/server/request/request_fixture.h"

namespace unlasting::server {
namespace {

TEST_F(RequestValidation, DefaultsAreTheModels) {
  const auto valid = Validate(SomeRequest());
  ASSERT_OK(valid);
  EXPECT_EQ(valid->task.controls->values.rows, 3);
  EXPECT_EQ(valid->task.perturbations.size(), 1u);
  EXPECT_EQ(valid->task.options.solver, diffusion::Solver::kDpmSolverPp2m);
  EXPECT_EQ(valid->task.options.solver_steps, 10);
  EXPECT_EQ(valid->task.options.mask, predict::MaskMode::kRank);
  EXPECT_EQ(valid->result.columns.size(), 24u);
  EXPECT_TRUE(valid->result.profiles);
  EXPECT_TRUE(valid->result.summaries);
  EXPECT_EQ(valid->result.ranked_genes, 50);
  EXPECT_EQ(valid->task.priority, predict::JobPriority::kInteractive);
}

TEST_F(RequestValidation, OptionsAreTaken) {
  v1::PredictRequest request = SomeRequest();
  v1::PredictOptions* options = request.mutable_options();
  options->set_solver(v1::SOLVER_DDIM);
  options->set_mask(v1::MASK_MODE_SAMPLE);
  options->set_mask_threshold(0.25);
  options->set_seed(9);
  options->add_genes("G5");
  options->add_genes("S2");
  options->set_content(v1::RESULT_CONTENT_SUMMARIES);
  options->set_value_kind(v1::VALUE_KIND_COUNTS);
  options->set_encoding(v1::MATRIX_ENCODING_SPARSE);
  request.set_priority(v1::PRIORITY_BULK);
  const auto valid = Validate(request);
  ASSERT_OK(valid);
  EXPECT_EQ(valid->task.options.solver, diffusion::Solver::kDdim);
  EXPECT_EQ(valid->task.options.solver_steps, 50) << "the other solver has its own default";
  EXPECT_EQ(valid->task.options.mask, predict::MaskMode::kSample);
  EXPECT_EQ(valid->task.options.mask_threshold, 0.25);
  EXPECT_EQ(valid->task.options.seed, 9u);
  EXPECT_THAT(valid->result.columns, ElementsAre(5, 2));
  EXPECT_FALSE(valid->result.profiles);
  EXPECT_EQ(valid->result.value_kind, v1::VALUE_KIND_COUNTS);
  EXPECT_EQ(valid->task.priority, predict::JobPriority::kBulk);
}

TEST_F(RequestValidation, GenesAreMatchedByNameInAnyOrder) {
  v1::PredictRequest request = SomeRequest();
  auto values = *codec::DecodeDenseMatrix(request.cells().matrix());
  auto* names = request.mutable_cells()->mutable_genes()->mutable_names();
  const auto expected = LogValues(Validate(request));
  for (int64_t r = 0; r < values.rows; ++r) std::swap(values.At(r, 0), values.At(r, 7));
  names->SwapElements(0, 7);
  names->Mutable(3)->assign("S3");
  DenseMatrix wider(values.rows, values.cols + 1);
  for (int64_t r = 0; r < values.rows; ++r) {
    for (int64_t c = 0; c < values.cols; ++c) wider.At(r, c) = values.At(r, c);
    wider.At(r, values.cols) = 1.5f;
  }
  names->Add("a gene the model does not know");
  *request.mutable_cells()->mutable_matrix() =
      codec::EncodeMatrix(wider, v1::MATRIX_ENCODING_SPARSE);
  const auto valid = Validate(request);
  ASSERT_OK(valid);
  EXPECT_EQ(LogValues(valid), expected);
  EXPECT_EQ(valid->task.controls->ignored_genes, 1);
}

TEST_F(RequestValidation, AGeneListHashStandsForTheModelsGenes) {
  v1::PredictRequest request = SomeRequest();
  const auto expected = LogValues(Validate(request));
  request.mutable_cells()->set_gene_list_hash(test::TinyBundle()->manifest().GeneHash());
  const auto valid = Validate(request);
  ASSERT_OK(valid);
  EXPECT_EQ(LogValues(valid), expected);
  request.mutable_cells()->set_gene_list_hash("abc");
  ExpectInvalid(request, "cells.gene_list_hash", "UNKNOWN_GENE_LIST");
}

TEST_F(RequestValidation, UnknownGenesCountForTheLibrarySize) {
  v1::PredictRequest request = SomeRequest(1);
  auto* cells = request.mutable_cells();
  DenseMatrix counts(1, 25);
  for (float& value : counts.values) value = 2;
  *cells->mutable_matrix() = codec::EncodeMatrix(counts, v1::MATRIX_ENCODING_PACKED);
  cells->mutable_genes()->add_names("elsewhere");
  cells->set_value_kind(v1::VALUE_KIND_COUNTS);
  const auto valid = Validate(request);
  ASSERT_OK(valid);
  EXPECT_NEAR(LogValues(valid)[0], std::log1p(2.0 / 50 * 1000), 1e-6);
}

TEST_F(RequestValidation, MissingGenesFollowThePolicy) {
  v1::PredictRequest request = SomeRequest();
  request.mutable_cells()->mutable_genes()->set_names(4, "elsewhere");
  ExpectInvalid(request, "cells", "MISSING_GENES");
  request.mutable_cells()->set_missing_genes(v1::MISSING_GENES_ZERO);
  auto valid = Validate(request);
  ASSERT_OK(valid);
  EXPECT_THAT(valid->task.controls->missing_genes, ElementsAre("G4"));
  EXPECT_EQ(LogValues(valid)[4], 0);
  request.mutable_cells()->set_missing_genes(v1::MISSING_GENES_PANEL_MEAN);
  valid = Validate(request);
  ASSERT_OK(valid);
  EXPECT_GT(LogValues(valid)[4], 0);
}

TEST_F(RequestValidation, DosesAreConvertedToMicromolar) {
  const auto valid = Validate(WithMolecule("CCO", 200, v1::DOSE_UNIT_NANOMOLAR));
  ASSERT_OK(valid);
  EXPECT_DOUBLE_EQ(valid->task.perturbations[0]->dose_um, 0.2);
}

TEST_F(RequestValidation, RegisteredCellsAreAsGoodAsInlineOnes) {
  v1::PredictRequest request = SomeRequest();
  const auto expected = LogValues(Validate(request));
  v1::RegisterControlsHeader header;
  *header.mutable_genes() = request.cells().genes();
  header.set_value_kind(v1::VALUE_KIND_LOG1P);
  Violations violations;
  cells::ControlMatrix controls = DecodeControlsHeader(header, limits_, &violations);
  const CsrMatrix values = *codec::DecodeMatrix(request.cells().matrix(), {});
  const std::vector<std::vector<int64_t>> parts = {{0}, {1, 2}};
  for (const auto& rows : parts) {
    v1::RegisterControlsChunk chunk;
    *chunk.mutable_matrix() = codec::EncodeMatrix(SelectRows(values, rows));
    chunk.add_cell_types("T0");
    AppendControlsChunk(chunk, limits_, &controls, &violations);
  }
  ASSERT_OK(violations.ToStatus());
  held_ = std::make_shared<const cells::ControlMatrix>(controls);
  request.set_control_set_id("known");
  const auto valid = Validate(request);
  ASSERT_OK(valid);
  EXPECT_EQ(LogValues(valid), expected);
}

TEST_F(RequestValidation, EtaIsOfDdimAloneAndBetweenZeroAndOne) {
  v1::PredictRequest request = SomeRequest();
  request.mutable_options()->set_eta(0.5);
  ExpectInvalid(request, "options.eta", "INVALID_OPTION");  // the model's own solver is dpmpp2m
  request.mutable_options()->set_solver(v1::SOLVER_DPMPP_2M);
  ExpectInvalid(request, "options.eta", "INVALID_OPTION");
  request.mutable_options()->set_solver(v1::SOLVER_DDIM);
  EXPECT_EQ(Validate(request)->task.options.eta, 0.5);
  for (const double eta : {-0.1, 1.5, std::nan("")}) {
    request.mutable_options()->set_eta(eta);
    ExpectInvalid(request, "options.eta", "INVALID_OPTION");
  }
}

}  // namespace
}  // namespace unlasting::server
