// The verdict says whether a model beats a baseline.
#pragma once

#include <string>
#include <vector>

#include "core/evaluate/scorecard.h"

namespace unlasting::evaluate {

// By unbiased E-distance and EMD on all genes, over the groups where both are defined for both, so
// that a baseline which some groups lack is compared on equal terms.
struct Comparison {
  int groups = 0;                                        // compared
  int groups_better = 0;                                 // where the model is nearer by both
  double model_e_distance = 0, baseline_e_distance = 0;  // means over the groups compared
  double model_emd = 0, baseline_emd = 0;

  bool closer_by_e_distance() const { return model_e_distance < baseline_e_distance; }
  bool closer_by_emd() const { return model_emd < baseline_emd; }
  bool beats() const { return groups > 0 && closer_by_e_distance() && closer_by_emd(); }
};
Comparison CompareWith(const Scorecard& scorecard, const std::string& baseline);

// Scorecard::Verdict in its parts: the simpler methods that are nearer by both distances, where
// there are any, then against no change and mean shift, then a sentence for each further baseline
// that the card holds, then what could not be compared.
std::vector<std::string> VerdictSentences(const Scorecard& card);

// A method's name as the reader of a table sees it: "mean_shift" -> "mean shift".
std::string ReadableName(const std::string& method);

// Methods in the order in which tables show them: no_change, mean_shift, the further ones, ceiling.
std::vector<std::string> MethodsInOrder(const std::map<std::string, Scores>& baselines);

}  // namespace unlasting::evaluate
