#include "core/anndata/writer.h"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "core/anndata/open_reader.h"
#include "core/base/file.h"
#include "tests/support/files.h"

namespace unlasting::anndata {
namespace {

AnnData SmallData() {
  AnnData data;
  DenseMatrix x(2, 3);
  x.values = {1, 0, 2, 0, 3, 0};
  data.x = ToCsr(x);
  data.obs.index = {"a", "b"};
  data.var.index = {"G0", "G1", "G2"};
  data.obs.Set("condition", Categorical{{0, -1}, {"ctrl", "K"}, false});
  data.obs.Set("text", std::vector<std::string>{"x", "\u00e9"});
  data.obs.Set("number", std::vector<double>{0.5, -1});
  data.obs.Set("whole", std::vector<int64_t>{7, 8});
  data.obs.Set("flag", std::vector<bool>{true, false});
  DenseMatrix twice = x;
  for (float& value : twice.values) value *= 2;
  data.layers["dense"] = twice;
  data.varm["loadings"] = DenseMatrix(3, 2);
  CsrMatrix network;
  network.rows = network.cols = 3;
  network.indptr = {0, 1, 1, 1};
  network.indices = {2};
  network.values = {1};
  data.varp["network"] = network;
  data.uns = {{"nested", {{"word", "w"}, {"list", {1, 2}}}},
              {"flag", true},
              {"scalar", 2.5},
              {"names", {"p", "q"}}};
  return data;
}

TEST(WriterTest, AnndataOpensWhatIsWritten) {
  const test::TempFolder folder;
  ASSERT_OK(WriteAnnData(SmallData(), folder.At("small.h5ad")));
  const std::string command =
      "/usr/bin/python3 tests/core/anndata/read_back.py " + folder.At("small.h5ad");
  EXPECT_EQ(std::system(command.c_str()), 0);
}

TEST(WriterTest, RoundTripsThroughTheReader) {
  const test::TempFolder folder;
  const AnnData data = SmallData();
  for (const int level : {0, 9}) {
    WriteOptions options;
    options.gzip_level = level;
    ASSERT_OK(WriteAnnData(data, folder.At("small.h5ad"), options));
    const auto read = ReadAnnData(folder.At("small.h5ad"));
    ASSERT_OK(read);
    EXPECT_EQ(std::get<CsrMatrix>(read->x).values, std::get<CsrMatrix>(data.x).values);
    EXPECT_EQ(read->obs.index, data.obs.index);
    ASSERT_EQ(read->obs.columns.size(), data.obs.columns.size());
    for (size_t k = 0; k < data.obs.columns.size(); ++k) {
      EXPECT_EQ(read->obs.columns[k].first, data.obs.columns[k].first);
      EXPECT_EQ(AsStrings(read->obs.columns[k].second), AsStrings(data.obs.columns[k].second));
    }
    EXPECT_EQ(read->uns, data.uns);
  }
}

TEST(WriterTest, WritesDataWithoutCellsAndWithoutValues) {
  const test::TempFolder folder;
  AnnData data;
  CsrMatrix none;
  none.rows = 2;
  none.cols = 1;
  none.indptr = {0, 0, 0};
  data.x = none;
  data.obs.index = {"a", "b"};
  data.var.index = {"G0"};
  ASSERT_OK(WriteAnnData(data, folder.At("silent.h5ad")));
  EXPECT_EQ(Rows(ReadAnnData(folder.At("silent.h5ad"))->x), 2);
  data.x = DenseMatrix(0, 1);
  data.obs.index.clear();
  ASSERT_OK(WriteAnnData(data, folder.At("empty.h5ad")));
  EXPECT_EQ(Rows(ReadAnnData(folder.At("empty.h5ad"))->x), 0);
}

TEST(WriterTest, RefusesShapesThatDisagreeAndLeavesNothingBehind) {
  const test::TempFolder folder;
  AnnData data = SmallData();
  data.obs.index.push_back("c");
  EXPECT_EQ(WriteAnnData(data, folder.At("bad.h5ad")).code(), absl::StatusCode::kInvalidArgument);
  data = SmallData();
  data.layers["dense"] = DenseMatrix(2, 2);
  EXPECT_EQ(WriteAnnData(data, folder.At("bad.h5ad")).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_FALSE(WriteAnnData(SmallData(), folder.At("no/such/folder.h5ad")).ok());
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(WriterTest, RefusesArraysThatBreakTheInvariantsOfTheirMatrix) {
  const test::TempFolder folder;
  const auto refused = [&](const AnnData& data) {
    return WriteAnnData(data, folder.At("bad.h5ad")).code() == absl::StatusCode::kInvalidArgument;
  };
  AnnData data = SmallData();
  std::get<CsrMatrix>(data.x).indices[1] = 3;
  EXPECT_TRUE(refused(data));
  data = SmallData();
  std::get<CsrMatrix>(data.x).indptr = {0, 9, 3};
  EXPECT_TRUE(refused(data));
  data = SmallData();
  std::get<DenseMatrix>(data.layers["dense"]).values.pop_back();
  EXPECT_TRUE(refused(data));
  data = SmallData();
  data.obs.Set("condition", Categorical{{0, 2}, {"ctrl", "K"}, false});
  EXPECT_TRUE(refused(data));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(WriterTest, RefusesNamesThatHdf5CannotHold) {
  const test::TempFolder folder;
  for (const std::string name : {"", ".", "a/b", "_index"}) {
    AnnData data = SmallData();
    data.obs.Set(name, std::vector<int64_t>{1, 2});
    EXPECT_EQ(WriteAnnData(data, folder.At("bad.h5ad")).code(), absl::StatusCode::kInvalidArgument)
        << name;
  }
  AnnData data = SmallData();
  data.uns["a/b"] = 1;
  EXPECT_EQ(WriteAnnData(data, folder.At("bad.h5ad")).code(), absl::StatusCode::kInvalidArgument);
}

// read_back.py asserts that no dataset carries its creation time.
TEST(WriterTest, TheSameDataGiveTheSameBytes) {
  const test::TempFolder folder;
  ASSERT_OK(WriteAnnData(SmallData(), folder.At("a.h5ad")));
  ASSERT_OK(WriteAnnData(SmallData(), folder.At("b.h5ad")));
  EXPECT_EQ(*ReadFile(folder.At("a.h5ad")), *ReadFile(folder.At("b.h5ad")));
}

// A limit on file size stands in for a full disk.
TEST(WriterTest, AFullDiskIsAStatusAndLeavesTheOldFile) {
  const test::TempFolder folder;
  const std::string path = folder.At("data.h5ad");
  ASSERT_OK(WriteAnnData(SmallData(), path));
  const std::string before = *ReadFile(path);
  EXPECT_EXIT(
      {
        std::signal(SIGXFSZ, SIG_IGN);
        rlimit limit;
        limit.rlim_cur = limit.rlim_max = 2000;
        setrlimit(RLIMIT_FSIZE, &limit);
        _exit(WriteAnnData(SmallData(), path).code() == absl::StatusCode::kResourceExhausted ? 0
                                                                                             : 1);
      },
      ::testing::ExitedWithCode(0), "");
  EXPECT_EQ(*ReadFile(path), before);
}

}  // namespace
}  // namespace unlasting::anndata
