#include "core/anndata/cell_table.h"

#include <gmock/gmock.h>
#include <zlib.h>

#include <cmath>

#include "tests/support/files.h"

namespace unlasting::anndata {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CellTableTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_.At(name), std::ios::binary) << text;
    return folder_.At(name);
  }
  std::string Refusal(const std::string& text) {
    const auto frame = ReadCellTable(Write("obs.tsv", text), {"a", "b"});
    return frame.ok() ? "(read)" : std::string(frame.status().message());
  }

  test::TempFolder folder_;
};

TEST_F(CellTableTest, RowsAreMatchedByBarcodeAndOthersPassedOver) {
  const auto path = Write("obs.tsv", "barcode\tcondition\nb\tK\nz\tL\na\tctrl\n");
  const auto frame = ReadCellTable(path, {"a", "b"});
  ASSERT_OK(frame);
  EXPECT_THAT(frame->index, ElementsAre("a", "b"));
  ASSERT_NE(frame->Find("condition"), nullptr);
  EXPECT_THAT(AsStrings(*frame->Find("condition")), ElementsAre("ctrl", "K"));
  EXPECT_EQ(frame->columns.size(), 1u);
}

TEST_F(CellTableTest, ReadsWhatRAndSpreadsheetsWrite) {
  // R leaves the name of the first column out and quotes; spreadsheets write CSV, a byte order mark
  // and carriage returns.
  const auto r =
      ReadCellTable(Write("r.txt", "\"condition\"\t\"n\"\n\"a\"\t\"x \"\"y\"\"\"\t1\n"), {"a"});
  ASSERT_OK(r);
  EXPECT_THAT(AsStrings(*r->Find("condition")), ElementsAre("x \"y\""));
  const auto csv = ReadCellTable(Write("s.csv",
                                       "\xEF\xBB\xBF"
                                       "cell,condition\r\na,\"x, y\"\r\nb,z\r\n"),
                                 {"a", "b"});
  ASSERT_OK(csv);
  EXPECT_THAT(AsStrings(*csv->Find("condition")), ElementsAre("x, y", "z"));
}

TEST_F(CellTableTest, ReadsGzipAndNoticesWhereItWasCut) {
  const std::string path = folder_.At("obs.tsv.gz");
  gzFile file = gzopen(path.c_str(), "wb");
  gzputs(file, "barcode\tcondition\n");
  for (int k = 0; k < 5000; ++k) gzputs(file, ("cell" + std::to_string(k * k) + "\tK\n").c_str());
  gzclose(file);
  ASSERT_OK(ReadCellTable(path, {"cell1", "cell24990001"}));
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  const auto cut = ReadCellTable(path, {"cell1"});
  ASSERT_FALSE(cut.ok());
  EXPECT_THAT(std::string(cut.status().message()), HasSubstr("damaged or was cut"));
}

TEST_F(CellTableTest, ColumnsOfNumbersAreNumbersWithTheirGaps) {
  const auto frame = ReadCellTable(
      Write("obs.tsv", "b\twhole\tpart\ttext\tempty\na\t1\t0.5\t1x\t\nb\t2\tNA\t2\tNA\n"),
      {"a", "b"});
  ASSERT_OK(frame);
  EXPECT_STREQ(KindName(*frame->Find("whole")), "integer");
  ASSERT_STREQ(KindName(*frame->Find("part")), "float");
  EXPECT_TRUE(std::isnan(std::get<std::vector<double>>(*frame->Find("part"))[1]));
  EXPECT_STREQ(KindName(*frame->Find("text")), "string");
  EXPECT_THAT(AsStrings(*frame->Find("empty")), ElementsAre("", "NA"));
}

TEST_F(CellTableTest, RefusesWithOneLineThatNamesTableAndPlace) {
  EXPECT_THAT(Refusal(""), HasSubstr("obs.tsv: is empty, expected a header line"));
  EXPECT_THAT(Refusal("b\tc\na\tK\nb\n"), HasSubstr("line 3: found 1 fields, expected 2"));
  EXPECT_THAT(Refusal("b\tc\na\tK\na\tL\n"), HasSubstr("line 3: found the barcode 'a' a second"));
  EXPECT_THAT(Refusal("b\tc\tc\na\tK\tL\n"), HasSubstr("found the column 'c' twice"));
  EXPECT_THAT(Refusal("b\tc\na\t\"K\n"), HasSubstr("line 2: found a quote that is not closed"));
  EXPECT_THAT(Refusal("b\tc\na-1\tK\nb-1\tL\n"),
              HasSubstr("has no row for 2 of 2 cells, such as 'a'; expected one row per barcode, "
                        "with the barcode in the first column (found 'a-1')"));
  EXPECT_THAT(Refusal("b\tc\n" + std::string(1 << 21, 'x')), HasSubstr("is longer than"));
  const auto twice = ReadCellTable(Write("obs.tsv", "b\tc\na\tK\n"), {"a", "a"});
  ASSERT_FALSE(twice.ok());
  EXPECT_THAT(std::string(twice.status().message()), HasSubstr("belongs to several cells"));
}

TEST_F(CellTableTest, FindsTheOneTableBesideTheData) {
  const std::string prefix = folder_.path().string() + "/";
  EXPECT_EQ(*FindCellTable(prefix), "");
  Write("metadata.csv.gz", "x");
  EXPECT_EQ(*FindCellTable(prefix), prefix + "metadata.csv.gz");
  Write("obs.tsv", "x");
  const auto two = FindCellTable(prefix);
  ASSERT_FALSE(two.ok());
  EXPECT_THAT(std::string(two.status().message()), HasSubstr("found a second table of cells"));
}

}  // namespace
}  // namespace unlasting::anndata
