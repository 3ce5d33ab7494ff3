#include "core/predict/query/query.h"

#include <gmock/gmock.h>

#include <cmath>

#include "core/base/status.h"
#include "core/molecule/featurizer.h"
#include "tests/support/files.h"
#include "tests/support/tiny_bundle.h"

namespace unlasting::predict {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class QueryTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new test::TempFolder;
    test::TinyBundleOptions options;
    ASSERT_OK(test::WriteTinyBundle(folder_->At("genes"), options));
    options.genes = false;
    options.molecules = true;
    ASSERT_OK(test::WriteTinyBundle(folder_->At("molecules"), options));
    genes_ = new std::shared_ptr<const bundle::Bundle>(*bundle::Bundle::Load(folder_->At("genes")));
    molecules_ =
        new std::shared_ptr<const bundle::Bundle>(*bundle::Bundle::Load(folder_->At("molecules")));
  }
  static void TearDownTestSuite() {
    delete genes_;
    delete molecules_;
    delete folder_;
  }
  static const bundle::Bundle& Genes() { return **genes_; }
  static const bundle::Bundle& Molecules() { return **molecules_; }

  static void ExpectReason(const absl::Status& status, absl::StatusCode code,
                           const std::string& reason) {
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(ReasonOf(status), reason) << status;
  }

  static test::TempFolder* folder_;
  static std::shared_ptr<const bundle::Bundle>* genes_;
  static std::shared_ptr<const bundle::Bundle>* molecules_;
};
test::TempFolder* QueryTest::folder_ = nullptr;
std::shared_ptr<const bundle::Bundle>* QueryTest::genes_ = nullptr;
std::shared_ptr<const bundle::Bundle>* QueryTest::molecules_ = nullptr;

TEST_F(QueryTest, GenesResolveByNameBySymbolAndWithoutExpression) {
  const auto resolved = ResolvePerturbation(Genes(), {{"G3", "S5", "U1"}, "", "", {}, 0});
  ASSERT_OK(resolved);
  EXPECT_EQ((*resolved)->knockout, (std::vector<int32_t>{3, 5, 25}));
  EXPECT_FALSE((*resolved)->seen_in_training);
  EXPECT_TRUE((*ResolvePerturbation(Genes(), {{"S2"}, "", "", {}, 0}))->seen_in_training);
}

TEST_F(QueryTest, BadPerturbationsHaveTheirOwnReasons) {
  using Code = absl::StatusCode;
  const auto status = [](const bundle::Bundle& bundle, const PerturbationQuery& query) {
    return ResolvePerturbation(bundle, query).status();
  };
  ExpectReason(status(Genes(), {}), Code::kInvalidArgument, "EMPTY_PERTURBATION");
  ExpectReason(status(Genes(), {{"NOBODY"}, "", "", {}, 0}), Code::kNotFound, "UNKNOWN_GENE");
  ExpectReason(status(Genes(), {{"G1", "S1"}, "", "", {}, 0}), Code::kInvalidArgument,
               "DUPLICATE_GENE");
  ExpectReason(status(Genes(), {{}, "", "CCO", {}, 1}), Code::kInvalidArgument,
               "UNSUPPORTED_PERTURBATION");
  ExpectReason(status(Molecules(), {{"G1"}, "", "", {}, 0}), Code::kInvalidArgument,
               "UNSUPPORTED_PERTURBATION");
  ExpectReason(status(Molecules(), {{}, "", "nonsense(", {}, 1}), Code::kInvalidArgument,
               "UNPARSABLE_SMILES");
  ExpectReason(status(Molecules(), {{}, "nobody", "", {}, 1}), Code::kNotFound, "UNKNOWN_MOLECULE");
  ExpectReason(status(Molecules(), {{}, "", "CCO", {}, 0}), Code::kInvalidArgument, "INVALID_DOSE");
  ExpectReason(status(Molecules(), {{}, "", "CCO", {}, std::nan("")}), Code::kInvalidArgument,
               "INVALID_DOSE");
  ExpectReason(status(Molecules(), {{}, "", "", {1, 2, 3}, 1}), Code::kInvalidArgument,
               "EMBEDDING_LENGTH");
  ExpectReason(
      status(Molecules(),
             {{}, "", "", std::vector<float>(Molecules().manifest().molecule_features, 0), 1}),
      Code::kInvalidArgument, "INVALID_VALUE");
  ExpectReason(status(Molecules(), {{}, "aspirin", "CCO", {}, 1}), Code::kInvalidArgument,
               "INVALID_OPTION");
}

TEST_F(QueryTest, KnownDrugsResolveByNameAndUnknownOnesSayHowFarTheyAre) {
  const auto known = ResolvePerturbation(Molecules(), {{}, "aspirin", "", {}, 0.1});
  ASSERT_OK(known);
  EXPECT_TRUE((*known)->seen_in_training);
  EXPECT_NEAR((*known)->log10_dose_um, -1.0, 1e-6);
  // Written another way, it is the same molecule and goes by its name.
  const auto smiles = ResolvePerturbation(Molecules(), {{}, "", "OC(=O)c1ccccc1OC(C)=O", {}, 1});
  ASSERT_OK(smiles);
  EXPECT_EQ((*smiles)->label, "aspirin");
  const auto other = ResolvePerturbation(Molecules(), {{}, "", "CCO", {}, 1});
  ASSERT_OK(other);
  EXPECT_THAT((*other)->notes,
              UnorderedElementsAre(HasSubstr("aspirin, Tanimoto similarity"),
                                   HasSubstr("its prediction does not depend on the molecule")));
}

TEST_F(QueryTest, GenesSayHowTheyWereTrainedAndHowFarTheyAre) {
  using Training = bundle::TrainedGenes::Training;
  const auto seen = ResolvePerturbation(Genes(), {{"G2"}, "", "", {}, 0});
  ASSERT_OK(seen);
  ASSERT_EQ((*seen)->genes.size(), 1u);
  EXPECT_EQ((*seen)->genes[0].training, Training::kSingly);
  EXPECT_EQ((*seen)->genes[0].hops, 0);
  EXPECT_TRUE((*seen)->notes.empty());
  // G0 to G5 were perturbed; the network joins g with 5g + 1 and 7g + 3.
  const auto unseen = ResolvePerturbation(Genes(), {{"G16", "G1"}, "", "", {}, 0});
  ASSERT_OK(unseen);
  ASSERT_EQ((*unseen)->genes.size(), 2u);
  const GeneDistance& far = (*unseen)->genes[1];
  EXPECT_EQ(far.gene, "G16");
  EXPECT_EQ(far.training, Training::kNever);
  EXPECT_EQ(far.hops, 1);
  EXPECT_EQ(far.nearest, "G3") << "16 = 5 * 3 + 1";
  EXPECT_FALSE((*unseen)->molecule_distance.has_value());
  EXPECT_NE((*unseen)->notes.back().find("G16 was never perturbed in training; the nearest that "
                                         "was, G3, is 1 edge away"),
            std::string::npos);
}

TEST_F(QueryTest, DosesOutsideOfTheTrainingsAreSaidToBe) {
  const auto range = [](const std::string& smiles, double dose) {
    const auto resolved = *ResolvePerturbation(Molecules(), {{}, "", smiles, {}, dose});
    EXPECT_EQ(resolved->molecule_distance->lowest_dose_um, 0.1);
    EXPECT_EQ(resolved->molecule_distance->highest_dose_um, 1.0);
    return DoseRangeOf(*resolved->molecule_distance, dose);
  };
  const std::string aspirin = Molecules().manifest().molecules[0].smiles;
  EXPECT_EQ(range(aspirin, 0.05), DoseRange::kBelow);
  EXPECT_EQ(range(aspirin, 0.1), DoseRange::kWithin);
  EXPECT_EQ(range(aspirin, 1.0 + 1e-9), DoseRange::kWithin);
  EXPECT_EQ(range("CCO", 3), DoseRange::kAbove);
  const auto above = *ResolvePerturbation(Molecules(), {{}, "aspirin", "", {}, 30});
  EXPECT_EQ(above->molecule_distance->nearest, "aspirin");
  EXPECT_EQ(above->molecule_distance->similarity, 1.0);
  EXPECT_THAT(above->notes,
              UnorderedElementsAre(HasSubstr("dose 30 uM lies above"),
                                   HasSubstr("its prediction does not depend on the molecule")));
}

TEST_F(QueryTest, SaltsAndOtherNotationsResolveToTheTrainingDrug) {
  const auto salt = ResolvePerturbation(Molecules(), {{}, "", "CC(=O)Oc1ccccc1C(=O)O[Na]", {}, 1});
  ASSERT_OK(salt);
  EXPECT_EQ((*salt)->label, "aspirin");
  const auto known = *ResolvePerturbation(Molecules(), {{}, "aspirin", "", {}, 1});
  EXPECT_EQ((*salt)->molecule, known->molecule);
  EXPECT_EQ((*salt)->molecule_key, known->molecule_key);
}

TEST_F(QueryTest, BundlesFromBeforeTheDescriptorsAnswerAsTheyDid) {
  test::TinyBundleOptions options;
  options.molecules = true;
  options.features = test::TinyBundleOptions::Features::kCounts;
  ASSERT_OK(test::WriteTinyBundle(folder_->At("counts"), options));
  const auto bundle = bundle::Bundle::Load(folder_->At("counts"));
  ASSERT_OK(bundle);
  const auto resolved = ResolvePerturbation(**bundle, {{}, "", "CC(=O)[O-].[Na+]", {}, 1});
  ASSERT_OK(resolved);
  EXPECT_EQ((*resolved)->smiles, "CC(=O)[O-]") << "charges stay";
  EXPECT_EQ((*resolved)->molecule,
            molecule::Featurizer::Fingerprint().Featurize("CC(=O)[O-]")->features);
}

TEST_F(QueryTest, BundlesOfEmbeddingsTakeNamesVectorsAndTheSmilesOfTheirDrugs) {
  test::TinyBundleOptions options;
  options.molecules = true;
  options.features = test::TinyBundleOptions::Features::kEmbeddings;
  ASSERT_OK(test::WriteTinyBundle(folder_->At("embeddings"), options));
  const auto loaded = bundle::Bundle::Load(folder_->At("embeddings"));
  ASSERT_OK(loaded);
  const bundle::Bundle& bundle = **loaded;
  const auto named = ResolvePerturbation(bundle, {{}, "aspirin", "", {}, 1});
  ASSERT_OK(named);
  EXPECT_TRUE((*named)->seen_in_training);
  EXPECT_EQ((*named)->molecule, bundle.reference().molecules.at("aspirin"));
  const auto written = ResolvePerturbation(bundle, {{}, "", "OC(=O)c1ccccc1OC(C)=O", {}, 1});
  ASSERT_OK(written);
  EXPECT_EQ((*written)->molecule, (*named)->molecule);
  // Held out in training, and so known by name though never seen.
  const auto held_out = ResolvePerturbation(bundle, {{}, "unseen", "", {}, 1});
  ASSERT_OK(held_out);
  EXPECT_FALSE((*held_out)->seen_in_training);
  EXPECT_TRUE((*held_out)->molecule_distance->cosine);
  EXPECT_EQ((*held_out)->molecule_distance->nearest, "aspirin");
  EXPECT_LT((*held_out)->molecule_distance->similarity, 0.9);
  const auto own = ResolvePerturbation(bundle, {{}, "", "", {2, 1, -2, 0.5f, 0, 4}, 1});
  ASSERT_OK(own);
  EXPECT_NEAR(*(*own)->molecule_distance->similarity, 1.0, 1e-6);

  using Code = absl::StatusCode;
  ExpectReason(ResolvePerturbation(bundle, {{}, "", "", {1, 2, 3, 4, 5, 6, 7}, 1}).status(),
               Code::kInvalidArgument, "EMBEDDING_LENGTH");
  ExpectReason(ResolvePerturbation(bundle, {{}, "", "CCO", {}, 1}).status(), Code::kInvalidArgument,
               "UNSUPPORTED_PERTURBATION");
  ExpectReason(ResolvePerturbation(bundle, {{}, "", "C1CC", {}, 1}).status(),
               Code::kInvalidArgument, "UNPARSABLE_SMILES");
  ExpectReason(ResolvePerturbation(bundle, {{}, "nobody", "", {}, 1}).status(), Code::kNotFound,
               "UNKNOWN_MOLECULE");
}

}  // namespace
}  // namespace unlasting::predict
