#include "server/request/request_validation.h"

#include <cmath>
#include <limits>
#include <set>

#include "core/base/status.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "proto/codec/matrix_codec.h"
#include "server/request/control_validation.h"
#include "tests/server/server_support.h"
#include "tests/support/files.h"

namespace unlasting::server {
namespace {

using test::SomeRequest;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class RequestValidation : public testing::Test {
 protected:
  absl::StatusOr<ValidRequest> Validate(const v1::PredictRequest& request) {
    return ValidatePredict(
        request, *test::TinyBundle(), index_, limits_,
        [this](const std::string& id) { return id == "known" ? held_ : nullptr; });
  }

  // (field, reason) of every violation.
  std::set<std::pair<std::string, std::string>> ViolationsOf(const v1::PredictRequest& request) {
    const auto valid = Validate(request);
    EXPECT_FALSE(valid.ok());
    google::rpc::BadRequest bad_request;
    const auto payload = valid.status().GetPayload(kBadRequestUrl);
    EXPECT_TRUE(payload.has_value()) << valid.status();
    EXPECT_TRUE(bad_request.ParseFromString(std::string(*payload)));
    std::set<std::pair<std::string, std::string>> violations;
    for (const auto& violation : bad_request.field_violations()) {
      EXPECT_FALSE(violation.description().empty());
      violations.emplace(violation.field(), violation.reason());
    }
    return violations;
  }

  // The code and reason of a request with one thing wrong.
  void ExpectRefused(const v1::PredictRequest& request, absl::StatusCode code,
                     const std::string& field, const std::string& reason) {
    const auto valid = Validate(request);
    ASSERT_FALSE(valid.ok());
    EXPECT_EQ(valid.status().code(), code) << valid.status();
    EXPECT_EQ(ReasonOf(valid.status()), reason) << valid.status();
    EXPECT_THAT(ViolationsOf(request), ElementsAre(Pair(field, reason)));
  }
  void ExpectInvalid(const v1::PredictRequest& request, const std::string& field,
                     const std::string& reason) {
    ExpectRefused(request, absl::StatusCode::kInvalidArgument, field, reason);
  }

  // Row after row, in the bundle's gene order.
  static std::vector<float> LogValues(const absl::StatusOr<ValidRequest>& valid) {
    return ToDense(valid->task.controls->values).values;
  }

  const cells::GeneIndex index_{test::TinyBundle()->manifest().genes,
                                test::TinyBundle()->manifest().gene_symbols};
  RequestLimits limits_;
  std::shared_ptr<const cells::ControlMatrix> held_;
};

v1::PredictRequest WithMolecule(const std::string& smiles, double dose, v1::DoseUnit unit) {
  v1::PredictRequest request = SomeRequest();
  v1::MoleculePerturbation* molecule = request.mutable_perturbations(0)->mutable_molecule();
  molecule->set_smiles(smiles);
  molecule->mutable_dose()->set_value(dose);
  molecule->mutable_dose()->set_unit(unit);
  return request;
}

void SetValue(v1::PredictRequest* request, float value) {
  auto decoded = codec::DecodeDenseMatrix(request->cells().matrix());
  decoded->At(1, 2) = value;
  *request->mutable_cells()->mutable_matrix() =
      codec::EncodeMatrix(*decoded, v1::MATRIX_ENCODING_PACKED);
}

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
  ExpectInvalid(request, "cells", "UNKNOWN_GENE_LIST");
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

TEST_F(RequestValidation, RefusesBadValues) {
  for (const float value :
       {std::nanf(""), std::numeric_limits<float>::infinity(), -1.0f, 1000.0f}) {
    v1::PredictRequest request = SomeRequest();
    SetValue(&request, value);
    ExpectInvalid(request, "cells.matrix", "INVALID_VALUE");
  }
  v1::PredictRequest fractions = SomeRequest();
  fractions.mutable_cells()->set_value_kind(v1::VALUE_KIND_COUNTS);
  ExpectInvalid(fractions, "cells.matrix", "INVALID_VALUE");
}

TEST_F(RequestValidation, RefusesBadShapes) {
  v1::PredictRequest request = SomeRequest();
  request.mutable_cells()->mutable_matrix()->set_rows(4);
  ExpectInvalid(request, "cells.matrix", "INVALID_SHAPE");
  request = SomeRequest();
  request.mutable_cells()->mutable_matrix()->set_rows(1000000000);
  ExpectInvalid(request, "cells.matrix", "TOO_MANY_CELLS");
  request = SomeRequest();
  request.mutable_cells()->mutable_genes()->add_names("one too many");
  ExpectInvalid(request, "cells.matrix", "INVALID_SHAPE");
  request = SomeRequest();
  request.mutable_cells()->mutable_genes()->set_names(1, "G0");
  ExpectInvalid(request, "cells.genes", "DUPLICATE_GENE");
  request = SomeRequest();
  request.mutable_cells()->add_cell_types("T0");
  ExpectInvalid(request, "cells.cell_types", "INVALID_SHAPE");
  request = SomeRequest();
  request.mutable_cells()->add_cell_ids("only one");
  ExpectInvalid(request, "cells.cell_ids", "INVALID_SHAPE");
  request = SomeRequest();
  request.mutable_cells()->mutable_matrix()->Clear();
  ExpectInvalid(request, "cells.matrix", "NO_CELLS");
  request = SomeRequest();
  request.clear_controls();
  ExpectInvalid(request, "controls", "NO_CELLS");
}

TEST_F(RequestValidation, RefusesUndeclaredOrUnknownEnums) {
  v1::PredictRequest request = SomeRequest();
  request.mutable_cells()->clear_value_kind();
  ExpectInvalid(request, "cells.value_kind", "INVALID_VALUE_KIND");
  request = SomeRequest();
  request.mutable_cells()->set_missing_genes(static_cast<v1::MissingGenes>(99));
  ExpectInvalid(request, "cells.missing_genes", "INVALID_OPTION");
  request = SomeRequest();
  request.set_priority(static_cast<v1::Priority>(99));
  ExpectInvalid(request, "priority", "INVALID_OPTION");
  request = SomeRequest();
  request.mutable_options()->set_solver(static_cast<v1::Solver>(99));
  request.mutable_options()->set_mask(static_cast<v1::MaskMode>(99));
  request.mutable_options()->set_content(static_cast<v1::ResultContent>(99));
  request.mutable_options()->set_value_kind(static_cast<v1::ValueKind>(99));
  request.mutable_options()->set_encoding(static_cast<v1::MatrixEncoding>(99));
  EXPECT_EQ(ViolationsOf(request).size(), 5u);
}

TEST_F(RequestValidation, RefusesOptionsOutOfRange) {
  v1::PredictRequest request = SomeRequest();
  request.mutable_options()->set_solver_steps(501);
  ExpectInvalid(request, "options.solver_steps", "INVALID_OPTION");
  request.mutable_options()->set_solver_steps(-1);
  ExpectInvalid(request, "options.solver_steps", "INVALID_OPTION");
  request = SomeRequest();
  request.mutable_options()->set_mask_threshold(std::nan(""));
  ExpectInvalid(request, "options.mask_threshold", "INVALID_OPTION");
  request = SomeRequest();
  request.mutable_options()->add_genes("G1");
  request.mutable_options()->add_genes("S1");
  ExpectInvalid(request, "options.genes[1]", "DUPLICATE_GENE");
  request = SomeRequest();
  request.mutable_options()->add_genes("elsewhere");
  ExpectInvalid(request, "options.genes[0]", "UNKNOWN_GENE");
  request = SomeRequest();
  request.mutable_options()->set_ranked_genes(-1);
  ExpectInvalid(request, "options.ranked_genes", "INVALID_OPTION");
}

TEST_F(RequestValidation, UnknownNamesAreNotFound) {
  v1::PredictRequest request = SomeRequest();
  request.mutable_perturbations(0)->mutable_genes()->set_genes(0, "NOSUCH");
  ExpectRefused(request, absl::StatusCode::kNotFound, "perturbations[0].genes", "UNKNOWN_GENE");
  request = SomeRequest();
  request.mutable_cells()->set_cell_types(0, "T9");
  ExpectRefused(request, absl::StatusCode::kNotFound, "cells", "UNKNOWN_CELL_TYPE");
  request = SomeRequest();
  request.mutable_panel()->set_cell_type("T9");
  ExpectRefused(request, absl::StatusCode::kNotFound, "panel", "UNKNOWN_CELL_TYPE");
  request = SomeRequest();
  request.set_control_set_id("forgotten");
  ExpectRefused(request, absl::StatusCode::kNotFound, "control_set_id", "UNKNOWN_CONTROL_SET");
  request = WithMolecule("", 1, v1::DOSE_UNIT_MICROMOLAR);
  request.mutable_perturbations(0)->mutable_molecule()->set_name("nostrum");
  ExpectRefused(request, absl::StatusCode::kNotFound, "perturbations[0].molecule",
                "UNKNOWN_MOLECULE");
}

TEST_F(RequestValidation, RefusesBadPerturbations) {
  v1::PredictRequest request = SomeRequest();
  request.clear_perturbations();
  ExpectInvalid(request, "perturbations", "EMPTY_PERTURBATION");
  request.add_perturbations();
  ExpectInvalid(request, "perturbations[0]", "EMPTY_PERTURBATION");
  request.mutable_perturbations(0)->mutable_genes();
  ExpectInvalid(request, "perturbations[0].genes", "EMPTY_PERTURBATION");
  ExpectInvalid(WithMolecule("not a molecule", 1, v1::DOSE_UNIT_MICROMOLAR),
                "perturbations[0].molecule", "UNPARSABLE_SMILES");
  ExpectInvalid(WithMolecule("CCO", 1, v1::DOSE_UNIT_UNSPECIFIED), "perturbations[0].molecule.dose",
                "INVALID_DOSE");
  ExpectInvalid(WithMolecule("CCO", -1, v1::DOSE_UNIT_MICROMOLAR), "perturbations[0].molecule.dose",
                "INVALID_DOSE");
  ExpectInvalid(WithMolecule("CCO", std::nan(""), v1::DOSE_UNIT_MICROMOLAR),
                "perturbations[0].molecule.dose", "INVALID_DOSE");
  request = WithMolecule("", 1, v1::DOSE_UNIT_MICROMOLAR);
  request.mutable_perturbations(0)->mutable_molecule()->mutable_embedding()->add_values(1);
  ExpectInvalid(request, "perturbations[0].molecule", "EMBEDDING_LENGTH");
}

TEST_F(RequestValidation, DosesAreConvertedToMicromolar) {
  const auto valid = Validate(WithMolecule("CCO", 200, v1::DOSE_UNIT_NANOMOLAR));
  ASSERT_OK(valid);
  EXPECT_DOUBLE_EQ(valid->task.perturbations[0]->dose_um, 0.2);
}

TEST_F(RequestValidation, RefusesMoreThanTheLimits) {
  limits_.max_cells = 2;
  ExpectInvalid(SomeRequest(), "cells.matrix", "TOO_MANY_CELLS");
  v1::PredictRequest panel = SomeRequest();
  panel.mutable_panel()->set_cell_type("T0");
  panel.mutable_panel()->set_cells(3);
  ExpectInvalid(panel, "panel.cells", "TOO_MANY_CELLS");
  limits_ = RequestLimits();
  limits_.max_rows = 5;
  v1::PredictRequest two = SomeRequest();
  two.add_perturbations()->mutable_genes()->add_genes("G2");
  ExpectInvalid(two, "perturbations", "TOO_MANY_ROWS");
  limits_.max_perturbations = 1;
  EXPECT_THAT(ViolationsOf(two), Contains(Pair("perturbations", "TOO_MANY_PERTURBATIONS")));
}

TEST_F(RequestValidation, CollectsTheViolationsOfTheWholeRequest) {
  v1::PredictRequest request = WithMolecule("not a molecule", 1, v1::DOSE_UNIT_MICROMOLAR);
  request.add_perturbations()->mutable_genes()->add_genes("NOSUCH");
  SetValue(&request, -3);
  request.mutable_cells()->add_cell_ids("a");
  request.mutable_options()->set_solver_steps(-4);
  EXPECT_THAT(
      ViolationsOf(request),
      ElementsAre(Pair("cells.cell_ids", "INVALID_SHAPE"), Pair("cells.matrix", "INVALID_VALUE"),
                  Pair("options.solver_steps", "INVALID_OPTION"),
                  Pair("perturbations[0].molecule", "UNPARSABLE_SMILES"),
                  Pair("perturbations[1].genes", "UNKNOWN_GENE")));
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
