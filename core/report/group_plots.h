// GroupPlots gathers the plots of single groups while the cells of each are in memory, so that the
// groups of an evaluation need not fit into memory together.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/evaluate/scorer.h"
#include "core/report/distributions.h"
#include "core/report/dose_response.h"

namespace unlasting::report {

class GroupPlots {
 public:
  // `genes`: of the groups' columns, by the names that readers know.
  explicit GroupPlots(std::vector<std::string> genes) : genes_(std::move(genes)) {}

  void Add(const evaluate::Group& group) {
    cards_.Add(group, genes_);
    doses_.Add(group, genes_);
  }
  std::string Distributions() const { return cards_.Section(); }
  std::string DoseResponse(const std::vector<TrainedDose>& trained) const {
    return doses_.Section(trained, genes_);
  }

 private:
  std::vector<std::string> genes_;
  GroupCards cards_;
  DoseResponses doses_;
};

}  // namespace unlasting::report
