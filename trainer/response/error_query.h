// ErrorQueries puts a condition in a context as an error model sees it, against what training would
// know without some of its cells. core/predict/query/predicted_error.h does the same against a
// bundle; both must agree. Refers to its arguments; one thread at a time.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "core/bundle/error_model.h"
#include "core/grn/graph.h"
#include "trainer/data/training_data.h"
#include "trainer/response/condition_moments.h"

namespace unlasting::trainer {

class ErrorQueries {
 public:
  // `moments` has one condition or more.
  ErrorQueries(const TrainingData& data, const ConditionMoments& moments, const grn::Graph& graph);

  // Without `change`. The kind is "" for a treatment that is known by name alone and is in none of
  // the conditions, because nobody can ask for it.
  bundle::ErrorQuery Of(int32_t condition, int32_t type) const;

 private:
  // What is new of a condition, and how far it is from what is not.
  struct Novelty {
    std::string perturbation;
    double distance = 0;
  };
  Novelty OfGenes(const std::vector<int32_t>& knockout) const;
  Novelty OfStimulus(int32_t condition) const;
  void MeasureHops(const grn::Graph& graph);

  const TrainingData& data_;
  const ConditionMoments& moments_;
  std::set<int32_t> types_;    // with perturbed cells
  std::vector<int32_t> hops_;  // [nodes], at most bundle::kMostHops
};

}  // namespace unlasting::trainer
