#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "core/anndata/crash_guard.h"
#include "core/anndata/open_reader.h"
#include "tests/core/anndata/reader_fixture.h"

namespace unlasting::anndata {
namespace {

class BrokenFilesTest : public ReaderFixture {};

TEST_F(BrokenFilesTest, RangesOfRowsOfBrokenMatricesAreRefusedByName) {
  for (const char* name : {"indptr_falls", "indptr_short", "indptr_end", "index_range",
                           "index_negative", "lengths", "strings", "index_fraction", "filter"}) {
    const auto reader = OpenReader(File(std::string("bad_") + name));
    ASSERT_OK(reader);
    const auto rows = (*reader)->ReadRows("X", 0, 4);
    ASSERT_FALSE(rows.ok()) << name;
    EXPECT_NE(rows.status().message().find("h5ad: X"), absl::string_view::npos) << rows.status();
  }
}

TEST_F(BrokenFilesTest, RefusesBrokenFilesWithOneLineThatNamesFileAndElement) {
  struct Case {
    const char* name;
    absl::StatusCode code;
    const char* words;
  };
  using Code = absl::StatusCode;
  for (const Case& broken :
       {Case{"indptr_falls", Code::kInvalidArgument, "X: indptr must rise"},
        Case{"indptr_short", Code::kInvalidArgument, "X: indptr has 3"},
        Case{"indptr_end", Code::kInvalidArgument, "X: indptr must rise"},
        Case{"index_range", Code::kInvalidArgument, "found the index 3"},
        Case{"index_negative", Code::kInvalidArgument, "found the index -1"},
        Case{"lengths", Code::kInvalidArgument, "6 indices for 5 values"},
        Case{"strings", Code::kInvalidArgument, "X/data: found strings, expected numbers"},
        Case{"huge", Code::kInvalidArgument, "X: found 1000000000"},
        Case{"shape", Code::kInvalidArgument, "expected 4 x 3 (4 cells, 3 genes)"},
        Case{"obsm", Code::kInvalidArgument, "obsm/X_pca: found 3 x 2, expected 4 x any"},
        Case{"obsp", Code::kInvalidArgument, "obsp/near: found 4 x 3, expected 4 x 4"},
        Case{"varm", Code::kInvalidArgument, "varm/loadings: found 4 x 2, expected 3 x any"},
        Case{"no_obs", Code::kNotFound, "obs: is absent"},
        Case{"codes", Code::kInvalidArgument, "obs/condition: found the code 7"},
        Case{"column", Code::kInvalidArgument, "obs/whole: has 3 rows"},
        Case{"no_column", Code::kInvalidArgument, "obs/whole: is absent"},
        Case{"promise", Code::kInvalidArgument, "X: found 1000000"},
        Case{
            "filter", Code::kFailedPrecondition,
            "X/data: is compressed with the HDF5 filter 300 (unnamed), which is not installed: set "
            "HDF5_PLUGIN_PATH"},
        Case{"zstd", Code::kInvalidArgument, "X/data: cannot be read; the file is damaged"},
        Case{"lzf", Code::kInvalidArgument, "X/data: cannot be read; the file is damaged"},
        Case{"index_fraction", Code::kInvalidArgument,
             "X/indices: found floats, expected integers"},
        Case{"twice", Code::kInvalidArgument, "names a column twice"},
        Case{"layer", Code::kFailedPrecondition,
             "layers/counts: is compressed with the HDF5 filter 300"},
        Case{"long_column", Code::kInvalidArgument, "obs/text: promises"},
        Case{"chunk_record", Code::kInvalidArgument,
             "X/data: promises 4294967295 stored bytes in a file of "},
        Case{"wide_chunk", Code::kInvalidArgument, "X/data: promises chunks of 2147483648 bytes"},
        Case{"external", Code::kUnimplemented, "lies in another file"},
        Case{"truncated", Code::kInvalidArgument, "truncated or damaged"},
        Case{"text", Code::kInvalidArgument, "is not an HDF5 file"},
        Case{"absent", Code::kNotFound, "no such file or folder"}}) {
    const std::string path = File(std::string("bad_") + broken.name);
    const auto data = ReadAnnData(path);
    ASSERT_FALSE(data.ok()) << broken.name;
    EXPECT_EQ(data.status().code(), broken.code) << data.status();
    const std::string message(data.status().message());
    EXPECT_NE(message.find(broken.words), std::string::npos) << broken.name << ": " << message;
    EXPECT_EQ(message.rfind(path, 0), 0u) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

TEST_F(BrokenFilesTest, AFilterOfAPluginIsNamedWithItsPackageUnlessItIsInstalled) {
  const auto data = ReadAnnData(File("bad_lz4"));
  ASSERT_FALSE(data.ok());
  const std::string message(data.status().message());
  if (absl::IsFailedPrecondition(data.status())) {
    EXPECT_NE(message.find("filter 32004 (lz4), which is not installed: install the Debian package "
                           "hdf5-filter-plugin, or write the file again with gzip"),
              std::string::npos)
        << message;
  } else {
    EXPECT_NE(message.find("X/data: cannot be read; the file is damaged"), std::string::npos)
        << message;
  }
}

TEST_F(BrokenFilesTest, ATableOfCellsIsRefusedBesideOnesOwn) {
  OpenOptions options;
  options.obs_table = "cells.tsv";
  EXPECT_EQ(OpenReader(File("csr"), options).status().message(),
            "cells.tsv: found a table of cells for " + File("csr") +
                ", which holds its own in obs; expected none");
}

TEST_F(BrokenFilesTest, AFileThatCrashesHdf5IsRefusedWhereTheGuardIsOn) {
  GuardAgainstCrashes(true);
  const auto data = ReadAnnData(File("bad_heap"));
  const auto good = ReadAnnData(File("csr"));
  GuardAgainstCrashes(false);
  EXPECT_EQ(data.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(data.status().message().find("HDF5 library crashes"), absl::string_view::npos);
  ASSERT_OK(good);
}

TEST_F(BrokenFilesTest, AFileThatMakesHdf5AskForMuchMemoryIsRefusedWhereTheGuardIsOn) {
  GuardAgainstCrashes(true);
  const auto data = ReadAnnData(File("bad_long_string"));
  GuardAgainstCrashes(false);
  EXPECT_EQ(data.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(data.status().message().find("bad_long_string.h5ad: the HDF5 file is damaged: the HDF5 "
                                         "library "),
            absl::string_view::npos)
      << data.status();
}

TEST_F(BrokenFilesTest, AChildOfTheGuardHasLimitedMemory) {
  GuardAgainstCrashes(true);
  const absl::Status limited = SurvivesInChild(File("csr"), [] {
    void* const memory = std::malloc(size_t{8} << 30);
    std::free(memory);
    return memory == nullptr ? ChildFinding::kLacksMemory : ChildFinding::kReadable;
  });
  GuardAgainstCrashes(false);
  EXPECT_NE(limited.message().find("csr.h5ad: the HDF5 file is damaged: the HDF5 library asks for "
                                   "more than 2"),
            absl::string_view::npos)
      << limited;
}

TEST_F(BrokenFilesTest, AChildThatDiesIsAnErrorAndOneThatLivesIsNot) {
  const auto abort = []() -> ChildFinding { std::abort(); };
  EXPECT_TRUE(SurvivesInChild("x", abort).ok()) << "the guard is off";
  GuardAgainstCrashes(true);
  EXPECT_TRUE(SurvivesInChild("x", [] { return ChildFinding::kReadable; }).ok());
  const absl::Status interrupted = SurvivesInChild("x.h5ad", []() -> ChildFinding {
    std::raise(SIGINT);
    return ChildFinding::kReadable;
  });
  EXPECT_EQ(interrupted.code(), absl::StatusCode::kCancelled) << "Ctrl-C reaches the child too";
  const absl::Status crashed = SurvivesInChild("x.h5ad", abort);
  GuardAgainstCrashes(false);
  EXPECT_EQ(crashed.code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(BrokenFilesTest, EveryTruncationIsAnErrorNeverACrash) {
  std::ifstream stream(File("csr"), std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(stream)), {});
  ASSERT_GT(whole.size(), 997u);
  for (size_t size = 0; size < whole.size(); size += 997) {
    std::ofstream(folder_->At("cut.h5ad"), std::ios::binary) << whole.substr(0, size);
    EXPECT_FALSE(ReadAnnData(folder_->At("cut.h5ad")).ok()) << size;
  }
}

}  // namespace
}  // namespace unlasting::anndata
