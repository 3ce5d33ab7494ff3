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
  file.seekp(500);
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
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "found 99, expected 1");

  json = good;
  json["genes"] = "many";
  WriteManifest(json);
  ExpectRefused(absl::StatusCode::kInvalidArgument, "manifest.json");

  json = good;
  json["genes"][1] = json["genes"][0];
  WriteManifest(json);
  ExpectRefused(absl::StatusCode::kInvalidArgument, "gene_hash");

  json = good;
  json["normalisation"]["x_max"] = 0;
  WriteManifest(json);
  ExpectRefused(absl::StatusCode::kInvalidArgument, "x_max");

  json = good;
  json["model"]["dim"] = 16;
  WriteManifest(json);
  ExpectRefused(absl::StatusCode::kInvalidArgument, "absent or of another shape");

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
