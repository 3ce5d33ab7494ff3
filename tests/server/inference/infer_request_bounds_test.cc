// Requests of the Open Inference Protocol that say much in few bytes, or that are large in a way
// that no limit on messages sees, are refused before they cost memory or time.
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
using testing::ElementsAre;
using testing::HasSubstr;

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
