// Requests, and what the engine answers to them on its own.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/predict/job/job.h"
#include "server/request/request_validation.h"
#include "tests/server/served.h"
#include "tests/support/tiny_bundle.h"

namespace unlasting::test {

// What the engine gives on its own.
inline std::vector<predict::Profiles> Alone(const v1::PredictRequest& request) {
  const bundle::Manifest& manifest = TinyBundle()->manifest();
  const cells::GeneIndex genes(manifest.genes, manifest.gene_symbols);
  const auto valid = server::ValidatePredict(request, *TinyBundle(), genes, {},
                                             [](const std::string&) { return nullptr; });
  EXPECT_TRUE(valid.ok()) << valid.status();
  const auto engine = TinyEngine();
  auto profiles = predict::PredictAll(engine.get(), valid->task);
  EXPECT_TRUE(profiles.ok()) << profiles.status();
  return std::move(*profiles);
}

// To the last bit: who else is being served does not show.
inline void ExpectAgreement(const Answer& answer, const std::vector<predict::Profiles>& expected) {
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  ASSERT_FALSE(expected.empty());
  ASSERT_EQ(answer.profiles.size(), expected.size());
  for (const predict::Profiles& profiles : expected) {
    const DenseMatrix& found = answer.profiles.at(profiles.perturbation);
    ASSERT_EQ(found.values.size(), profiles.values.values.size());
    for (size_t k = 0; k < found.values.size(); ++k) {
      ASSERT_EQ(found.values[k], profiles.values.values[k])
          << "perturbation " << profiles.perturbation << ", value " << k;
    }
  }
}

inline v1::PredictRequest TwoKnockouts(int64_t cells, uint64_t seed) {
  v1::PredictRequest request = SomeRequest(cells, seed);
  v1::GenePerturbation* pair = request.add_perturbations()->mutable_genes();
  pair->add_genes("G0");
  pair->add_genes("U1");
  return request;
}

inline v1::PredictRequest WithEthanol(v1::PredictRequest request) {
  v1::MoleculePerturbation* molecule = request.add_perturbations()->mutable_molecule();
  molecule->set_smiles("CCO");
  molecule->mutable_dose()->set_value(0.5);
  molecule->mutable_dose()->set_unit(v1::DOSE_UNIT_MICROMOLAR);
  return request;
}

}  // namespace unlasting::test
