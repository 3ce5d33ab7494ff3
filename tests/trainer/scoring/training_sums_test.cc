#include "trainer/scoring/training_sums.h"

#include "absl/strings/str_cat.h"
#include "core/evaluate/column_statistics.h"
#include "tests/core/cells/toy_data.h"
#include "tests/support/files.h"

namespace unlasting::trainer {
namespace {

// Rows of `data` that are of the condition and cell type and not left out.
std::vector<int64_t> RowsOf(const cells::Dataset& data, const std::vector<bool>& left_out,
                            const std::string& key, int32_t type) {
  std::vector<int64_t> rows;
  for (int64_t cell = 0; cell < data.n_cells(); ++cell) {
    const bool chosen = data.conditions[data.condition[cell]].Key() == key &&
                        data.cell_type[cell] == type && !left_out[cell];
    if (chosen) rows.push_back(cell);
  }
  return rows;
}

// Hands the values over in blocks of seven rows.
TrainingSums SumsOf(const cells::Dataset& data, const std::vector<bool>& left_out, bool with_dose) {
  TrainingSums sums(data, left_out, data.genes, with_dose);
  for (int64_t first = 0; first < data.n_cells(); first += 7) {
    std::vector<int64_t> rows;
    for (int64_t r = first; r < std::min(first + 7, data.n_cells()); ++r) rows.push_back(r);
    sums.Add(first, SelectRows(data.values, rows));
  }
  return sums;
}

TEST(TrainingSumsTest, BlocksGiveTheShiftsOfTheCellsThatAreNotLeftOut) {
  const cells::Dataset data = test::ToyDataset({"ctrl", "G3+ctrl"}, {"T", "B"}, 20);
  std::vector<bool> left_out(data.n_cells(), false);
  for (int64_t cell = 0; cell < data.n_cells(); cell += 3) left_out[cell] = true;
  const auto shift =
      SumsOf(data, left_out, true).Baselines().MeanShift({"G3+ctrl", {"G3"}, "", {}});
  ASSERT_TRUE(shift);
  const auto mean = [&](const std::string& key, int32_t type) {
    return evaluate::StatisticsOf(SelectRowsDense(data.values, RowsOf(data, left_out, key, type)))
        .mean;
  };
  for (int64_t g = 0; g < data.n_genes(); ++g) {
    double expected = 0;
    for (const int32_t type : {0, 1}) {
      expected += (mean("G3+ctrl", type)[g] - mean("ctrl", type)[g]) / 2;
    }
    EXPECT_NEAR((*shift)[g], expected, 1e-6);
  }
}

TEST(TrainingSumsTest, DosesHaveTheStatisticsOfTheirCells) {
  const cells::Dataset data = test::ToyDataset({"ctrl", "drugA"}, {"T", "B"}, 9);
  std::vector<bool> left_out(data.n_cells(), false);
  for (int64_t cell = 1; cell < data.n_cells(); cell += 4) left_out[cell] = true;
  const auto doses = SumsOf(data, left_out, true).Doses();
  ASSERT_EQ(doses.size(), 3u * 2);
  for (const auto& dose : doses) {
    const auto rows = RowsOf(data, left_out, "drugA@" + absl::StrCat(dose.dose_um) + "uM",
                             dose.cell_type == "T" ? 0 : 1);
    const auto expected = evaluate::StatisticsOf(SelectRowsDense(data.values, rows));
    EXPECT_EQ(dose.drug, "drugA");
    EXPECT_EQ(dose.cells, static_cast<int64_t>(rows.size()));
    for (int64_t g = 0; g < data.n_genes(); ++g) {
      EXPECT_NEAR(dose.statistics.mean[g], expected.mean[g], 1e-12);
      EXPECT_NEAR(dose.statistics.variance[g], expected.variance[g], 1e-12);
      EXPECT_NEAR(dose.statistics.silent_share[g], expected.silent_share[g], 1e-12);
    }
  }
  // Without doses a drug is one condition, which no curve can show.
  EXPECT_TRUE(SumsOf(data, left_out, false).Doses().empty());
}

}  // namespace
}  // namespace unlasting::trainer
