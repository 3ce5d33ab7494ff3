#include "core/molecule/featurizer.h"

#include <cmath>
#include <numeric>

#include "core/base/status.h"
#include "tests/support/files.h"

namespace unlasting::molecule {
namespace {

TEST(FeaturizeTest, TheSameMoleculeGivesTheSameFeaturesHoweverItIsWritten) {
  const auto a = Featurize("CC(=O)Oc1ccccc1C(=O)O");
  const auto b = Featurize("OC(=O)c1ccccc1OC(C)=O |some note|");
  ASSERT_OK(a);
  ASSERT_OK(b);
  EXPECT_EQ(a->canonical_smiles, b->canonical_smiles);
  EXPECT_EQ(a->features, b->features);
  EXPECT_DOUBLE_EQ(Similarity(a->features, b->features), 1.0);
}

TEST(FeaturizeTest, SaltsAndSolventsAreStripped) {
  const auto salt = Featurize("CC(=O)Oc1ccccc1C(=O)[O-].[Na+]");
  ASSERT_OK(salt);
  EXPECT_EQ(salt->canonical_smiles.find('.'), std::string::npos);
  EXPECT_EQ(salt->canonical_smiles.find("Na"), std::string::npos);
}

TEST(CanonicalSmilesTest, IsFeaturizesOwnAndDropsNotesAndSalts) {
  const auto canonical = CanonicalSmiles("OC(=O)c1ccccc1OC(C)=O.[Na+].O |r,c:1|");
  ASSERT_OK(canonical);
  EXPECT_EQ(*canonical, Featurize("CC(=O)Oc1ccccc1C(=O)O")->canonical_smiles);
  EXPECT_EQ(ReasonOf(CanonicalSmiles("C1CC").status()), "UNPARSABLE_SMILES");
}

TEST(FeaturizeTest, CountsEverySubstructureOfEthanol) {
  const auto ethanol = Featurize("CCO");
  ASSERT_OK(ethanol);
  ASSERT_EQ(ethanol->features.size(), static_cast<size_t>(kFeatures));
  double environments = 0;
  for (const float value : ethanol->features) environments += std::expm1(value);
  // Three atoms at radius 0, three at radius 1; radius 2 repeats what is known.
  EXPECT_NEAR(environments, 6.0, 1e-4);
}

TEST(FeaturizeTest, NearMoleculesAreMoreSimilarThanFarOnes) {
  const auto f = [](const char* smiles) { return Featurize(smiles)->features; };
  EXPECT_GT(Similarity(f("CCCCO"), f("CCCCCO")), Similarity(f("CCCCO"), f("c1ccccc1")));
}

TEST(FeaturizeTest, RefusesWhatIsNoMolecule) {
  for (const std::string& bad :
       {std::string(), std::string("   "), std::string("not a molecule"), std::string("C1CC"),
        std::string("C(C)(C)(C)(C)C"), std::string("[Xx]"), std::string(20000, 'C')}) {
    const auto result = Featurize(bad);
    ASSERT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument) << bad.substr(0, 20);
    EXPECT_EQ(ReasonOf(result.status()), "UNPARSABLE_SMILES");
    EXPECT_LT(result.status().message().size(), 400u);
  }
}

}  // namespace
}  // namespace unlasting::molecule
