#include "core/cells/log_scale.h"

#include <cmath>
#include <functional>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unlasting::cells {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// Counts of 30 cells, drawn by seed, normalised to `sum` and put through `form`.
CsrMatrix Cells(double sum, const std::function<double(double)>& form, int genes = 50,
                int kept = 50) {
  std::mt19937_64 random(1);
  DenseMatrix cells(30, kept);
  for (int64_t r = 0; r < cells.rows; ++r) {
    std::vector<double> counts(genes);
    double total = 0;
    for (double& count : counts) {
      count = static_cast<double>(random() % 9);
      total += count;
    }
    for (int g = 0; g < kept; ++g) {
      cells.At(r, g) = static_cast<float>(form(counts[g] * sum / total));
    }
  }
  return ToCsr(cells);
}

double Natural(double value) { return std::log1p(value); }
double Binary(double value) { return std::log2(1 + value); }
double Plain(double value) { return value; }

ScaleSample SampleOf(const CsrMatrix& cells) {
  ScaleSample sample(cells.rows);
  sample.Add(0, cells);
  return sample;
}

TEST(LogScaleTest, CellsThatSumToOneNumberTellTheTargetSumAndTheBase) {
  for (const double sum : {101.0, 378.0, 10000.0, 1e6}) {
    const LogScale scale = SampleOf(Cells(sum, Natural)).Decide({});
    EXPECT_EQ(scale.target_sum, sum);
    EXPECT_NEAR(scale.base, 2.718281828, 1e-6);
    EXPECT_THAT(scale.remark, IsEmpty());
    const LogScale binary = SampleOf(Cells(sum, Binary)).Decide({});
    EXPECT_EQ(binary.target_sum, sum);
    EXPECT_EQ(binary.base, 2.0);
    EXPECT_THAT(binary.remark, HasSubstr("base 2"));
  }
}

TEST(LogScaleTest, APartOfTheGenesTellsNothingButWhatTheFileSays) {
  const ScaleSample sample = SampleOf(Cells(1e4, Natural, 50, 20));
  EXPECT_EQ(sample.Decide({}).target_sum, 0);
  EXPECT_EQ(sample.Decide({true, 0, 1e4}).target_sum, 1e4);
  const LogScale binary = SampleOf(Cells(1e4, Binary, 50, 20)).Decide({true, 2, 0});
  EXPECT_EQ(binary.base, 2.0);
  EXPECT_THAT(binary.remark, HasSubstr("base 2 (uns/log1p/base)"));
}

TEST(LogScaleTest, ValuesOutweighAStaleMark) {
  const LogScale scale = SampleOf(Cells(378, Natural)).Decide({true, 2, 1e4});
  EXPECT_EQ(scale.target_sum, 378);
  EXPECT_NEAR(scale.base, 2.718281828, 1e-6);
  EXPECT_THAT(scale.remark, HasSubstr("although uns/log1p/base says 2"));
}

TEST(LogScaleTest, TwoCellsOrCopiesOfOneTellNothing) {
  const CsrMatrix cells = Cells(378, Natural);
  EXPECT_EQ(SampleOf(SelectRows(cells, {0, 1})).Decide({}).target_sum, 0);
  EXPECT_EQ(SampleOf(SelectRows(cells, {4, 4, 4, 4})).Decide({}).target_sum, 0);
}

TEST(LogScaleTest, NormalisedCountsAreToldFromLogarithms) {
  EXPECT_TRUE(SampleOf(Cells(100, Plain)).NormalisedCounts());
  EXPECT_FALSE(SampleOf(Cells(100, Natural)).NormalisedCounts());
  EXPECT_FALSE(SampleOf(Cells(100, Plain, 50, 20)).NormalisedCounts());
}

TEST(LogScaleTest, ValuesThatWereLoggedTwiceAreFound) {
  const auto twice = [](double value) { return std::log1p(std::log1p(value)); };
  EXPECT_TRUE(SampleOf(Cells(1e4, twice)).LoggedTwice());
  EXPECT_FALSE(SampleOf(Cells(1e4, Natural)).LoggedTwice());
  const auto decimal = [](double value) { return std::log10(1 + value); };
  const ScaleSample small = SampleOf(Cells(10, decimal));
  EXPECT_FALSE(small.LoggedTwice());
  EXPECT_EQ(small.Decide({}).base, 10.0);
  EXPECT_FALSE(SampleOf(Cells(1e4, Plain)).LoggedTwice()) << "exp of these is beyond any number";
}

TEST(LogScaleTest, LogarithmsOfCountsThatWereNotNormalisedAreFoundAndTakenBack) {
  const CsrMatrix counts = ToCsr([] {
    DenseMatrix cells(10, 20);
    for (size_t k = 0; k < cells.values.size(); ++k) {
      cells.values[k] = static_cast<float>(k * k * k % 4001);
    }
    return cells;
  }());
  CsrMatrix logged = counts;
  for (float& value : logged.values) value = std::log1p(value);
  EXPECT_TRUE(SampleOf(logged).LoggedCounts());
  EXPECT_THAT(SampleOf(logged).Decide({}).remark, HasSubstr("not normalised"));
  CountsFromLog1p(&logged);
  EXPECT_EQ(logged.values, counts.values);
  EXPECT_FALSE(SampleOf(counts).LoggedCounts()) << "counts are no logarithms";
  EXPECT_FALSE(SampleOf(Cells(378, Natural)).LoggedCounts());
}

TEST(LogScaleTest, RowsOfAllBlocksAreLookedAt) {
  const CsrMatrix cells = Cells(378, Natural);
  ScaleSample sample(cells.rows);
  for (int64_t first = 0; first < cells.rows; first += 7) {
    std::vector<int64_t> rows;
    for (int64_t r = first; r < std::min(first + 7, cells.rows); ++r) rows.push_back(r);
    sample.Add(first, SelectRows(cells, rows));
  }
  EXPECT_EQ(sample.Decide({}).target_sum, 378);
}

TEST(LogConversionTest, TakesAnyScaleToAnyOther) {
  const CsrMatrix expected = Cells(378, Natural);
  for (const bool binary : {false, true}) {
    CsrMatrix values = Cells(1e4, binary ? Binary : Natural);
    LogConversion({binary ? 2.0 : std::exp(1.0), 1e4, ""}, 378).Apply(&values);
    ASSERT_EQ(values.values.size(), expected.values.size());
    for (size_t k = 0; k < expected.values.size(); ++k) {
      EXPECT_NEAR(values.values[k], expected.values[k], 2e-6);
    }
  }
}

TEST(LogConversionTest, WhereNothingIsKnownOrNothingDiffersValuesKeepTheirBits) {
  EXPECT_FALSE(LogConversion().changes());
  EXPECT_FALSE(LogConversion({std::exp(1.0), 0, ""}, 378).changes());
  EXPECT_FALSE(LogConversion({std::exp(1.0), 1e4, ""}, 0).changes());
  EXPECT_FALSE(LogConversion({std::exp(1.0), 10000.01, ""}, 1e4).changes());
  EXPECT_TRUE(LogConversion({std::exp(1.0), 10001, ""}, 1e4).rescales());
}

}  // namespace
}  // namespace unlasting::cells
