// From requests of the Open Inference Protocol to those of the API, and back to the names of
// inputs.
#include "server/inference/infer_request.h"

#include <limits>

#include "gmock/gmock.h"
#include "tests/server/inference/infer_fixture.h"
#include "tests/server/inference/infer_reading.h"

namespace unlasting::server {
namespace {

using inference::ModelInferRequest;
using test::AddFloats;
using test::AddStrings;
using test::InferCells;
using test::Read;
using test::Refusals;
using test::Set;
using test::SomeInfer;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

// The shape of the cells of SomeInfer.
void SetShape(ModelInferRequest* request, int64_t rows, int64_t columns) {
  request->mutable_inputs(1)->set_shape(0, rows);
  request->mutable_inputs(1)->set_shape(1, columns);
}

ModelInferRequest Molecules(const std::vector<std::string>& smiles,
                            const std::vector<float>& doses) {
  ModelInferRequest request = InferCells(test::SomeRequest());
  AddStrings(&request, "smiles", smiles);
  AddFloats(&request, "dose_um", doses);
  return request;
}

TEST(InferRequest, AsksWhatThePredictRequestAsks) {
  const v1::PredictRequest expected = test::SomeRequest();
  const auto read = Read(SomeInfer());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->perturbations, "knockout");
  EXPECT_EQ(read->predict.cells().genes().names_size(), 24);
  EXPECT_EQ(read->predict.cells().value_kind(), v1::VALUE_KIND_LOG1P);
  EXPECT_THAT(read->predict.cells().cell_types(), ElementsAre("T0"));
  EXPECT_EQ(codec::DecodeDenseMatrix(read->predict.cells().matrix())->values,
            codec::DecodeDenseMatrix(expected.cells().matrix())->values);
  EXPECT_THAT(read->predict.perturbations(0).genes().genes(), ElementsAre("G1"));
  EXPECT_EQ(read->predict.options().genes_size(), 24);
  EXPECT_EQ(read->timeout, absl::InfiniteDuration());
}

TEST(InferRequest, KnockoutsAreSpelledAsTheFieldSpellsThem) {
  ModelInferRequest request = InferCells(test::SomeRequest());
  AddStrings(&request, "knockout", {"STAT1", "STAT1+JAK2", " B + A ", "A+ctrl", "A+A"});
  const auto read = Read(request);
  ASSERT_TRUE(read.ok()) << read.status();
  std::vector<std::string> genes;
  for (const auto& perturbation : read->predict.perturbations()) {
    std::string all;
    for (const std::string& gene : perturbation.genes().genes()) all += gene + ";";
    genes.push_back(all);
  }
  EXPECT_THAT(genes, ElementsAre("STAT1;", "STAT1;JAK2;", "B;A;", "A;", "A;"));
}

TEST(InferRequest, ADoseIsTheNumberThatTheCallerWrote) {
  const auto read = Read(Molecules({"CCO", "C", "CC"}, {0.2f, 10, 1e-3f}));
  ASSERT_TRUE(read.ok()) << read.status();
  std::vector<double> doses;
  for (const auto& perturbation : read->predict.perturbations()) {
    doses.push_back(perturbation.molecule().dose().value());
    EXPECT_EQ(perturbation.molecule().dose().unit(), v1::DOSE_UNIT_MICROMOLAR);
  }
  EXPECT_THAT(doses, ElementsAre(0.2, 10.0, 1e-3));
}

TEST(InferRequest, ParametersAreOptions) {
  ModelInferRequest request = Molecules({"CCO"}, {1});
  (*request.mutable_parameters())["seed"].set_uint64_param(~uint64_t{0});
  (*request.mutable_parameters())["eta"].set_double_param(0.5);
  (*request.mutable_parameters())["covariates.hours"].set_double_param(24);
  for (const auto& [name, word] :
       std::map<std::string, std::string>{{"value_kind", "drawn_counts"},
                                          {"cells_value_kind", "counts"},
                                          {"solver", "ddim"},
                                          {"mask", "sample"},
                                          {"missing_genes", "panel_mean"},
                                          {"new_context", "CRL-1"}}) {
    Set(&request, name, word);
  }
  for (const char* name : {"solver_steps", "priority", "count_depth", "cells_target_sum"}) {
    Set(&request, name, 2);
  }
  Set(&request, "mask_threshold", 1);
  Set(&request, "timeout", 2'000'000);
  const auto read = Read(request);
  ASSERT_TRUE(read.ok()) << read.status();
  const v1::PredictOptions& options = read->predict.options();
  EXPECT_EQ(options.seed(), ~uint64_t{0});
  EXPECT_EQ(options.eta(), 0.5);
  EXPECT_EQ(options.value_kind(), v1::VALUE_KIND_DRAWN_COUNTS);
  EXPECT_EQ(options.solver(), v1::SOLVER_DDIM);
  EXPECT_EQ(options.solver_steps(), 2);
  EXPECT_EQ(options.mask(), v1::MASK_MODE_SAMPLE);
  EXPECT_EQ(options.mask_threshold(), 1);
  EXPECT_EQ(options.count_depth(), 2);
  EXPECT_EQ(read->predict.cells().value_kind(), v1::VALUE_KIND_COUNTS);
  EXPECT_EQ(read->predict.cells().target_sum(), 2);
  EXPECT_EQ(read->predict.cells().missing_genes(), v1::MISSING_GENES_PANEL_MEAN);
  EXPECT_EQ(read->predict.cells().new_context(), "CRL-1");
  EXPECT_EQ(read->predict.priority(), v1::PRIORITY_BULK);
  EXPECT_EQ(read->predict.perturbations(0).molecule().covariates().at("hours"), 24);
  EXPECT_EQ(read->timeout, absl::Seconds(2));
}

TEST(InferRequest, TensorsAreNotWhatTheirKindIs) {
  const std::vector<std::pair<std::function<void(ModelInferRequest*)>, std::string>> wrong = {
      {[](auto* r) { r->mutable_inputs(1)->set_datatype("FP64"); }, "cells INVALID_DATATYPE"},
      {[](auto* r) { r->mutable_inputs(0)->set_datatype("bytes"); }, "genes INVALID_DATATYPE"},
      {[](auto* r) { r->mutable_inputs(1)->add_shape(1); }, "cells INVALID_SHAPE"},
      {[](auto* r) { r->mutable_inputs(1)->clear_shape(); }, "cells INVALID_SHAPE"},
      {[](auto* r) { r->mutable_inputs(1)->set_shape(0, -3); }, "cells INVALID_SHAPE"},
      {[](auto* r) { r->mutable_inputs(1)->set_shape(0, 4); }, "cells INVALID_SHAPE"},
      {[](auto* r) { r->mutable_inputs(1)->set_shape(0, int64_t{1} << 62); },
       "cells INVALID_SHAPE"},
      {[](auto* r) { SetShape(r, int64_t{1} << 40, int64_t{1} << 40); }, "cells INVALID_SHAPE"},
      {[](auto* r) { SetShape(r, -1, -72); }, "cells INVALID_SHAPE"},
      {[](auto* r) { SetShape(r, std::numeric_limits<int64_t>::min(), -1); },
       "cells INVALID_SHAPE"},
      // Products that overflow to what there is: 72 elements, none.
      {[](auto* r) { SetShape(r, 8, (int64_t{1} << 61) + 9); }, "cells INVALID_SHAPE"},
      {[](auto* r) {
         SetShape(r, int64_t{1} << 32, int64_t{1} << 32);
         r->mutable_raw_input_contents(1)->clear();
       },
       "cells INVALID_SHAPE"},
      {[](auto* r) { r->mutable_inputs(0)->set_shape(0, 25); }, "genes INVALID_SHAPE"},
      {[](auto* r) { r->mutable_inputs(0)->set_shape(0, 23); }, "genes INVALID_SHAPE"},
      {[](auto* r) { r->mutable_inputs(0)->set_shape(0, 200'001); }, "genes TOO_MANY_ELEMENTS"},
      {[](auto* r) { r->mutable_inputs(3)->set_shape(0, int64_t{1} << 62); },
       "knockout TOO_MANY_ELEMENTS"},
      {[](auto* r) { r->mutable_raw_input_contents(0)->resize(50); }, "genes INVALID_SHAPE"},
      {[](auto* r) { r->mutable_raw_input_contents(1)->pop_back(); }, "cells INVALID_SHAPE"},
      {[](auto* r) { (*r->mutable_raw_input_contents(0))[3] = '\x7f'; }, "genes INVALID_SHAPE"},
      {[](auto* r) { r->mutable_raw_input_contents(0)->replace(0, 4, "\xff\xff\xff\xff"); },
       "genes INVALID_SHAPE"},
      {[](auto* r) { r->set_raw_input_contents(3, std::string("\3\0\0\0G1", 6)); },
       "knockout INVALID_SHAPE"},
      {[](auto* r) { r->set_raw_input_contents(3, std::string("\2\0\0", 3)); },
       "knockout INVALID_SHAPE"},
      {[](auto* r) { (*r->mutable_raw_input_contents(0))[5] = '\xe9'; }, "genes[0] INVALID_UTF8"},
      {[](auto* r) { r->mutable_inputs(2)->set_name("celltype"); }, "inputs UNKNOWN_INPUT"},
      {[](auto* r) { r->mutable_inputs(2)->set_name("genes"); }, "genes DUPLICATE_INPUT"},
      {[](auto* r) { r->add_raw_input_contents("x"); }, "raw_input_contents INVALID_SHAPE"},
      {[](auto* r) { r->mutable_inputs(0)->mutable_contents()->add_bytes_contents("G0"); },
       "genes INVALID_VALUE"},
      {[](auto* r) {
         (*r->mutable_inputs(1)->mutable_parameters())["shared_memory_region"].set_string_param(
             "x");
       },
       "cells UNKNOWN_PARAMETER"},
      {[](auto* r) { r->add_outputs()->set_name("summary"); }, "outputs UNKNOWN_OUTPUT"},
      {[](auto* r) {
         r->add_outputs()->set_name("profiles");
         (*r->mutable_outputs(0)->mutable_parameters())["classification"].set_int64_param(3);
       },
       "outputs UNKNOWN_PARAMETER"},
  };
  for (const auto& [change, refusal] : wrong) {
    ModelInferRequest request = SomeInfer();
    change(&request);
    EXPECT_THAT(Refusals(request), ElementsAre(refusal))
        << request.Utf8DebugString().substr(0, 300);
  }
}

TEST(InferRequest, TypedContentsAreHeldToTheSame) {
  ModelInferRequest request = test::Typed(SomeInfer());
  ASSERT_TRUE(Read(request).ok()) << Read(request).status();
  ModelInferRequest other = request;
  other.mutable_inputs(1)->mutable_contents()->add_fp64_contents(1);
  EXPECT_THAT(Refusals(other), ElementsAre("cells INVALID_VALUE"));
  other = request;
  other.mutable_inputs(1)->mutable_contents()->add_fp32_contents(1);
  other.mutable_inputs(0)->mutable_contents()->add_bytes_contents("G");
  EXPECT_THAT(Refusals(other), UnorderedElementsAre("cells INVALID_SHAPE", "genes INVALID_SHAPE"));
}

TEST(InferRequest, OneKindOfPerturbationIsAskedForWithWhatItNeeds) {
  ModelInferRequest none = InferCells(test::SomeRequest());
  EXPECT_THAT(Refusals(none), ElementsAre("inputs EMPTY_PERTURBATION"));
  ModelInferRequest both = SomeInfer();
  AddStrings(&both, "smiles", {"CCO"});
  AddFloats(&both, "dose_um", {1});
  EXPECT_THAT(Refusals(both), ElementsAre("smiles AMBIGUOUS_PERTURBATION"));
  ModelInferRequest no_dose = InferCells(test::SomeRequest());
  AddStrings(&no_dose, "smiles", {"CCO"});
  EXPECT_THAT(Refusals(no_dose), ElementsAre("dose_um MISSING_INPUT"));
  ModelInferRequest dose = SomeInfer();
  AddFloats(&dose, "dose_um", {1});
  EXPECT_THAT(Refusals(dose), ElementsAre("dose_um UNKNOWN_INPUT"));
  EXPECT_THAT(Refusals(Molecules({"CCO", "C"}, {1})), ElementsAre("dose_um INVALID_SHAPE"));
  ModelInferRequest empty = InferCells(test::SomeRequest());
  AddStrings(&empty, "knockout", {"", "G1+", "ctrl", "+", "G1"});
  EXPECT_THAT(Refusals(empty),
              ElementsAre("knockout[0] EMPTY_PERTURBATION", "knockout[1] EMPTY_PERTURBATION",
                          "knockout[2] EMPTY_PERTURBATION", "knockout[3] EMPTY_PERTURBATION"));
  EXPECT_THAT(Refusals({}), ElementsAre("genes MISSING_INPUT", "cells MISSING_INPUT",
                                        "inputs EMPTY_PERTURBATION"));
}

TEST(InferRequest, ParametersThatAreNotKnownOrNotOfTheirTypeAreRefused) {
  ModelInferRequest request = SomeInfer();
  Set(&request, "sed", 1);
  Set(&request, "seed", -1);
  Set(&request, "solver", "euler");
  Set(&request, "mask", "");
  Set(&request, "value_kind", "counts");
  Set(&request, "solver_steps", "ten");
  Set(&request, "priority", 3);
  Set(&request, "covariates.hours", 24);
  Set(&request, "new_context", 1);
  (*request.mutable_parameters())["eta"].set_double_param(std::nan(""));
  (*request.mutable_parameters())["timeout"];
  EXPECT_THAT(
      Refusals(request),
      UnorderedElementsAre(
          "parameters.sed UNKNOWN_PARAMETER", "parameters.seed INVALID_OPTION",
          "parameters.solver INVALID_OPTION", "parameters.mask INVALID_OPTION",
          "parameters.value_kind INVALID_OPTION", "parameters.solver_steps INVALID_OPTION",
          "parameters.priority INVALID_OPTION", "parameters.covariates.hours UNKNOWN_PARAMETER",
          "parameters.new_context INVALID_OPTION", "parameters.eta INVALID_OPTION",
          "parameters.timeout INVALID_OPTION"));
}

TEST(InferRequest, FieldsOfTheApiAreInputs) {
  const std::map<std::string, std::string> names = {
      {"cells.genes", "genes"},
      {"options.genes[3]", "genes[3]"},
      {"cells.matrix", "cells"},
      {"cells", "cells"},
      {"cells.cell_types", "cell_type"},
      {"cells.cell_types[2]", "cell_type[2]"},
      {"cells.value_kind", "parameters.cells_value_kind"},
      {"options.seed", "parameters.seed"},
      {"priority", "parameters.priority"},
      {"perturbations", "smiles"},
      {"perturbations[2].molecule", "smiles[2]"},
      {"perturbations[2].molecule.dose", "dose_um[2]"},
      {"perturbations[2]", "smiles[2]"},
      {"cells.genesis", "cells.genesis"},
  };
  for (const auto& [field, input] : names) EXPECT_EQ(InputOf(field, "smiles"), input) << field;
  EXPECT_EQ(InputOf("perturbations[0].genes", "knockout"), "knockout[0]");
}

}  // namespace
}  // namespace unlasting::server
