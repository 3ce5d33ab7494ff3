#include "core/evaluate/rules/gene_cells.h"

#include <algorithm>
#include <cmath>

namespace unlasting::evaluate::rules {

Expressed MakeExpressed(float count, double library, int32_t cell) {
  Expressed value;
  value.count = count;
  value.library = library;
  value.cell = cell;
  // The order of operations decides which cells of different totals tie.
  value.scaled = static_cast<double>(count) / (library / 1e6);
  value.logged = std::log1p(value.scaled);
  return value;
}

void GeneCells::Start(int64_t groups) {
  starts_.assign(groups + 1, 0);
  group_.clear();
  added_.clear();
}

void GeneCells::Add(int32_t group, const Expressed& value) {
  group_.push_back(group);
  added_.push_back(value);
  ++starts_[group + 1];
}

void GeneCells::Arrange() {
  for (size_t g = 1; g < starts_.size(); ++g) starts_[g] += starts_[g - 1];
  std::vector<int64_t> next(starts_.begin(), starts_.end() - 1);
  values_.resize(added_.size());
  for (size_t k = 0; k < added_.size(); ++k) values_[next[group_[k]]++] = added_[k];
}

void GeneCells::SortGroups() {
  for (size_t g = 0; g + 1 < starts_.size(); ++g) {
    std::sort(values_.begin() + starts_[g], values_.begin() + starts_[g + 1],
              [](const Expressed& a, const Expressed& b) { return a.logged < b.logged; });
  }
}

GroupSum SumOf(absl::Span<const Expressed> cells) {
  GroupSum sum;
  for (const Expressed& cell : cells) {
    sum.counts += static_cast<double>(cell.count);
    sum.scaled += cell.scaled;
  }
  return sum;
}

}  // namespace unlasting::evaluate::rules
