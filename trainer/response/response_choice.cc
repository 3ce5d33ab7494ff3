#include "trainer/response/response_choice.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <utility>

#include "core/base/parallel.h"
#include "trainer/response/left_out_parts.h"
#include "trainer/response/shrinkage.h"

namespace unlasting::trainer {
namespace {

constexpr double kPowers[] = {0, 2, 4, 8};
constexpr double kMeanSlopes[] = {0.4, 0.6, 0.8, 1.0};
constexpr double kShareSlopes[] = {0.35, 0.7, 1.0};
// Bounds on the cost: groups that are left out, and the most variable genes, on which distances are
// taken.
constexpr size_t kMaxGroups = 16;
constexpr int64_t kMaxGenes = 500;
constexpr bool kBoth[] = {false, true};

// A condition in a context.
struct Place {
  int32_t condition = 0, type = 0;
};

// At most kMaxGroups, evenly over all.
std::vector<Place> Some(const std::vector<Place>& places) {
  const size_t wanted = std::min(places.size(), kMaxGroups);
  std::vector<Place> some;
  for (size_t k = 0; k < wanted; ++k) some.push_back(places[k * places.size() / wanted]);
  return some;
}

std::vector<int64_t> MostVariableGenes(const TrainingData& data, const ConditionMoments& moments) {
  const GeneValues variance = MomentsOf(data, moments.cells()).variance;
  std::vector<int64_t> genes(data.genes());
  std::iota(genes.begin(), genes.end(), 0);
  std::stable_sort(genes.begin(), genes.end(),
                   [&](int64_t a, int64_t b) { return variance[a] > variance[b]; });
  genes.resize(std::min(data.genes(), kMaxGenes));
  std::sort(genes.begin(), genes.end());
  return genes;
}

double MeanOf(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

nlohmann::json Rounded(double value) { return std::round(value * 1e4) / 1e4; }

class Chooser {
 public:
  Chooser(const TrainingData& data, const ConditionMoments& moments,
          const MeasuredResponses& measured, uint64_t seed, int threads)
      : data_(data),
        moments_(moments),
        measured_(measured),
        seed_(seed),
        threads_(threads),
        genes_(MostVariableGenes(data, moments)) {}

  ResponseChoice Choose() {
    std::vector<Place> carried, measured;
    bool unmeasured = false;
    for (const auto& [condition, by_type] : moments_.perturbed()) {
      unmeasured |= static_cast<int64_t>(by_type.size()) < moments_.cell_types();
      for (const auto& [type, unused] : by_type) {
        const size_t cells = moments_.group(condition, type).size();
        if (data_.controls(type).size() < kMinCells) continue;
        if (by_type.size() > 1 && cells >= kMinCells) carried.push_back({condition, type});
        if (cells >= 2 * kMinCells) measured.push_back({condition, type});
      }
    }
    ResponseChoice choice;
    // The change itself carries over where nothing can be left out.
    choice.rules = {{ContextRule{}, 1.0}};
    if (!carried.empty()) LeaveContextsOut(Some(carried), &choice);
    const bool by_cells = carried.empty() || !unmeasured;
    if (by_cells && !measured.empty()) LeaveCellsOut(Some(measured), &choice);
    return choice;
  }

 private:
  // The log error of each group's response.
  std::vector<double> ErrorsOf(const std::vector<LeftOutGroup>& groups,
                               const std::vector<Response>& responses, const Finish& finish) const {
    std::vector<double> errors(groups.size());
    ParallelFor(static_cast<int64_t>(groups.size()), threads_,
                [&](int64_t k) { errors[k] = groups[k].LogError(responses[k], finish); });
    return errors;
  }

  // Takes the response of the spread into `finish` where that lessens the errors by more than
  // `margin` times their standard error; returns the mean error of what was chosen.
  double ChooseSpread(const std::vector<LeftOutGroup>& groups,
                      const std::vector<Response>& responses, double margin, Finish* finish) const {
    const std::vector<double> without = ErrorsOf(groups, responses, *finish);
    Finish other = *finish;
    other.spread = true;
    const std::vector<double> with = ErrorsOf(groups, responses, other);
    const auto count = static_cast<double>(groups.size());
    const double difference = MeanOf(with) - MeanOf(without);
    double squares = 0;
    for (size_t k = 0; k < with.size(); ++k) {
      const double residual = with[k] - without[k] - difference;
      squares += residual * residual;
    }
    const double error = std::sqrt(squares / std::max(count * (count - 1), 1.0));
    if (!(difference < -margin * error)) return MeanOf(without);
    *finish = other;
    return MeanOf(with);
  }

  // What is left out, and what the other contexts measured of it.
  struct LeftOutContexts {
    std::vector<Place> places;
    std::vector<LeftOutGroup> groups;
    std::vector<std::vector<MeasuredContext>> elsewhere;
  };

  // One for each group; `rules` is a rule or a mixture.
  template <typename Rules>
  std::vector<Response> CarriedOver(const LeftOutContexts& left_out, const Rules& rules) const {
    std::vector<Response> responses;
    for (size_t k = 0; k < left_out.places.size(); ++k) {
      responses.push_back(
          CarryOver(rules, moments_.control(left_out.places[k].type), left_out.elsewhere[k]));
    }
    return responses;
  }

  std::vector<RuleTrial> TryRules(const LeftOutContexts& left_out) const {
    std::vector<RuleTrial> tried;
    for (const double power : kPowers) {
      for (const double mean_slope : kMeanSlopes) {
        for (const double share_slope : kShareSlopes) {
          const ContextRule rule{power, mean_slope, share_slope};
          const std::vector<Response> responses = CarriedOver(left_out, rule);
          for (const bool meet : kBoth) {
            const Finish finish{meet, false};
            std::vector<double> errors = ErrorsOf(left_out.groups, responses, finish);
            const double mean = MeanOf(errors);
            tried.push_back({rule, meet, std::move(errors), mean});
          }
        }
      }
    }
    return tried;
  }

  static nlohmann::json RecordOf(const std::vector<RuleTrial>& tried,
                                 const ResponseChoice& choice) {
    const auto curve = [&](auto value_of) {
      std::map<double, double> least;
      for (const RuleTrial& one : tried) {
        const auto [at, added] = least.emplace(value_of(one), one.error);
        if (!added) at->second = std::min(at->second, one.error);
      }
      nlohmann::json list = nlohmann::json::array();
      for (const auto& [value, error] : least) list.push_back({value, Rounded(error)});
      return list;
    };
    const auto mean = [&](double ContextRule::*part) {
      double sum = 0;
      for (const auto& [rule, share] : choice.rules) sum += share * rule.*part;
      return Rounded(sum);
    };
    return {
        {"left_out", "contexts"},
        {"no_change", choice.rules.empty()},
        {"power", mean(&ContextRule::power)},
        {"mean_slope", mean(&ContextRule::mean_slope)},
        {"share_slope", mean(&ContextRule::share_slope)},
        {"meet_means", choice.finish.meet_means},
        {"spread", choice.finish.spread},
        {"curve",
         {{"power", curve([](const RuleTrial& one) { return one.rule.power; })},
          {"mean_slope", curve([](const RuleTrial& one) { return one.rule.mean_slope; })},
          {"share_slope", curve([](const RuleTrial& one) { return one.rule.share_slope; })},
          {"meet_means", curve([](const RuleTrial& one) { return one.meet_means ? 1.0 : 0.0; })}}}};
  }

  void LeaveContextsOut(const std::vector<Place>& places, ResponseChoice* choice) const {
    LeftOutContexts left_out;
    left_out.places = places;
    for (const Place& place : places) {
      left_out.groups.emplace_back(data_, data_.controls(place.type),
                                   moments_.group(place.condition, place.type), genes_,
                                   seed_ + left_out.groups.size());
      left_out.elsewhere.push_back(measured_.Elsewhere(place.condition, place.type));
    }
    choice->trials = TryRules(left_out);
    for (const Place& place : places) choice->trial_types.push_back(place.type);
    RuleMixture mixture = MixRules(choice->trials);
    choice->rules = std::move(mixture.rules);
    choice->finish.meet_means = mixture.meet_means;
    const double error = ChooseSpread(left_out.groups, CarriedOver(left_out, choice->rules),
                                      /*margin=*/1, &choice->finish);
    choice->record = RecordOf(choice->trials, *choice);
    choice->record["groups"] = places.size();
    choice->record["log_error"] = Rounded(error);
  }

  void LeaveCellsOut(const std::vector<Place>& places, ResponseChoice* choice) const {
    std::vector<LeftOutGroup> groups;
    std::vector<Response> responses;
    for (const Place& place : places) {
      std::vector<int64_t> cells = moments_.group(place.condition, place.type);
      std::mt19937_64 random(seed_ + groups.size());
      std::shuffle(cells.begin(), cells.end(), random);
      const auto middle = cells.begin() + static_cast<int64_t>(cells.size() / 2);
      const std::vector<int64_t> kept(cells.begin(), middle), left_out(middle, cells.end());
      const Moments perturbed = MomentsOf(data_, kept);
      const Moments& control = moments_.control(place.type);
      responses.push_back(ShrunkResponse(perturbed, control));
      groups.emplace_back(data_, data_.controls(place.type), left_out, genes_,
                          seed_ + groups.size());
    }
    nlohmann::json tried = nlohmann::json::array();
    double best = 0;
    for (const bool meet : kBoth) {
      Finish finish{meet, false};
      const double error = ChooseSpread(groups, responses, /*margin=*/0, &finish);
      tried.push_back({meet ? 1.0 : 0.0, Rounded(error)});
      if (meet && error >= best) continue;
      best = error;
      choice->finish = finish;
    }
    nlohmann::json& record = choice->record;
    if (record.is_null()) record = {{"left_out", "cells"}, {"groups", groups.size()}};
    record["meet_means"] = choice->finish.meet_means;
    record["spread"] = choice->finish.spread;
    record["cells_curve"]["meet_means"] = std::move(tried);
    record["cells_log_error"] = Rounded(best);
  }

  const TrainingData& data_;
  const ConditionMoments& moments_;
  const MeasuredResponses& measured_;
  uint64_t seed_;
  int threads_;
  std::vector<int64_t> genes_;
};

}  // namespace

ResponseChoice ChooseResponse(const TrainingData& data, const ConditionMoments& moments,
                              const MeasuredResponses& measured, uint64_t seed, int threads) {
  return Chooser(data, moments, measured, seed, threads).Choose();
}

}  // namespace unlasting::trainer
