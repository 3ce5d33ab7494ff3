#include "core/anndata/csc_rows.h"

#include <algorithm>
#include <random>

#include "tests/support/files.h"

namespace unlasting::anndata {
namespace {

constexpr int64_t kRows = 500, kCols = 60;

// Columns with their row indices in no order, some twice.
struct Columns {
  std::vector<int64_t> indptr = {0};
  std::vector<int32_t> indices;
  std::vector<float> values;
  DenseMatrix sum{kRows, kCols};
  int64_t entries_read = 0;

  explicit Columns(uint64_t seed) {
    std::mt19937_64 random(seed);
    for (int64_t column = 0; column < kCols; ++column) {
      const auto count = static_cast<int64_t>(column % 7 == 3 ? 0 : random() % 300);
      for (int64_t k = 0; k < count; ++k) {
        indices.push_back(static_cast<int32_t>(random() % kRows));
        values.push_back(static_cast<float>(1 + random() % 9));
        sum.At(indices.back(), column) += values.back();
      }
      indptr.push_back(static_cast<int64_t>(indices.size()));
    }
  }

  CscRows::Arrays Arrays() {
    CscRows::Arrays arrays;
    arrays.indices = [this](int64_t first, int64_t count) {
      entries_read += count;
      return std::vector<int32_t>(indices.begin() + first, indices.begin() + first + count);
    };
    arrays.values = [this](int64_t first, int64_t count) {
      return std::vector<float>(values.begin() + first, values.begin() + first + count);
    };
    return arrays;
  }
};

TEST(CscRowsTest, WindowsOfAnySizeGiveTheRowsOfUnsortedColumns) {
  for (const int64_t max_held : {int64_t{1}, int64_t{100}, int64_t{2000}, CscRows::kMaxHeld}) {
    Columns columns(3);
    auto csc = CscRows::Open("X", kRows, kCols, columns.indptr, columns.Arrays(), max_held);
    ASSERT_OK(csc);
    for (int64_t first = 0; first < kRows; first += 70) {
      const int64_t count = std::min<int64_t>(70, kRows - first);
      const auto rows = csc->Read(first, count);
      ASSERT_OK(rows);
      const DenseMatrix dense = ToDense(*rows);
      EXPECT_TRUE(std::equal(dense.values.begin(), dense.values.end(),
                             columns.sum.values.begin() + first * kCols))
          << max_held << " held, rows from " << first;
      for (int64_t r = 0; r < count; ++r) {
        const auto in_row = rows->RowIndices(r);
        EXPECT_TRUE(std::is_sorted(in_row.begin(), in_row.end(), std::less_equal<>()));
      }
    }
    // Any order will do, and rows that a window holds are not read again.
    const auto before = columns.entries_read;
    ASSERT_OK(csc->Read(3, 2));
    const auto again = csc->Read(4, 1);
    ASSERT_OK(again);
    EXPECT_EQ(ToDense(*again).At(0, 0), columns.sum.At(4, 0));
    EXPECT_LE(columns.entries_read - before, static_cast<int64_t>(columns.indices.size()));
    EXPECT_EQ(csc->Read(kRows, 0)->rows, 0);
  }
}

TEST(CscRowsTest, OneMorePassForEachWindowAndNoMore) {
  Columns columns(5);
  const auto stored = static_cast<int64_t>(columns.indices.size());
  const int64_t max_held = stored / 4;
  auto csc = CscRows::Open("X", kRows, kCols, columns.indptr, columns.Arrays(), max_held);
  ASSERT_OK(csc);
  for (int64_t row = 0; row < kRows; ++row) ASSERT_OK(csc->Read(row, 1));
  // The count, four windows, and one for what does not come out even.
  EXPECT_LE(columns.entries_read, 6 * stored);
  EXPECT_GE(columns.entries_read, 5 * stored);
}

TEST(CscRowsTest, AnIndexBeyondTheRowsIsNamed) {
  Columns columns(7);
  columns.indices[11] = static_cast<int32_t>(kRows);
  const auto csc = CscRows::Open("layers/counts", kRows, kCols, columns.indptr, columns.Arrays());
  ASSERT_FALSE(csc.ok());
  EXPECT_EQ(csc.status().message(), "layers/counts: found the index 500, expected 0 to 499");
}

}  // namespace
}  // namespace unlasting::anndata
