#include "trainer/response/measured_responses.h"

#include "trainer/response/shrinkage.h"

namespace unlasting::trainer {

MeasuredResponses::MeasuredResponses(const ConditionMoments& moments) : moments_(moments) {
  for (const auto& [condition, by_type] : moments.perturbed()) {
    for (const auto& [type, perturbed] : by_type) {
      const Moments& control = moments.control(type);
      own_[condition].emplace(type, ShrunkResponse(perturbed, control));
    }
  }
}

MeasuredResponses::MeasuredResponses(const ConditionMoments& moments, const MeasuredResponses& all)
    : moments_(moments) {
  for (const auto& [condition, by_type] : moments.perturbed()) {
    for (const auto& [type, perturbed] : by_type) {
      const bool whole = perturbed.cells == all.moments_.perturbed().at(condition).at(type).cells;
      own_[condition].emplace(type, whole ? all.own_.at(condition).at(type)
                                          : ShrunkResponse(perturbed, moments.control(type)));
    }
  }
}

std::vector<MeasuredContext> MeasuredResponses::Elsewhere(int32_t condition, int32_t type) const {
  std::vector<MeasuredContext> measured;
  for (const auto& [other, response] : own_.at(condition)) {
    if (other == type) continue;
    measured.push_back({ContextDistance(moments_.control(type), moments_.control(other)),
                        &moments_.control(other), response});
  }
  return measured;
}

Response MeasuredResponses::In(int32_t condition, int32_t type,
                               const std::vector<WeightedRule>& rules) const {
  const auto& by_type = moments_.perturbed().at(condition);
  const std::vector<MeasuredContext> elsewhere = Elsewhere(condition, type);
  const Moments& control = moments_.control(type);
  const auto measured = by_type.find(type);
  if (measured == by_type.end()) return CarryOver(rules, control, elsewhere);
  if (elsewhere.empty() || rules.empty()) return own_.at(condition).at(type);
  // Noise of the mean of independent contexts; what else they differ by counts as difference.
  const Response carried = CarryOver(rules, control, elsewhere);
  Response carried_noise = ZeroResponse(static_cast<int64_t>(control.mean.size()));
  for (const auto& [other, perturbed] : by_type) {
    if (other != type) carried_noise += ResponseNoise(perturbed, moments_.control(other));
  }
  const auto count = static_cast<double>(elsewhere.size());
  carried_noise *= 1 / (count * count);
  return ShrunkResponse(measured->second, control, carried, carried_noise);
}

GeneValues MeasuredResponses::MetMeanIn(int32_t condition, int32_t type,
                                        const std::vector<WeightedRule>& rules) const {
  const auto& by_type = moments_.perturbed().at(condition);
  const auto measured = by_type.find(type);
  if (measured == by_type.end()) return In(condition, type, rules).mean;
  return ShrunkMeanByGene(measured->second, moments_.control(type));
}

}  // namespace unlasting::trainer
