// MTX folders, read through Reader and, for the windows, through MtxRows.
#include <gmock/gmock.h>
#include <zlib.h>

#include <random>

#include "core/anndata/describe.h"
#include "core/anndata/mtx_rows.h"
#include "core/anndata/open_reader.h"
#include "core/anndata/warnings.h"
#include "tests/support/files.h"

namespace unlasting::anndata {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kHeader[] = "%%MatrixMarket matrix coordinate integer general\n%metadata\n";
// [features, cells], sorted by cell: cell a has G0=1 and G2=2, b has G1=3, c nothing, d 4, 5, 6.
constexpr char kEntries[] = "3 4 6\n1 1 1\n3 1 2\n2 2 3\n1 4 4\n2 4 5\n3 4 6\n";
const std::vector<float> kExpected = {1, 0, 2, 0, 3, 0, 0, 0, 0, 4, 5, 6};

class MtxTest : public ::testing::Test {
 protected:
  MtxTest() {
    SetWarningHandler([this](const std::string& message) { warnings_.push_back(message); });
    Write("matrix.mtx", std::string(kHeader) + kEntries);
    Write("barcodes.tsv", "a\nb\nc\nd\n");
    Write("features.tsv",
          "E0\tG0\tGene Expression\nE1\tG1\tGene Expression\nE2\tG2\tGene Expression\n");
    Write("obs.tsv", "barcode\tcondition\na\tctrl\nb\tK\nc\tK\nd\tctrl\n");
  }
  ~MtxTest() override { SetWarningHandler(nullptr); }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_.At(name), std::ios::binary) << text;
  }
  void Remove(const std::string& name) { std::filesystem::remove(folder_.At(name)); }
  std::string Folder() const { return folder_.path().string(); }

  std::vector<float> Values(const std::string& path) {
    const auto data = ReadAnnData(path);
    EXPECT_TRUE(data.ok()) << data.status();
    return data.ok() ? ToDense(std::get<CsrMatrix>(data->x)).values : std::vector<float>();
  }
  std::string Refusal() {
    const auto data = ReadAnnData(Folder());
    if (data.ok()) return "(read)";
    EXPECT_EQ(data.status().message().find('\n'), absl::string_view::npos) << data.status();
    return std::string(data.status().message());
  }

  test::TempFolder folder_;
  std::vector<std::string> warnings_;
};

TEST_F(MtxTest, ReadsCellsGenesAndTheTableBesideThem) {
  const auto data = ReadAnnData(Folder());
  ASSERT_OK(data);
  EXPECT_EQ(ToDense(std::get<CsrMatrix>(data->x)).values, kExpected);
  EXPECT_THAT(data->obs.index, ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(data->var.index, ElementsAre("G0", "G1", "G2"));
  EXPECT_THAT(AsStrings(*data->var.Find("gene_ids")), ElementsAre("E0", "E1", "E2"));
  EXPECT_THAT(AsStrings(*data->obs.Find("condition")), ElementsAre("ctrl", "K", "K", "ctrl"));
  EXPECT_THAT(warnings_, ::testing::IsEmpty());
  const auto description = Describe(Folder());
  ASSERT_OK(description);
  EXPECT_EQ((*description)["format"], "mtx");
  EXPECT_EQ((*description)["conditions"]["K"], 2);
}

TEST_F(MtxTest, ReadsGzipPrefixesGenesTsvAndCellsByRow) {
  Remove("matrix.mtx");
  Remove("features.tsv");
  std::filesystem::rename(folder_.At("barcodes.tsv"), folder_.At("GSM1_barcodes.tsv"));
  Write("GSM1_genes.tsv", "E0\tG0\nE1\tG1\nE2\tG2\n");
  gzFile file = gzopen(folder_.At("GSM1_matrix.mtx.gz").c_str(), "wb");
  gzputs(file,
         "%%MatrixMarket matrix coordinate real general\n"
         "4 3 6\n1 1 1\n1 3 2.0\n2 2 3e0\n4 1 4\n4 2 5\n4 3 6\n");
  gzclose(file);
  EXPECT_EQ(Values(Folder()), kExpected);
  EXPECT_EQ(Values(folder_.At("GSM1_matrix.mtx.gz")), kExpected);
}

TEST_F(MtxTest, ANamedTableGoesBeforeTheOneBesideTheData) {
  Write("mine.csv", "cell,cell_type\na,T\nb,B\nc,T\nd,T\n");
  OpenOptions options;
  options.obs_table = folder_.At("mine.csv");
  const auto reader = OpenReader(Folder(), options);
  ASSERT_OK(reader);
  const auto obs = (*reader)->ReadObs();
  ASSERT_OK(obs);
  EXPECT_EQ(obs->Find("condition"), nullptr);
  EXPECT_THAT(AsStrings(*obs->Find("cell_type")), ElementsAre("T", "B", "T", "T"));
}

TEST_F(MtxTest, LeavesOutOtherFeaturesAndNumbersSharedSymbolsWithAWarning) {
  Write("features.tsv",
        "E0\tG\tGene Expression\nE1\tanti-CD3\tAntibody Capture\nE2\tG\tGene Expression\n");
  const auto data = ReadAnnData(Folder());
  ASSERT_OK(data);
  EXPECT_THAT(data->var.index, ElementsAre("G", "G-1"));
  EXPECT_EQ(ToDense(std::get<CsrMatrix>(data->x)).values,
            (std::vector<float>{1, 2, 0, 0, 0, 0, 4, 6}));
  ASSERT_EQ(warnings_.size(), 2u);
  EXPECT_THAT(warnings_[0], HasSubstr("left out: 1 of Antibody Capture"));
  EXPECT_THAT(warnings_[1], HasSubstr("share their symbol with another and are numbered: G-1"));
}

TEST_F(MtxTest, SaysWhereAnnotationsWouldBeReadFrom) {
  Remove("obs.tsv");
  ASSERT_OK(ReadAnnData(Folder()));
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_THAT(warnings_[0], HasSubstr("obs.tsv, with the barcode in the first column"));
}

TEST_F(MtxTest, RefusesABrokenMatrixWithOneLineThatNamesFileAndPlace) {
  const auto refusal = [this](const std::string& text) {
    Write("matrix.mtx", text);
    return Refusal();
  };
  const std::string header = kHeader;
  EXPECT_THAT(refusal(""), HasSubstr("matrix.mtx: line 1: found '', expected '%%MatrixMarket"));
  EXPECT_THAT(refusal("%%MatrixMarket matrix array real general\n"), HasSubstr("found '%%Matrix"));
  EXPECT_THAT(refusal("%%MatrixMarket matrix coordinate complex general\n"), HasSubstr("line 1"));
  EXPECT_THAT(refusal(header), HasSubstr("expected the numbers of rows, columns and entries"));
  EXPECT_THAT(refusal(header + "3 4\n"), HasSubstr("line 3: found '3 4', expected the numbers"));
  EXPECT_THAT(refusal(header + "3 99999999999 1\n"), HasSubstr("expected the numbers of rows"));
  EXPECT_THAT(refusal(header + "3 5 0\n"),
              HasSubstr("found 3 x 5, expected 3 x 4 (3 features, 4 barcodes"));
  EXPECT_THAT(refusal(header + "3 4 1\n4 1 1\n"),
              HasSubstr("line 4: found the entry 4, 1, expected 1 to 3 and 1 to 4"));
  EXPECT_THAT(refusal(header + "3 4 1\n0 1 1\n"), HasSubstr("found the entry 0, 1"));
  EXPECT_THAT(refusal(header + "3 4 1\n1 1\n"), HasSubstr("expected a row, a column and a value"));
  EXPECT_THAT(refusal(header + "3 4 1\n1 1 x\n"), HasSubstr("line 4: found '1 1 x'"));
  EXPECT_THAT(refusal(header + "3 4 1\n1 1 1e300\n"), HasSubstr("line 4: found '1 1 1e300'"));
  EXPECT_THAT(refusal(header + "3 4 2\n1 1 1\n"), HasSubstr("found 1 entries, expected 2"));
  EXPECT_THAT(refusal(header + "3 4 1\n1 1 1\n1 2 1\n"), HasSubstr("found more entries than"));
}

TEST_F(MtxTest, RefusesAFolderThatLacksOrMixesItsFiles) {
  Write("features.tsv", "E0\tG0\nE1\n");
  EXPECT_THAT(Refusal(), HasSubstr("features.tsv: line 2: found 1 fields, expected 2"));
  Remove("features.tsv");
  EXPECT_THAT(Refusal(), HasSubstr("features.tsv or genes.tsv (or .gz) beside it, found neither"));
  Remove("matrix.mtx");
  EXPECT_THAT(Refusal(), HasSubstr("is a folder without matrix.mtx or matrix.mtx.gz"));
  Write("A_matrix.mtx", kHeader);
  Write("B_matrix.mtx", kHeader);
  EXPECT_THAT(Refusal(), HasSubstr("found the matrices A_matrix.mtx, B_matrix.mtx, expected one"));
  Remove("A_matrix.mtx");
  Remove("B_matrix.mtx");
  Write("zarr.json", "{}");
  EXPECT_THAT(Refusal(), HasSubstr("is a Zarr store"));
}

// Random entries, some of them twice.
struct RandomMatrix {
  explicit RandomMatrix(bool sorted) {
    std::mt19937 random(7);
    std::vector<std::array<int, 3>> entries;
    for (int k = 0; k < 2000; ++k) {
      entries.push_back({static_cast<int>(random() % 300), static_cast<int>(random() % 20),
                         static_cast<int>(random() % 9 + 1)});
    }
    if (sorted) std::sort(entries.begin(), entries.end());
    dense = DenseMatrix(300, 20);
    text = absl::StrCat(kHeader, "20 300 ", entries.size(), "\n");
    for (const auto& [cell, feature, value] : entries) {
      dense.At(cell, feature) += static_cast<float>(value);
      absl::StrAppend(&text, feature + 1, " ", cell + 1, " ", value, "\n");
    }
  }
  DenseMatrix dense;
  std::string text;
};

TEST_F(MtxTest, RangesOfRowsMakeUpTheMatrixWhateverTheOrderOfTheEntries) {
  for (const bool sorted : {true, false}) {
    const RandomMatrix matrix(sorted);
    Write("m.mtx", matrix.text);
    auto stream = MtxStream::Open(folder_.At("m.mtx"));
    ASSERT_OK(stream);
    constexpr int64_t kFewHeld = 150;  // of an unsorted file: about 22 rows
    MtxRows rows(*std::move(stream), folder_.At("m.mtx"), /*by_row=*/false, kFewHeld);
    const auto expect = [&](int64_t first, int64_t count) {
      const auto part = rows.Read(first, count);
      ASSERT_OK(part);
      const auto begin = matrix.dense.values.begin() + first * 20;
      EXPECT_EQ(ToDense(*part).values, std::vector<float>(begin, begin + count * 20)) << first;
    };
    for (int64_t first = 0; first < 300; first += 7)
      expect(first, std::min<int64_t>(7, 300 - first));
    expect(120, 3);  // back
    expect(120, 3);  // the same again
    expect(299, 1);
    expect(0, 300);
    EXPECT_EQ(rows.Read(5, 0)->rows, 0);
    const bool warned = !warnings_.empty();
    EXPECT_EQ(warned, !sorted);
  }
  EXPECT_THAT(warnings_[0], HasSubstr("is not sorted by cell, and is read once for every 150 of"));
}

}  // namespace
}  // namespace unlasting::anndata
