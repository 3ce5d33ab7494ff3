// A screen's table, as people and spreadsheets write it.
#include "client/screen/screen_table.h"

#include "gmock/gmock.h"
#include "tests/support/files.h"

namespace unlasting::client {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

ScreenTable Parsed(const std::string& bytes, const std::vector<std::string>& doses = {}) {
  const auto table = ParseScreenTable(bytes, doses);
  EXPECT_TRUE(table.ok()) << table.status();
  return table.ok() ? *table : ScreenTable();
}

TEST(ScreenTable, HoldsGenesAndMolecules) {
  const ScreenTable table = Parsed(
      "# a screen\ngene\tsmiles\tdose\tnote\nSTAT1\nA+ctrl\t\t\tone\nA+B\r\n\n\tCCO\t0.2uM\n");
  EXPECT_THAT(table.bad, IsEmpty());
  ASSERT_THAT(table.rows, SizeIs(4));
  EXPECT_EQ(table.rows[1].perturbation.genes().genes_size(), 1);
  EXPECT_EQ(table.rows[2].perturbation.genes().genes(1), "B");
  EXPECT_EQ(table.rows[2].line, 5);
  EXPECT_EQ(table.rows[3].perturbation.molecule().smiles(), "CCO");
  EXPECT_NEAR(table.rows[3].perturbation.molecule().dose().value(), 0.2, 1e-9);
}

TEST(ScreenTable, ColumnsMayBeInAnyCaseAndNamesAreKept) {
  const ScreenTable table = Parsed("Name\tSMILES\tDose\nethanol\tCCO\t1uM\n");
  ASSERT_THAT(table.rows, SizeIs(1));
  EXPECT_EQ(table.rows[0].name, "ethanol");
  EXPECT_EQ(table.rows[0].text, "ethanol\tCCO\t1uM");
}

TEST(ScreenTable, IsReadInEveryEncodingOfSpreadsheets) {
  EXPECT_EQ(Parsed("\xEF\xBB\xBFgene\nSTAT1\n").rows.size(), 1u);
  EXPECT_EQ(Parsed("gene\rSTAT1\rJAK2\r").rows.size(), 2u);
  const std::string utf16("\xFF\xFEg\0e\0n\0e\0\n\0A\0\n\0", 16);
  const ScreenTable wide = Parsed(utf16);
  ASSERT_THAT(wide.rows, SizeIs(1));
  EXPECT_EQ(wide.rows[0].perturbation.genes().genes(0), "A");
  const ScreenTable latin = Parsed("gene\tname\nA\tM\xE9ni\xE8re\n");
  ASSERT_THAT(latin.rows, SizeIs(1));
  EXPECT_EQ(latin.rows[0].name, "M\xC3\xA9ni\xC3\xA8re");
  ASSERT_THAT(latin.notes, SizeIs(1));
  EXPECT_THAT(latin.notes[0], HasSubstr("line 2"));
}

TEST(ScreenTable, CommasAndSemicolonsSeparateWhereTabsDoNot) {
  const ScreenTable commas = Parsed("molecule,dose\n\"tumour, necrosis\",\"1uM,2uM\"\n");
  ASSERT_THAT(commas.rows, SizeIs(2));
  EXPECT_EQ(commas.rows[1].perturbation.molecule().name(), "tumour, necrosis");
  EXPECT_EQ(commas.rows[1].perturbation.molecule().dose().value(), 2);
  EXPECT_EQ(commas.rows[1].line, 2);
  EXPECT_EQ(Parsed("gene;name\nA;x\n").rows[0].name, "x");
}

TEST(ScreenTable, DosesMakeAGrid) {
  const ScreenTable table = Parsed("smiles\tgene\tdose\nCCO\nCC\t\t5uM\n\tA\n", {"0.1uM,1uM"});
  ASSERT_THAT(table.rows, SizeIs(4));
  EXPECT_EQ(table.rows[0].perturbation.molecule().dose().value(), 0.1);
  EXPECT_EQ(table.rows[1].perturbation.molecule().dose().value(), 1);
  EXPECT_EQ(table.rows[2].perturbation.molecule().dose().value(), 5);
  EXPECT_TRUE(table.rows[3].perturbation.has_genes());
  EXPECT_NE(table.rows[0].key, table.rows[1].key);
}

TEST(ScreenTable, KeysAreOfWhatIsAskedForAndNotOfItsPlace) {
  const ScreenTable one = Parsed("gene\tname\nA\nB\nA\n");
  const ScreenTable other = Parsed("name\tgene\nfirst\tB\n\n\tA\n");
  EXPECT_EQ(one.rows[0].key, other.rows[1].key);
  EXPECT_EQ(one.rows[1].key, other.rows[0].key);
  EXPECT_NE(one.rows[0].key, one.rows[2].key) << "equal rows are numbered";
}

TEST(ScreenTable, BadRowsAreListedWithTheirLinesAndTheOthersGoOn) {
  const ScreenTable table =
      Parsed("gene\tsmiles\tdose\nA\nB++C\n\tCCO\n\tCCO\t1\nA\tCCO\t1uM\nA\t\t\t\tmore\nD\n");
  ASSERT_THAT(table.rows, SizeIs(2));
  EXPECT_EQ(table.rows[1].line, 8);
  ASSERT_THAT(table.bad, SizeIs(5));
  EXPECT_EQ(table.bad[0].line, 3);
  EXPECT_EQ(table.bad[0].reason, "INVALID_ROW");
  EXPECT_THAT(table.bad[0].message, HasSubstr("B++C"));
  EXPECT_THAT(table.bad[1].message, HasSubstr("dose"));
  EXPECT_THAT(table.bad[2].message, HasSubstr("unit"));
  EXPECT_THAT(table.bad[3].message, HasSubstr("one of"));
  EXPECT_THAT(table.bad[4].message, HasSubstr("5 columns"));
}

TEST(ScreenTable, WithoutAKnownColumnOrARowItIsRefused) {
  const auto message = [](const std::string& text) {
    const auto table = ParseScreenTable(text);
    EXPECT_EQ(table.status().code(), absl::StatusCode::kInvalidArgument) << text;
    return std::string(table.status().message());
  };
  EXPECT_THAT(message("compound\nSTAT1\n"), HasSubstr("line 1"));
  EXPECT_THAT(message("genes\nSTAT1\n"), HasSubstr("did you mean 'gene'?"));
  EXPECT_THAT(message("gene\n"), HasSubstr("found no row"));
  EXPECT_THAT(message(""), HasSubstr("found no row"));
}

}  // namespace
}  // namespace unlasting::client
