#include "core/molecule/featurizer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "absl/strings/str_split.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "tests/support/files.h"

namespace unlasting::molecule {
namespace {

const std::vector<std::string>& SciPlexSmiles() {
  static const auto* all = [] {
    auto* smiles = new std::vector<std::string>;
    std::istringstream stream(*ReadFile("tests/data/molecules/sciplex3_drugs.tsv"));
    std::string line;
    std::getline(stream, line);
    while (std::getline(stream, line)) {
      const std::vector<std::string> fields = absl::StrSplit(line, '\t');
      smiles->push_back(fields.at(1));
    }
    return smiles;
  }();
  return *all;
}

const Featurizer& OnSciPlex() {
  static const auto* featurizer = new Featurizer(*Featurizer::FitTo(SciPlexSmiles()));
  return *featurizer;
}

std::vector<float> DescribedPart(const std::string& smiles, const Featurizer& featurizer) {
  const auto featurized = featurizer.Featurize(smiles);
  EXPECT_TRUE(featurized.ok()) << featurized.status();
  return {featurized->features.begin() + kFingerprintFeatures, featurized->features.end()};
}

TEST(FeaturizerTest, TheSameMoleculeGivesTheSameFeaturesHoweverItIsWritten) {
  for (const Featurizer& featurizer : {Featurizer::Fingerprint(), OnSciPlex()}) {
    const auto a = featurizer.Featurize("CC(=O)Oc1ccccc1C(=O)O");
    ASSERT_OK(a);
    EXPECT_EQ(a->features.size(), static_cast<size_t>(featurizer.features()));
    for (const char* same :
         {"OC(=O)c1ccccc1OC(C)=O |some note|", "  OC(=O)c1ccccc1OC(C)=O\taspirin",
          "O=C(O)C1=CC=CC=C1OC(C)=O|c:4,6,t:2|"}) {
      const auto b = featurizer.Featurize(same);
      ASSERT_OK(b);
      EXPECT_EQ(a->canonical_smiles, b->canonical_smiles) << same;
      EXPECT_EQ(a->features, b->features) << same;
      EXPECT_DOUBLE_EQ(Similarity(a->features, b->features), 1.0);
    }
  }
}

TEST(FeaturizerTest, SaltsHydratesAndChargesAreTheirParent) {
  const std::string acid = OnSciPlex().Featurize("CC(=O)Oc1ccccc1C(=O)O")->canonical_smiles;
  for (const char* salt :
       {"CC(=O)Oc1ccccc1C(=O)[O-].[Na+]", "CC(=O)Oc1ccccc1C(=O)O[Na]",
        "CC(=O)Oc1ccccc1C(=O)[O-].CC(=O)Oc1ccccc1C(=O)[O-].[Ca+2]", "CC(=O)Oc1ccccc1C(=O)O.O.O"}) {
    EXPECT_EQ(*CanonicalSmiles(salt), acid) << salt;
  }
  EXPECT_EQ(*CanonicalSmiles("CCN.Cl"), *CanonicalSmiles("CC[NH3+].[Cl-]"));
}

TEST(FeaturizerTest, WhatBelongsToTheDrugStays) {
  EXPECT_NE(CanonicalSmiles("N[Pt](N)(Cl)Cl")->find("Pt"), std::string::npos)
      << "cisplatin is no salt";
  EXPECT_NE(CanonicalSmiles("C[N+](C)(C)CCO.[Cl-]")->find("N+"), std::string::npos)
      << "a quaternary nitrogen has no proton to lose";
}

TEST(FeaturizerTest, EveryDrugOfSciPlexIsFeaturised) {
  const Featurizer& featurizer = OnSciPlex();
  ASSERT_EQ(SciPlexSmiles().size(), 189u);
  std::vector<bool> varies(featurizer.features() - kFingerprintFeatures, false);
  for (const auto& smiles : SciPlexSmiles()) {
    const auto featurized = featurizer.Featurize(smiles);
    ASSERT_OK(featurized);
    ASSERT_EQ(featurized->features.size(), static_cast<size_t>(featurizer.features()));
    EXPECT_EQ(featurized->canonical_smiles.find('.'), std::string::npos) << smiles;
    EXPECT_EQ(featurized->canonical_smiles.find("Na"), std::string::npos) << smiles;
    double counts = 0;
    for (int k = 0; k < featurizer.features(); ++k) {
      const float value = featurized->features[k];
      ASSERT_TRUE(std::isfinite(value)) << smiles << " feature " << k;
      if (k < kFingerprintFeatures) {
        counts += value;
      } else {
        EXPECT_LE(std::abs(value), Featurizer::kLargestFeature);
        varies[k - kFingerprintFeatures] = varies[k - kFingerprintFeatures] || value != 0;
      }
    }
    EXPECT_GT(counts, 0) << smiles;
    // The parent is its own parent: a caller may send back what we sent.
    const auto again = featurizer.Featurize(featurized->canonical_smiles);
    ASSERT_OK(again);
    EXPECT_EQ(again->canonical_smiles, featurized->canonical_smiles);
    EXPECT_EQ(again->features, featurized->features) << smiles;
  }
  EXPECT_GT(std::count(varies.begin(), varies.end(), true), 60);
}

TEST(FeaturizerTest, DescriptorsHaveMeanZeroAndDeviationOneOnTheTrainingDrugs) {
  const std::vector<std::string> drugs = {"CCO", "CCCCO", "c1ccccc1", "CC(=O)Oc1ccccc1C(=O)O"};
  const auto featurizer = Featurizer::FitTo(drugs);
  ASSERT_OK(featurizer);
  std::vector<std::vector<float>> rows;
  for (const auto& smiles : drugs) rows.push_back(DescribedPart(smiles, *featurizer));
  int varying = 0;
  for (size_t k = 0; k < rows[0].size(); ++k) {
    double sum = 0, squares = 0;
    for (const auto& row : rows) {
      sum += row[k];
      squares += row[k] * row[k];
    }
    EXPECT_NEAR(sum, 0, 1e-5) << featurizer->scaling().names[k];
    if (squares == 0) continue;
    ++varying;
    EXPECT_NEAR(squares / 4, 1, 1e-5) << featurizer->scaling().names[k];
  }
  EXPECT_GT(varying, 25);
}

TEST(FeaturizerTest, WritingADrugTwiceDoesNotMoveTheScale) {
  const auto once = Featurizer::FitTo({"CCO", "c1ccccc1", "CCN"});
  const auto often = Featurizer::FitTo({"OCC", "CCO", "C1=CC=CC=C1", "CC[NH3+].[Cl-]", "CCN"});
  EXPECT_EQ(once->scaling().mean, often->scaling().mean);
  EXPECT_EQ(once->scaling().deviation, often->scaling().deviation);
}

TEST(FeaturizerTest, DescriptorsThatTrainingNeverSawVaryAreZeroForEveryMolecule) {
  // No charge, no ring and no nitrogen in training.
  const auto featurizer = Featurizer::FitTo({"CCO", "CCCCO"});
  const auto& names = featurizer->scaling().names;
  const auto ring = DescribedPart("C[N+](C)(C)Cc1ccccc1", *featurizer);
  for (const char* name : {"NumRings", "FormalCharge"}) {
    const auto found = std::find(names.begin(), names.end(), name);
    ASSERT_NE(found, names.end()) << name;
    EXPECT_EQ(ring[found - names.begin()], 0) << name;
  }
  const auto benzene = DescribedPart("c1ccccc1", *Featurizer::FitTo({"CCO"}));
  ASSERT_FALSE(benzene.empty());
  for (const float value : benzene) {
    EXPECT_EQ(value, 0) << "one training drug does not vary";
  }
}

TEST(FeaturizerTest, AnOddMoleculeStaysInRange) {
  const std::string long_chain(500, 'C');
  for (const std::string& odd :
       {std::string("[U]"), std::string("[Na+].[Cl-]"), std::string("N[Pt](N)(Cl)Cl"),
        std::string("O=[As]O[As]=O"), std::string("[2H]O[2H]"), std::string("*CC*"),
        std::string("[HH]"), std::string("FS(F)(F)(F)(F)F"), long_chain}) {
    const auto featurized = OnSciPlex().Featurize(odd);
    ASSERT_OK(featurized);
    ASSERT_FALSE(featurized->features.empty());
    for (const float value : featurized->features) {
      ASSERT_TRUE(std::isfinite(value)) << odd.substr(0, 20);
      ASSERT_LE(std::abs(value), std::log1p(20000.0f)) << odd.substr(0, 20);
    }
  }
}

TEST(FeaturizerTest, ComesBackFromItsNameAndScaling) {
  const auto again = Featurizer::Create(OnSciPlex().name(), OnSciPlex().scaling());
  ASSERT_OK(again);
  EXPECT_EQ(again->Featurize("CCO")->features, OnSciPlex().Featurize("CCO")->features);
  EXPECT_EQ(Featurizer::Create(kFingerprintName, {})->features(), kFingerprintFeatures);
  EXPECT_EQ(Featurizer::Create("unimol", {}).status().code(),
            absl::StatusCode::kFailedPrecondition);
  DescriptorScaling scaling = OnSciPlex().scaling();
  std::swap(scaling.names[0], scaling.names[1]);
  EXPECT_FALSE(Featurizer::Create(kDescribedName, scaling).ok());
  scaling = OnSciPlex().scaling();
  scaling.mean.pop_back();
  EXPECT_FALSE(Featurizer::Create(kDescribedName, scaling).ok());
}

TEST(FeaturizerTest, TheFingerprintAloneIsWhatOlderBundlesWereTrainedOn) {
  // Charges stay, and features have their old length.
  const auto salt = Featurizer::Fingerprint().Featurize("CC(=O)Oc1ccccc1C(=O)[O-].[Na+]");
  ASSERT_OK(salt);
  EXPECT_EQ(salt->canonical_smiles, "CC(=O)Oc1ccccc1C(=O)[O-]");
  EXPECT_EQ(salt->features.size(), 2048u);
}

TEST(CanonicalSmilesTest, IsFeaturizesOwnAndDropsNotesAndSalts) {
  const auto canonical = CanonicalSmiles("OC(=O)c1ccccc1OC(C)=O.[Na+].O |r,c:1|");
  ASSERT_OK(canonical);
  EXPECT_EQ(*canonical, OnSciPlex().Featurize("CC(=O)Oc1ccccc1C(=O)O")->canonical_smiles);
  EXPECT_EQ(ReasonOf(CanonicalSmiles("C1CC").status()), "UNPARSABLE_SMILES");
}

TEST(FeaturizerTest, CountsEverySubstructureOfEthanol) {
  const auto ethanol = Featurizer::Fingerprint().Featurize("CCO");
  ASSERT_OK(ethanol);
  double environments = 0;
  for (const float value : ethanol->features) environments += std::expm1(value);
  // Three atoms at radius 0, three at radius 1; radius 2 repeats what is known.
  EXPECT_NEAR(environments, 6.0, 1e-4);
}

TEST(SimilarityTest, IsOfTheFingerprintWhateverFollowsIt) {
  const auto f = [](const char* smiles) { return OnSciPlex().Featurize(smiles)->features; };
  EXPECT_GT(Similarity(f("CCCCO"), f("CCCCCO")), Similarity(f("CCCCO"), f("c1ccccc1")));
  const auto old = [](const char* smiles) {
    return Featurizer::Fingerprint().Featurize(smiles)->features;
  };
  EXPECT_DOUBLE_EQ(Similarity(f("CCCCO"), f("CCCCCO")), Similarity(old("CCCCO"), old("CCCCCO")));
}

TEST(FeaturizerTest, RefusesWhatIsNoMolecule) {
  for (const std::string& bad :
       {std::string(), std::string("   "), std::string("not a molecule"), std::string("C1CC"),
        std::string("C(C)(C)(C)(C)C"), std::string("[Xx]"), std::string(20000, 'C'),
        std::string(501, 'C'),
        std::string("[Na+].[K-]C(=O)/C=C/c1ccc2[nH]c(C)c(CCNCc3~ccccc3)c2c1")}) {
    const auto result = OnSciPlex().Featurize(bad);
    ASSERT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument) << bad.substr(0, 20);
    EXPECT_EQ(ReasonOf(result.status()), "UNPARSABLE_SMILES");
    EXPECT_LT(result.status().message().size(), 400u);
    EXPECT_FALSE(Featurizer::FitTo({"CCO", bad}).ok());
  }
}

}  // namespace
}  // namespace unlasting::molecule
