// Files in the layout of Cell Ranger, written with h5py by make_tenx.py.
#include <gmock/gmock.h>

#include <cstdlib>

#include "core/anndata/crash_guard.h"
#include "core/anndata/describe.h"
#include "core/anndata/open_reader.h"
#include "core/anndata/warnings.h"
#include "tests/support/files.h"

namespace unlasting::anndata {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TenXH5Test : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new test::TempFolder;
    const std::string command =
        "/usr/bin/python3 tests/core/anndata/make_tenx.py " + folder_->path().string();
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  static void TearDownTestSuite() { delete folder_; }
  TenXH5Test() {
    SetWarningHandler([this](const std::string& message) { warnings_.push_back(message); });
  }
  ~TenXH5Test() override { SetWarningHandler(nullptr); }

  static std::string File(const std::string& name) { return folder_->At(name + ".h5"); }

  static test::TempFolder* folder_;
  std::vector<std::string> warnings_;
};
test::TempFolder* TenXH5Test::folder_ = nullptr;

TEST_F(TenXH5Test, ReadsVersion3AsCellsWithGenes) {
  const auto data = ReadAnnData(File("v3"));
  ASSERT_OK(data);
  EXPECT_EQ(ToDense(std::get<CsrMatrix>(data->x)).values,
            (std::vector<float>{1, 0, 2, 0, 3, 0, 0, 0, 0, 4, 5, 6}));
  EXPECT_THAT(data->obs.index, ElementsAre("a-1", "b-1", "c-1", "d-1"));
  EXPECT_THAT(data->var.index, ElementsAre("G0", "G1", "G1-1"));
  EXPECT_THAT(AsStrings(*data->var.Find("gene_ids")), ElementsAre("E0", "E1", "E2"));
  EXPECT_THAT(AsStrings(*data->var.Find("genome")), ElementsAre("GRCh38", "GRCh38", "GRCh38"));
  EXPECT_THAT(AsStrings(*data->obs.Find("condition")), ElementsAre("ctrl", "K", "K", "ctrl"));
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("left out: 1 of CRISPR Guide Capture"),
                                     HasSubstr("numbered: G1-1")));
}

TEST_F(TenXH5Test, ReadsVersion2AndRangesOfRows) {
  const auto reader = OpenReader(File("v2"));
  ASSERT_OK(reader);
  EXPECT_EQ((*reader)->format(), FileFormat::kTenXH5);
  EXPECT_FALSE((*reader)->Has("raw"));
  const auto rows = (*reader)->ReadRows("X", 1, 3);
  ASSERT_OK(rows);
  EXPECT_EQ(ToDense(*rows).values, (std::vector<float>{0, 3, 0, 7, 0, 0, 0, 0, 4, 5, 6, 9}));
  EXPECT_EQ((*reader)->ReadRows("X", 3, 2).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ((*reader)->ReadMatrix("raw/X").status().code(), absl::StatusCode::kNotFound);
  const auto description = Describe(File("v2"));
  ASSERT_OK(description);
  EXPECT_EQ((*description)["format"], "10x_h5");
  EXPECT_EQ((*description)["x"], "csr");
}

TEST_F(TenXH5Test, RefusesBrokenFilesWithOneLineThatNamesFileAndElement) {
  const auto refusal = [](const std::string& name) {
    const auto data = ReadAnnData(File(name));
    return data.ok() ? "(read)" : std::string(data.status().message());
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"bad_shape", ": matrix/shape: found 3 x 4, expected 4 x 4 (4 features, 4 barcodes)"},
      {"bad_no_shape", ": matrix/shape: is absent, expected two sizes"},
      {"bad_index", ": matrix: found the index 9, expected 0 to 3"},
      {"bad_indptr", ": matrix: indptr must rise from 0 to 8"},
      {"bad_names", ": matrix: found 3 values for 4 features, expected as many"},
      {"bad_types", ": matrix/features/feature_type: found integers, expected strings"},
      {"bad_no_names", ": matrix/features/name: is absent, expected strings"},
      {"bad_genomes", ": found the genomes hg19, mm10, expected one"},
      {"bad_obs", "bad_obs.obs.tsv: has no row for 3 of 4 cells, such as 'b-1'"},
  };
  for (const auto& [name, words] : cases) {
    const std::string message = refusal(name);
    EXPECT_THAT(message, HasSubstr(words)) << name;
    EXPECT_THAT(message, HasSubstr(folder_->path().string())) << name;
    EXPECT_EQ(message.find('\n'), std::string::npos) << name;
  }
}

TEST_F(TenXH5Test, AFileThatCrashesHdf5IsRefusedWhereTheGuardIsOn) {
  GuardAgainstCrashes(true);
  const auto damaged = ReadAnnData(File("bad_heap"));
  const auto good = ReadAnnData(File("v3"));
  GuardAgainstCrashes(false);
  ASSERT_FALSE(damaged.ok());
  EXPECT_THAT(std::string(damaged.status().message()), HasSubstr("HDF5 library crashes"));
  ASSERT_OK(good);
}

}  // namespace
}  // namespace unlasting::anndata
