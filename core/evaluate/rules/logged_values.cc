#include "core/evaluate/rules/logged_values.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/evaluate/rules/float_log1p.h"

namespace unlasting::evaluate::rules {
namespace {

constexpr float kFraction = 1e-3f;
constexpr float kMaxLogged = 15;

struct Largest {
  float value = 0;
  int64_t cell = 0;
  int32_t gene = 0;
};

absl::Status Wrong(const CellTable& table, const Largest& at, const char* expected) {
  return absl::InvalidArgumentError(absl::StrCat(table.name, ": X: found ", at.value, " in cell ",
                                                 at.cell, " (counted from 0), gene ",
                                                 table.genes[at.gene], ", expected ", expected));
}

float Median(std::vector<float> totals) {
  totals.erase(std::remove(totals.begin(), totals.end(), 0.0f), totals.end());
  if (totals.empty()) return 0;
  const size_t middle = totals.size() / 2;
  std::nth_element(totals.begin(), totals.begin() + middle, totals.end());
  const float upper = totals[middle];
  if (totals.size() % 2 == 1) return upper;
  return (*std::max_element(totals.begin(), totals.begin() + middle) + upper) / 2;
}

}  // namespace

absl::StatusOr<LoggedValues> LoggedValues::Survey(const CellTable& table) {
  LoggedValues values;
  std::vector<float> totals(table.labels.size(), 0);
  values.expressed_.assign(table.genes.size(), 0);
  Largest largest;
  UNLASTING_RETURN_IF_ERROR(
      table.rows->ForEachBlock([&](int64_t first, const CsrMatrix& block) -> absl::Status {
        for (int64_t r = 0; r < block.rows; ++r) {
          const auto indices = block.RowIndices(r);
          const auto row = block.RowValues(r);
          double total = 0;
          for (size_t k = 0; k < row.size(); ++k) {
            if (row[k] == 0) continue;
            if (!(row[k] > 0) || !std::isfinite(row[k])) {
              return Wrong(table, {row[k], first + r, indices[k]}, "finite values of 0 or more");
            }
            if (std::abs(row[k] - std::round(row[k])) > kFraction) values.logged_ = true;
            if (row[k] > largest.value) largest = {row[k], first + r, indices[k]};
            total += row[k];
            ++values.expressed_[indices[k]];
          }
          totals[first + r] = static_cast<float>(total);
        }
        return absl::OkStatus();
      }));
  if (values.logged_ && largest.value >= kMaxLogged) {
    return Wrong(table, largest,
                 "log1p values below 15 in a file that holds fractions: scale counts to whole "
                 "numbers, or take their log1p");
  }
  values.median_ = Median(totals);
  for (const float total : totals) {
    values.scale_.push_back((total == 0 ? 1 : total) / values.median_);
  }
  return values;
}

float LoggedValues::Value(int64_t cell, float value) const {
  if (logged_) return value;
  // In float32 throughout: which cells tie depends on it.
  return FloatLog1p(value / scale_[cell]);
}

}  // namespace unlasting::evaluate::rules
