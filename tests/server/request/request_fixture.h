// Requests to the tiny bundle, for tests of how they are checked.
#pragma once

#include <cmath>
#include <limits>
#include <set>

#include "core/base/status.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "proto/codec/matrix_codec.h"
#include "server/request/control_validation.h"
#include "server/request/request_validation.h"
#include "tests/server/server_support.h"
#include "tests/support/files.h"

namespace unlasting::server {

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

inline v1::PredictRequest WithMolecule(const std::string& smiles, double dose, v1::DoseUnit unit) {
  v1::PredictRequest request = SomeRequest();
  v1::MoleculePerturbation* molecule = request.mutable_perturbations(0)->mutable_molecule();
  molecule->set_smiles(smiles);
  molecule->mutable_dose()->set_value(dose);
  molecule->mutable_dose()->set_unit(unit);
  return request;
}

inline void SetValue(v1::PredictRequest* request, float value) {
  auto decoded = codec::DecodeDenseMatrix(request->cells().matrix());
  decoded->At(1, 2) = value;
  *request->mutable_cells()->mutable_matrix() =
      codec::EncodeMatrix(*decoded, v1::MATRIX_ENCODING_PACKED);
}

}  // namespace unlasting::server
