#include "tests/server/request/request_fixture.h"

namespace unlasting::server {
namespace {

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
  ExpectRefused(request, absl::StatusCode::kNotFound, "cells.cell_types", "UNKNOWN_CELL_TYPE");
  request = SomeRequest();
  request.mutable_panel()->set_cell_type("T9");
  ExpectRefused(request, absl::StatusCode::kNotFound, "panel.cell_type", "UNKNOWN_CELL_TYPE");
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
  ExpectInvalid(request, "perturbations[0].molecule.embedding", "EMBEDDING_LENGTH");
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

}  // namespace
}  // namespace unlasting::server
