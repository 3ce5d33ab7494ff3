// Requests of the Open Inference Protocol that say much in few bytes, or that are large in a way
// that no limit on messages sees, are refused before they cost memory or time.
#include <limits>

#include "gmock/gmock.h"
#include "tests/server/inference/infer_fixture.h"
#include "tests/server/inference/infer_reading.h"

namespace unlasting::server {
namespace {

using inference::ModelInferRequest;
using test::AddFloats;
using test::AddInput;
using test::AddStrings;
using test::InferCells;
using test::Read;
using test::Refusals;
using test::Set;
using test::SomeInfer;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kSmallest = std::numeric_limits<int64_t>::min();
constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();
// Their products with one another, with 4 or with a length overflow, some of them to 0.
const int64_t kDimensions[] = {
    kSmallest, -72, -1, 0, 1, int64_t{1} << 31, int64_t{1} << 32, int64_t{1} << 62, kLargest};

// A request with every input that there is but treatment.
ModelInferRequest SomeMolecules() {
  ModelInferRequest request = InferCells(test::SomeRequest());
  AddStrings(&request, "smiles", {"CCO", "C"});
  AddFloats(&request, "dose_um", {1, 2});
  return request;
}

TEST(InferRequestBounds, CountsOfTensorsAndParametersAreBounded) {
  ModelInferRequest inputs, parameters = SomeInfer();
  for (int k = 0; k < 100'000; ++k) AddInput(&inputs, "genes", "BYTES", {1});
  EXPECT_THAT(Refusals(inputs), testing::Contains("inputs TOO_MANY_ELEMENTS"));
  for (int k = 0; k < 100'000; ++k) Set(&parameters, absl::StrCat("p", k), k);
  EXPECT_THAT(Refusals(parameters), ElementsAre("parameters TOO_MANY_ELEMENTS"));
}

TEST(InferRequestBounds, AMillionInputsAreRefused) {
  ModelInferRequest request = SomeInfer();
  for (int k = 0; k < 1'000'000; ++k) request.add_inputs();
  EXPECT_THAT(Refusals(request), ElementsAre("inputs TOO_MANY_ELEMENTS"));
}

TEST(InferRequestBounds, NoShapeOfTheCellsIsTakenButThatOfItsElements) {
  for (const ModelInferRequest& sound : {SomeInfer(), test::Typed(SomeInfer())}) {
    ASSERT_TRUE(Read(sound).ok()) << Read(sound).status();
    for (const int64_t rows : kDimensions) {
      for (const int64_t columns : kDimensions) {
        ModelInferRequest request = sound;
        request.mutable_inputs(1)->set_shape(0, rows);
        request.mutable_inputs(1)->set_shape(1, columns);
        EXPECT_THAT(Refusals(request), ElementsAre("cells INVALID_SHAPE"))
            << rows << " x " << columns;
        // Without elements only the shapes of no cells are sound; what they lack is found later.
        request.mutable_inputs(1)->clear_contents();
        if (!request.raw_input_contents().empty()) request.set_raw_input_contents(1, "");
        if (rows == 0 && columns >= 0) {
          EXPECT_TRUE(Read(request).ok()) << Read(request).status();
        } else {
          EXPECT_THAT(Refusals(request), ElementsAre("cells INVALID_SHAPE"))
              << rows << " x " << columns << ", empty";
        }
      }
    }
  }
}

TEST(InferRequestBounds, NoLengthOfAnInputIsTakenButThatOfItsElements) {
  for (const ModelInferRequest& sound : {SomeMolecules(), test::Typed(SomeMolecules())}) {
    ASSERT_TRUE(Read(sound).ok()) << Read(sound).status();
    for (const int input : {0, 2, 3, 4}) {
      const std::string name = sound.inputs(input).name();
      for (const int64_t length : kDimensions) {
        ModelInferRequest request = sound;
        request.mutable_inputs(input)->set_shape(0, length);
        if (name == "cell_type" && length == 1) continue;  // which it is
        EXPECT_THAT(Refusals(request),
                    ElementsAre(AnyOf(name + " INVALID_SHAPE", name + " TOO_MANY_ELEMENTS")))
            << length;
      }
      ModelInferRequest none = sound, two = sound;
      none.mutable_inputs(input)->clear_shape();
      two.mutable_inputs(input)->add_shape(1);
      EXPECT_THAT(Refusals(none), ElementsAre(name + " INVALID_SHAPE"));
      EXPECT_THAT(Refusals(two), ElementsAre(name + " INVALID_SHAPE"));
    }
  }
}

TEST(InferRequestBounds, WholeNumbersOfParametersAreHeldToTheirRange) {
  for (const char* name : {"seed", "solver_steps", "priority", "timeout"}) {
    for (const int64_t number : {kSmallest, int64_t{-1}}) {
      ModelInferRequest request = SomeInfer();
      Set(&request, name, number);
      EXPECT_THAT(Refusals(request),
                  ElementsAre(absl::StrCat("parameters.", name, " INVALID_OPTION")));
    }
    ModelInferRequest fraction = SomeInfer(), truth = SomeInfer(), largest = SomeInfer();
    (*fraction.mutable_parameters())[name].set_double_param(1);
    (*truth.mutable_parameters())[name].set_bool_param(true);
    (*largest.mutable_parameters())[name].set_uint64_param(~uint64_t{0});
    const std::string refusal = absl::StrCat("parameters.", name, " INVALID_OPTION");
    EXPECT_THAT(Refusals(fraction), ElementsAre(refusal));
    EXPECT_THAT(Refusals(truth), ElementsAre(refusal));
    if (name != std::string("seed")) {
      EXPECT_THAT(Refusals(largest), ElementsAre(refusal));
    }
  }
  // What would be a sound number in 32 bits.
  for (const char* name : {"solver_steps", "priority"}) {
    ModelInferRequest request = SomeInfer();
    Set(&request, name, (int64_t{1} << 32) + 1);
    EXPECT_THAT(Refusals(request),
                ElementsAre(absl::StrCat("parameters.", name, " INVALID_OPTION")));
  }
}

TEST(InferRequestBounds, GenesOfAKnockoutAreCountedBeforeTheyAreRead) {
  ModelInferRequest request = InferCells(test::SomeRequest());
  std::string all = "G0", most = "G0";
  for (int k = 1; k < 1'000'000; ++k) all += absl::StrCat("+G", k);
  for (int k = 1; k < RequestLimits().max_genes_per_perturbation; ++k)
    most += absl::StrCat("+G", k);
  AddInput(&request, "knockout", "BYTES", {2});
  std::string raw;
  for (const std::string& text : {most + "+ctrl", all}) {
    for (int k = 0; k < 4; ++k) raw.push_back(static_cast<char>(text.size() >> (8 * k)));
    raw += text;
  }
  request.add_raw_input_contents(raw);
  EXPECT_THAT(Refusals(request), ElementsAre("knockout[1] TOO_MANY_GENES"));
}

TEST(InferRequestBounds, CovariatesOfAllPerturbationsTogetherAreBounded) {
  for (const char* name : {"smiles", "treatment"}) {
    ModelInferRequest request = InferCells(test::SomeRequest());
    AddStrings(&request, name, std::vector<std::string>(20'000, "C"));
    if (request.inputs(3).name() == "smiles") {
      AddFloats(&request, "dose_um", std::vector<float>(20'000, 1));
    }
    ModelInferRequest many = request, sound = request;
    Set(&request, absl::StrCat("covariates.", std::string(1 << 20, 'x')), 1);
    EXPECT_THAT(Refusals(request), ElementsAre("parameters.covariates TOO_MANY_ELEMENTS"));
    for (int k = 0; k < 200; ++k) Set(&many, absl::StrCat("covariates.", k), 1);
    EXPECT_THAT(Refusals(many), ElementsAre("parameters.covariates TOO_MANY_ELEMENTS"));
    for (int k = 0; k < 10; ++k) Set(&sound, absl::StrCat("covariates.", k), 1);
    EXPECT_TRUE(Read(sound).ok()) << Read(sound).status();
  }
}

TEST(InferRequestBounds, ALongNameOfAParameterIsCut) {
  ModelInferRequest request = SomeInfer();
  Set(&request, std::string(1 << 20, 'x'), 1);
  const absl::Status status = Read(request).status();
  EXPECT_LT(status.message().size(), 1000u);
  EXPECT_THAT(Refusals(request), ElementsAre(HasSubstr("xxx... UNKNOWN_PARAMETER")));
}

}  // namespace
}  // namespace unlasting::server
