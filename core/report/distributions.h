// GroupCards shows how the genes of each group change: control, true and predicted. Private to
// core/report.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/evaluate/scorer.h"

namespace unlasting::report {

// A card a group (at most 12, the most changed first): a scatter of mean changes, predicted against
// true, the cells on two principal components, and the distributions of the nine genes that a
// t-test finds most changed, the share of silent cells as bars at 0 and the density of the others
// beside them. Cards are drawn as groups come, for their cells may not stay.
class GroupCards {
 public:
  // Groups that are not over `genes` are passed over.
  void Add(const evaluate::Group& group, const std::vector<std::string>& genes);
  // "" without groups.
  std::string Section() const;

 private:
  std::vector<std::pair<double, std::string>> cards_;  // by how far the true cells moved, falling
  size_t seen_ = 0;
};

}  // namespace unlasting::report
