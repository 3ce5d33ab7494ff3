// GeneCells holds the cells that express one gene, group by group, in the units of the tests.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace unlasting::evaluate::rules {

// One cell's value of the gene.
struct Expressed {
  double logged = 0;   // ln(1 + scaled), which the rank test sees
  double scaled = 0;   // counts per million of the cell
  double library = 0;  // all counts of the cell
  float count = 0;
  int32_t cell = 0;
};

// The value of a cell with `library` counts in all, above 0.
Expressed MakeExpressed(float count, double library, int32_t cell);

class GeneCells {
 public:
  // Empties the object and makes room for `groups` groups.
  void Start(int64_t groups);
  // Values are added in the order of the cells, all before Arrange.
  void Add(int32_t group, const Expressed& value);
  // Sorts by group; within a group the order of the cells stays.
  void Arrange();
  // Sorts each group by `logged`; the sums have to be taken before, in the order of the cells, so
  // that equal cells give equal sums to the last bit.
  void SortGroups();

  absl::Span<const Expressed> Group(int64_t group) const {
    return {values_.data() + starts_[group],
            static_cast<size_t>(starts_[group + 1] - starts_[group])};
  }
  int64_t groups() const { return static_cast<int64_t>(starts_.size()) - 1; }

 private:
  std::vector<int64_t> starts_;
  std::vector<int32_t> group_;
  std::vector<Expressed> added_;
  std::vector<Expressed> values_;
};

// Sums of a group over its cells.
struct GroupSum {
  double counts = 0;
  double scaled = 0;
};
GroupSum SumOf(absl::Span<const Expressed> cells);

}  // namespace unlasting::evaluate::rules
