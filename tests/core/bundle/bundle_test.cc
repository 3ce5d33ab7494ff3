#include "core/bundle/bundle.h"

#include "core/base/file.h"
#include "core/base/status.h"
#include "tests/support/files.h"
#include "tests/support/tiny_bundle.h"

namespace unlasting::bundle {
namespace {

namespace fs = std::filesystem;

class BundleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = folder_.At("tiny");
    ASSERT_OK(test::WriteTinyBundle(directory_));
  }

  nlohmann::json Manifest() { return test::ReadJson(directory_ + "/manifest.json"); }
  void WriteManifest(const nlohmann::json& manifest) {
    std::ofstream(directory_ + "/manifest.json") << manifest.dump();
  }
  void ExpectRefused(absl::StatusCode code, const std::string& words) {
    const auto loaded = Bundle::Load(directory_);
    ASSERT_EQ(loaded.status().code(), code) << loaded.status();
    EXPECT_NE(loaded.status().message().find(words), absl::string_view::npos) << loaded.status();
    EXPECT_EQ(loaded.status().message().find('\n'), absl::string_view::npos);
  }

  test::TempFolder folder_;
  std::string directory_;
};

TEST_F(BundleTest, LoadsWhatWasWritten) {
  const auto bundle = Bundle::Load(directory_);
  ASSERT_OK(bundle);
  const auto& manifest = (*bundle)->manifest();
  EXPECT_EQ(manifest.genes.size(), 24u);
  EXPECT_EQ(manifest.perturbed_only, (std::vector<std::string>{"U0", "U1"}));
  EXPECT_TRUE(manifest.Knows("gene"));
  EXPECT_FALSE(manifest.Knows("molecule"));
  EXPECT_EQ((*bundle)->reference().panel.rows, 60);
  EXPECT_EQ((*bundle)->reference().PanelRows(1).size(), 30u);
  EXPECT_EQ((*bundle)->reference().network.rows, 26);
  EXPECT_EQ((*bundle)->hash().size(), 64u);
}

TEST_F(BundleTest, ManifestRoundTrips) {
  const auto json = Manifest();
  const auto manifest = Manifest::FromJson(json);
  ASSERT_OK(manifest);
  EXPECT_EQ(manifest->ToJson(), json);
}

TEST_F(BundleTest, RefusesADamagedFileOfTheSameSize) {
  const std::string path = directory_ + "/target.pt";
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(5);
  file.put('\x7f');
  file.close();
  ExpectRefused(absl::StatusCode::kDataLoss, "target.pt: SHA-256");
}

TEST_F(BundleTest, RefusesAHalfCopiedFile) {
  fs::resize_file(directory_ + "/reference.h5ad", 1000);
  ExpectRefused(absl::StatusCode::kDataLoss, "reference.h5ad: found 1000 bytes");
}

TEST_F(BundleTest, RefusesMissingFiles) {
  fs::remove(directory_ + "/mask.pt");
  ExpectRefused(absl::StatusCode::kNotFound, "mask.pt");
  fs::remove(directory_ + "/manifest.json");
  ExpectRefused(absl::StatusCode::kNotFound, "manifest.json");
}

TEST_F(BundleTest, RefusesAForeignSchemaAndMalformedManifests) {
  const auto good = Manifest();
  auto json = good;
  json["schema_version"] = 99;
  WriteManifest(json);
  ExpectRefused(absl::StatusCode::kFailedPrecondition,
                "found 99, expected 2; the bundle was written by a newer version");
  json["schema_version"] = 1;
  WriteManifest(json);
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "train it again");

  json = good;
  json["features"].push_back("time_travel");
  WriteManifest(json);
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "features: found 'time_travel'");
  json.erase("features");
  WriteManifest(json);
  ExpectRefused(absl::StatusCode::kInvalidArgument, "features");

  json = good;
  json["genes"] = "many";
  WriteManifest(json);
  ExpectRefused(absl::StatusCode::kInvalidArgument, "manifest.json");

  json = good;
  json["genes"][1] = json["genes"][0];
  WriteManifest(json);
  ExpectRefused(absl::StatusCode::kInvalidArgument, "gene_hash");

  json = good;
  // Dividing by these would make numbers that are not finite.
  for (const double x_max : {0.0, 1e-300, 5e-324, 1e300}) {
    json["normalisation"]["x_max"] = x_max;
    WriteManifest(json);
    ExpectRefused(absl::StatusCode::kInvalidArgument, "x_max");
  }

  json = good;
  json["model"]["dim"] = 16;
  WriteManifest(json);
  ExpectRefused(absl::StatusCode::kInvalidArgument,
                "weights.safetensors: denoiser: 'gene_embedding': found shape [26, 8], "
                "expected shape [26, 16]");

  json = good;
  json["model"]["genes"] = 5;
  WriteManifest(json);
  ExpectRefused(absl::StatusCode::kInvalidArgument, "does not fit");

  json = good;
  json["files"]["../manifest.json"] = json["files"]["mask.pt"];
  WriteManifest(json);
  ExpectRefused(absl::StatusCode::kDataLoss, "is not a name");

  std::ofstream(directory_ + "/manifest.json") << "{\"schema_version\": 1";
  ExpectRefused(absl::StatusCode::kInvalidArgument, "found no JSON object");
}

TEST_F(BundleTest, ListsTheFeaturesThatItsReaderMustKnow) {
  EXPECT_EQ(Manifest()["features"],
            nlohmann::json({kFeatureExpectedResponse, kFeatureGrnPropagation}));
  test::TinyBundleOptions options;
  options.molecules = true;
  options.dose_gate = "sigmoid";
  options.expected_response = false;
  ASSERT_OK(test::WriteTinyBundle(directory_, options));
  EXPECT_EQ(Manifest()["features"],
            nlohmann::json({kFeatureMoleculeDescriptors, kFeatureSigmoidDoseGate}));
}

TEST_F(BundleTest, ReadsItsWeightsAgainAndNoticesThatTheyHaveChanged) {
  const auto bundle = Bundle::Load(directory_);
  ASSERT_OK(bundle);
  const auto parts = test::TinyBundleParts({});
  ASSERT_OK(parts);
  const auto weights = (*bundle)->ReadWeights();
  ASSERT_OK(weights);
  EXPECT_EQ(weights->denoiser.values, parts->weights.denoiser.values);
  EXPECT_EQ(weights->mask.values, parts->weights.mask.values);
  EXPECT_EQ(weights->mask.indices, parts->weights.mask.indices);
  EXPECT_EQ(weights->denoiser.edge_source, parts->weights.denoiser.edge_source);
  test::TinyBundleOptions other;
  other.seed = 2;
  ASSERT_OK(test::WriteTinyBundle(directory_, other));
  EXPECT_EQ((*bundle)->ReadWeights().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(BundleTest, RewritingReplacesTheWholeFolderAndLeavesNothingBeside) {
  std::ofstream(directory_ + "/stray") << "old";
  test::TinyBundleOptions options;
  options.molecules = true;
  ASSERT_OK(test::WriteTinyBundle(directory_, options));
  EXPECT_FALSE(fs::exists(directory_ + "/stray"));
  EXPECT_TRUE((*Bundle::Load(directory_))->manifest().Knows("molecule"));
  int entries = 0;
  for (const auto& entry : fs::directory_iterator(folder_.path())) entries += entry.exists();
  EXPECT_EQ(entries, 1);
}

TEST_F(BundleTest, ScalingOfDescriptorsComesBackAndIsChecked) {
  test::TinyBundleOptions options;
  options.molecules = true;
  ASSERT_OK(test::WriteTinyBundle(directory_, options));
  const auto json = Manifest();
  const auto manifest = bundle::Manifest::FromJson(json);
  ASSERT_OK(manifest);
  EXPECT_GT(manifest->molecule_scaling.names.size(), 70u);
  EXPECT_EQ(manifest->ToJson(), json);
  for (const auto& [field, value] :
       {std::pair{"mean", nlohmann::json(1.5)}, std::pair{"deviation", nlohmann::json(-1)},
        std::pair{"mean", nlohmann::json::array()}}) {
    auto bad = json;
    if (value.is_array()) {
      bad["molecule_scaling"][field] = value;
    } else {
      bad["molecule_scaling"][field].push_back(value);
      bad["molecule_scaling"][field].erase(0);
      if (value == 1.5) bad["molecule_scaling"]["names"].push_back("one more");
    }
    WriteManifest(bad);
    ExpectRefused(absl::StatusCode::kInvalidArgument, "molecule_scaling");
  }
}

TEST_F(BundleTest, BundlesWithoutDescriptorsLoad) {
  test::TinyBundleOptions options;
  options.molecules = true;
  options.features = test::TinyBundleOptions::Features::kCounts;
  ASSERT_OK(test::WriteTinyBundle(directory_, options));
  const auto json = Manifest();
  EXPECT_FALSE(json.contains("molecule_scaling"));
  EXPECT_EQ(json["molecule_featurizer"], "morgan-count-r2-2048");
  EXPECT_EQ(json["molecule_features"], 2048);
  ASSERT_OK(Bundle::Load(directory_));
}

TEST_F(BundleTest, EmbeddingsOfDrugsComeBackToTheBitAndAreChecked) {
  test::TinyBundleOptions options;
  options.molecules = true;
  options.features = test::TinyBundleOptions::Features::kEmbeddings;
  ASSERT_OK(test::WriteTinyBundle(directory_, options));
  const auto bundle = Bundle::Load(directory_);
  ASSERT_OK(bundle);
  const auto& molecules = (*bundle)->reference().molecules;
  ASSERT_EQ(molecules.size(), 2u);
  EXPECT_EQ(molecules.at("unseen"), (std::vector<float>{0.1f, -0.7f, 1, 0, 0.3f, 1}));
  for (const char* table : {"aspirin\t1\t2\n", "aspirin\t1\t2\t3\t4\t5\tnan\n", "aspirin\n"}) {
    std::ofstream(directory_ + "/molecules.tsv") << table;
    auto json = Manifest();
    json["files"]["molecules.tsv"] = {{"sha256", *Sha256OfFile(directory_ + "/molecules.tsv")},
                                      {"size", fs::file_size(directory_ + "/molecules.tsv")}};
    WriteManifest(json);
    ExpectRefused(absl::StatusCode::kInvalidArgument, "molecules.tsv: line 1");
  }
}

TEST_F(BundleTest, KnowsHowGenesWereTrainedAndHowFarTheOthersAre) {
  bundle::Manifest manifest;
  manifest.genes = {"A", "B", "C", "D", "E"};
  manifest.perturbed_only = {"X"};
  manifest.gene_symbols = {{"B", "beta"}};
  manifest.conditions = {"A+ctrl", "A+B", "X+B", "E"};
  manifest.molecules = {{"E", "CCO", {1}}};  // a drug that is called as a gene is
  CsrMatrix network;                         // C <- B, D <- C, E and X alone
  network.rows = network.cols = 6;
  network.indptr = {0, 1, 2, 4, 6, 7, 8};
  network.indices = {0, 1, 1, 2, 2, 3, 4, 5};
  network.values.assign(8, 1.0f);
  const TrainedGenes trained(manifest, network);
  using Training = TrainedGenes::Training;
  EXPECT_EQ(trained.Find("beta"), 1);
  EXPECT_EQ(trained.Find("X"), 5);
  EXPECT_EQ(trained.Find("nobody"), -1);
  EXPECT_EQ(trained.training(0), Training::kSingly);
  EXPECT_EQ(trained.training(1), Training::kInCombination);
  EXPECT_EQ(trained.training(5), Training::kInCombination);
  EXPECT_EQ(trained.training(2), Training::kNever);
  EXPECT_TRUE(trained.Trained({0, 1}));
  EXPECT_FALSE(trained.Trained({1}));
  EXPECT_EQ(trained.hops(1), 0);
  EXPECT_EQ(trained.hops(2), 1);
  EXPECT_EQ(trained.hops(3), 2);
  EXPECT_EQ(trained.name(trained.nearest(3)), "B");
  EXPECT_EQ(trained.hops(4), -1);
  EXPECT_EQ(trained.nearest(4), -1);
}

TEST(FileTest, AbandonedStagesLeaveTheTargetAlone) {
  const test::TempFolder folder;
  ASSERT_OK(WriteFileAtomically(folder.At("a.txt"), "one"));
  {
    StagedPath staged{fs::path(folder.At("a.txt"))};
    std::ofstream(staged.path()) << "two";
  }
  EXPECT_EQ(*ReadFile(folder.At("a.txt")), "one");
  EXPECT_FALSE(ReadFile(folder.At("absent")).ok());
  EXPECT_EQ(Sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(*Sha256OfFile(folder.At("a.txt")), Sha256("one"));
}

}  // namespace
}  // namespace unlasting::bundle
