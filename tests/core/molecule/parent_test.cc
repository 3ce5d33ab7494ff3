// Which part of a SMILES is the drug, and what is said of the rest.
#include <string>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/molecule/featurizer.h"
#include "tests/support/files.h"

namespace unlasting::molecule {
namespace {

const Featurizer& Described() {
  static const auto* featurizer =
      new Featurizer(*Featurizer::FitTo({"CCO", "c1ccccc1", "CC(=O)Oc1ccccc1C(=O)O"}));
  return *featurizer;
}

TEST(ParentTest, AMetalIsNeverLeftOut) {
  const std::vector<std::pair<std::string, std::string>> kept = {
      {"N.N.Cl[Pt]Cl", "Cl[Pt]Cl"},                                // cisplatin as PubChem writes it
      {"N.N.C1CC2(C1)C(=O)O[Pt]OC2=O", "O=C1O[Pt]OC(=O)C12CCC2"},  // carboplatin
      {"[NH3].[NH3].Cl[Pt]Cl.O", "Cl[Pt]Cl"},
      {"CC1CCCCC1.[Cl-].[Cl-].[Pt+2]", "CC1CCCCC1.[Cl-].[Cl-].[Pt+2]"},  // the ligand is larger
      {"[Li+].[Li+].[O-]C(=O)[O-]", "O=C([O-])[O-].[Li+].[Li+]"},        // no organic part
      {"[Zn+2].[Cl-].[Cl-]", "[Cl-].[Cl-].[Zn+2]"},
      {"[Na+].[Cl-]", "[Cl-].[Na+]"}};
  for (const auto& [written, parent] : kept) {
    const auto featurized = Described().Featurize(written);
    ASSERT_OK(featurized);
    EXPECT_EQ(featurized->canonical_smiles, parent) << written;
    const auto again = Described().Featurize(featurized->canonical_smiles);
    ASSERT_OK(again);
    EXPECT_EQ(again->canonical_smiles, featurized->canonical_smiles) << written;
    EXPECT_EQ(again->features, featurized->features) << written;
  }
}

TEST(ParentTest, WhatRdkitReadsOnlyWithItsChargesIsRead) {
  for (const char* ion : {"[Fe+2].c1cc[cH-]c1.c1cc[cH-]c1", "[cH+]1cccccc1", "[cH-]1cccc1.[Na+]",
                          "[cH+]1cccccc1.F[B-](F)(F)F"}) {
    for (const Featurizer& featurizer : {Featurizer::Fingerprint(), Described()}) {
      const auto featurized = featurizer.Featurize(ion);
      ASSERT_OK(featurized);
      const auto again = featurizer.Featurize(featurized->canonical_smiles);
      ASSERT_OK(again);
      EXPECT_EQ(again->features, featurized->features) << ion;
    }
  }
  EXPECT_NE(Described().Featurize("[Fe+2].c1cc[cH-]c1.c1cc[cH-]c1")->canonical_smiles.find("Fe"),
            std::string::npos);
}

TEST(ParentTest, SaysWhatWasLeftOut) {
  EXPECT_TRUE(Described().Featurize("CC(=O)Oc1ccccc1C(=O)O")->notes.empty());
  const auto salt = Described().Featurize("CCN.Cl.Cl.O")->notes;
  ASSERT_EQ(salt.size(), 1u);
  EXPECT_NE(salt[0].find("Cl, O"), std::string::npos) << salt[0];
  // Two drugs in one SMILES: trimethoprim and sulfamethoxazole.
  for (const Featurizer& featurizer : {Featurizer::Fingerprint(), Described()}) {
    const auto two =
        featurizer.Featurize("COc1cc(Cc2cnc(N)nc2N)cc(OC)c1OC.Cc1cc(NS(=O)(=O)c2ccc(N)cc2)no1");
    ASSERT_OK(two);
    ASSERT_EQ(two->notes.size(), 2u);
    EXPECT_NE(two->notes[1].find("a drug itself"), std::string::npos) << two->notes[1];
  }
  // As many ions of one drug are that drug.
  EXPECT_EQ(Described()
                .Featurize("CC(=O)Oc1ccccc1C(=O)[O-].CC(=O)Oc1ccccc1C(=O)[O-].[Ca+2]")
                ->notes.size(),
            1u);
}

TEST(ParentTest, CharactersThatAreNotSmilesAreRefusedWithTheirPlace) {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"CC\u200b(=O)Nc1ccc(O)cc1", "character 3: found U+200B, which is invisible"},
      {"C\u2261N", "character 2: found U+2261, a drawn triple bond: write #"},
      {std::string("CC\0(=O)O", 8), "character 3: found U+0000, a NUL"},
      {"\u0421CO", "character 1: found U+0421, a Cyrillic letter"},
      {"CCO\u00a0ethanol", "character 4: found U+00A0, a blank"},
      {"\ufeff"
       "CCO",
       "character 1: found U+FEFF, which is invisible"},
      {"C[N\u207a](C)(C)C", "character 4: found U+207A, a superscript"},
      {"CC(=O)[O\u2212]", "character 9: found U+2212, a minus sign: write -"},
      {"CC\xe9", "character 3: found the byte 0xE9, which is not UTF-8"},
      {"CC\xf0\x9f", "character 3: found the byte 0xF0, which is not UTF-8"},
      {"CC\x7f", "character 3: found U+007F, a control character"}};
  for (const auto& [smiles, expected] : bad) {
    for (const Featurizer& featurizer : {Featurizer::Fingerprint(), Described()}) {
      const auto result = featurizer.Featurize(smiles);
      ASSERT_FALSE(result.ok()) << smiles;
      EXPECT_EQ(ReasonOf(result.status()), "UNPARSABLE_SMILES");
      const std::string message(result.status().message());
      EXPECT_NE(message.find(expected), std::string::npos) << message;
      for (const char c : message) EXPECT_TRUE(c >= ' ' && c <= '~') << message;
    }
  }
  // What follows a blank is a name, in any script.
  EXPECT_OK(Described().Featurize("CCO \u044d\u0442\u0430\u043d\u043e\u043b").status());
}

}  // namespace
}  // namespace unlasting::molecule
