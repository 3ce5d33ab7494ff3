#include "trainer/response/left_out_errors.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "core/base/parallel.h"
#include "trainer/response/error_query.h"
#include "trainer/response/expected_response.h"
#include "trainer/response/grn_response.h"
#include "trainer/response/left_out.h"
#include "trainer/response/left_out_parts.h"
#include "trainer/response/rule_response.h"

namespace unlasting::trainer {
namespace {

// Parts of the conditions, of which one is left out at a time.
constexpr size_t kFolds = 5;
// Fewer conditions say nothing of a new one.
constexpr size_t kMinConditions = 4;
// Contexts that are left out, one at a time.
constexpr int64_t kMaxContexts = 12;

// A condition in a context, whose cells `left_out` were not trained on.
struct Question {
  int32_t condition = 0, type = 0;
  std::vector<int64_t> left_out;
  bundle::ErrorQuery query;
  uint64_t seed = 0;
};

// What training would know without some of its cells, and what is asked of it.
struct Variant {
  ConditionMoments moments;
  std::vector<WeightedRule> rules;
  bool conditions = false;  // whether any was left out
  std::vector<Question> questions;
};

class LeaveOut {
 public:
  LeaveOut(const TrainingData& data, const ConditionMoments& moments, const ResponseChoice& choice,
           const grn::Graph& graph, const LeaveOutOptions& options)
      : data_(data),
        controls_(DivideControls(data, options.seed)),
        moments_(moments.WithControls(data, controls_.kept)),
        measured_(moments_),
        choice_(choice),
        graph_(graph),
        options_(options),
        genes_(data.genes()) {
    std::iota(genes_.begin(), genes_.end(), 0);
    MakeParts();
    std::set<int32_t> types;
    for (const auto& [condition, by_type] : moments.perturbed()) {
      for (const auto& [type, unused] : by_type) types.insert(type);
    }
    types_.assign(types.begin(), types.end());
  }

  std::vector<LeftOutError> Run() {
    std::vector<Variant> variants;
    variants.push_back(WithoutCells());
    const auto contexts = static_cast<int64_t>(types_.size());
    const int64_t left_out = contexts > 1 ? std::min(contexts, kMaxContexts) : 0;
    const auto parts = static_cast<int64_t>(parts_.size());
    for (int64_t v = 0; v < std::max(left_out, parts); ++v) {
      const int32_t type = left_out > 0 ? types_[v % left_out * contexts / left_out] : kNone;
      variants.push_back(Without(type, parts > 0 ? parts_[v % parts] : std::set<int32_t>()));
    }
    KeepDistinct(&variants);
    Thin(&variants);
    std::vector<std::vector<LeftOutError>> errors(variants.size());
    for (size_t v = 0; v < variants.size(); ++v) errors[v] = ErrorsOf(variants[v]);
    std::vector<LeftOutError> all;
    for (auto& part : errors) {
      std::move(part.begin(), part.end(), std::back_inserter(all));
    }
    return all;
  }

 private:
  static constexpr int32_t kNone = -1;

  bool EnoughControls(int32_t type) const { return data_.controls(type).size() >= kMinCells; }

  // The conditions fall into parts at random: all doses of a drug into the same one, and where
  // drugs have several, a second time each by itself.
  void MakeParts() {
    std::map<std::string, std::vector<int32_t>> by_name;
    std::vector<std::vector<int32_t>> alone;
    for (const auto& [condition, unused] : moments_.perturbed()) {
      by_name[data_.prepared().data.conditions[condition].name].push_back(condition);
      alone.push_back({condition});
    }
    std::vector<std::vector<int32_t>> named;
    for (auto& [name, conditions] : by_name) named.push_back(conditions);
    std::mt19937_64 random(options_.seed);
    for (auto* units : {&named, &alone}) {
      const bool again = units == &alone;
      if (units->size() < kMinConditions || (again && alone.size() == named.size())) continue;
      std::shuffle(units->begin(), units->end(), random);
      const size_t first = parts_.size();
      parts_.resize(first + std::min(kFolds, units->size()));
      for (size_t k = 0; k < units->size(); ++k) {
        parts_[first + k % (parts_.size() - first)].insert((*units)[k].begin(), (*units)[k].end());
      }
    }
  }

  // A third of the cells of every group that is large enough.
  Variant WithoutCells() const {
    std::map<std::pair<int32_t, int32_t>, std::vector<int64_t>> left_out;
    const auto kept = [&](int32_t condition, int32_t type, const std::vector<int64_t>& cells) {
      if (cells.size() < 2 * kMinCells) return cells;
      TwoParts parts = Divide(cells, options_.seed + cells.front());
      left_out[{condition, type}] = std::move(parts.left_out);
      return parts.kept;
    };
    Variant variant{moments_.Restricted(data_, kept), choice_.rules, false, {}};
    const ErrorQueries queries(data_, variant.moments, graph_);
    for (auto& [at, cells] : left_out) {
      Ask(queries, at.first, at.second, std::move(cells), &variant);
    }
    return variant;
  }

  // A context (kNone: none) and some of the conditions are left out.
  Variant Without(int32_t type, const std::set<int32_t>& left_out) const {
    std::vector<WeightedRule> rules = choice_.rules;
    if (type != kNone && !choice_.trials.empty()) {
      rules = MixRulesWithout(type, choice_.trials, choice_.trial_types).rules;
    }
    Variant variant{moments_.Restricted(data_,
                                        [&](int32_t condition, int32_t in, const auto& cells) {
                                          return in == type || left_out.count(condition) > 0
                                                     ? std::vector<int64_t>()
                                                     : cells;
                                        }),
                    std::move(rules),
                    !left_out.empty(),
                    {}};
    if (variant.moments.perturbed().empty()) return variant;
    const ErrorQueries queries(data_, variant.moments, graph_);
    for (const auto& [condition, by_type] : moments_.perturbed()) {
      for (const auto& [in, unused] : by_type) {
        if (in == type || left_out.count(condition) > 0) {
          Ask(queries, condition, in, moments_.group(condition, in), &variant);
        }
      }
    }
    return variant;
  }

  void Ask(const ErrorQueries& queries, int32_t condition, int32_t type, std::vector<int64_t> cells,
           Variant* variant) const {
    if (cells.size() < kMinCells || !EnoughControls(type)) return;
    bundle::ErrorQuery query = queries.Of(condition, type);
    // A treatment that is known by name alone cannot be asked for where it is new.
    if (query.kind.empty()) return;
    variant->questions.push_back(
        {condition, type, std::move(cells), std::move(query), options_.seed + condition});
  }

  // What is asked again of another variant is not a second error.
  static void KeepDistinct(std::vector<Variant>* variants) {
    std::set<std::tuple<std::string, int32_t, int32_t>> asked;
    for (Variant& variant : *variants) {
      std::vector<Question> kept;
      for (Question& question : variant.questions) {
        if (asked.emplace(question.query.kind, question.condition, question.type).second) {
          kept.push_back(std::move(question));
        }
      }
      variant.questions = std::move(kept);
    }
  }

  // At most max_errors questions of a kind, evenly over all.
  void Thin(std::vector<Variant>* variants) const {
    std::map<std::string, size_t> total, met;
    for (const Variant& variant : *variants) {
      for (const Question& question : variant.questions) ++total[question.query.kind];
    }
    for (Variant& variant : *variants) {
      std::vector<Question> kept;
      for (Question& question : variant.questions) {
        const size_t all = total[question.query.kind], at = met[question.query.kind]++;
        const size_t wanted = std::min(all, options_.max_errors);
        if ((at + 1) * wanted / all > at * wanted / all) kept.push_back(std::move(question));
      }
      variant.questions = std::move(kept);
    }
  }

  std::vector<LeftOutError> ErrorsOf(const Variant& variant) const {
    if (variant.questions.empty()) return {};
    const MeasuredResponses measured(variant.moments, measured_);
    ResponseChoice choice;
    choice.rules = variant.rules;
    choice.finish = choice_.finish;
    const ExpectedResponseEstimate estimate =
        EstimateExpectedResponse(data_, variant.moments, measured, choice);
    std::optional<GrnResponseEstimate> grn;
    if (options_.follows_grn && variant.conditions) {
      grn = EstimateGrnResponse(data_, variant.moments, graph_, options_.threads);
    }
    std::vector<LeftOutError> errors(variant.questions.size());
    ParallelFor(static_cast<int64_t>(errors.size()), options_.threads, [&](int64_t k) {
      const Question& question = variant.questions[k];
      const Response response =
          RuleResponse(estimate, grn.has_value() ? &*grn : nullptr, graph_,
                       data_.condition_inputs(question.condition), question.type);
      errors[k] = ErrorOf(question, response);
    });
    return errors;
  }

  LeftOutError ErrorOf(const Question& question, const Response& response) const {
    const LeftOutCells cells(data_, controls_.left_out[question.type], question.left_out, genes_,
                             options_.max_cells, question.seed);
    const DenseMatrix answer = cells.Answer(response, choice_.finish);
    LeftOutError error;
    error.query = question.query;
    error.e_distance = cells.Distance(answer);
    const auto n = static_cast<double>(answer.rows);
    double squares = 0;
    for (int64_t g = 0; g < answer.cols; ++g) {
      double sum = 0, square = 0, change = 0, changed = 0, truth = 0;
      for (int64_t r = 0; r < answer.rows; ++r) {
        const double value = answer.At(r, g), difference = value - cells.control().At(r, g);
        sum += value;
        square += value * value;
        change += difference;
        changed += difference * difference;
      }
      for (int64_t r = 0; r < cells.perturbed().rows; ++r) truth += cells.perturbed().At(r, g);
      truth /= static_cast<double>(cells.perturbed().rows);
      const auto variance = [n](double of_squares, double of_values) {
        return std::max(0.0, (of_squares - of_values * of_values / n) / (n - 1));
      };
      error.error.push_back(static_cast<float>(std::abs(sum / n - truth)));
      error.variance.push_back(static_cast<float>(variance(square, sum)));
      error.change.push_back(static_cast<float>(change / n));
      error.standard_error.push_back(static_cast<float>(std::sqrt(variance(changed, change) / n)));
      squares += change / n * change / n;
    }
    error.query.change = std::sqrt(squares);
    return error;
  }

  const TrainingData& data_;
  const ControlParts controls_;
  const ConditionMoments moments_;
  const MeasuredResponses measured_;
  const ResponseChoice& choice_;
  const grn::Graph& graph_;
  const LeaveOutOptions& options_;
  std::vector<int64_t> genes_;
  std::vector<std::set<int32_t>> parts_;  // of the conditions; a part is left out at a time
  std::vector<int32_t> types_;            // with perturbed cells
};

}  // namespace

std::vector<LeftOutError> LeaveOutForErrors(const TrainingData& data,
                                            const ConditionMoments& moments,
                                            const ResponseChoice& choice, const grn::Graph& graph,
                                            const LeaveOutOptions& options) {
  if (moments.perturbed().empty()) return {};
  return LeaveOut(data, moments, choice, graph, options).Run();
}

std::vector<bundle::ErrorCondition> ErrorConditions(const TrainingData& data,
                                                    const ConditionMoments& moments) {
  std::vector<bundle::ErrorCondition> conditions;
  for (const auto& [index, by_type] : moments.perturbed()) {
    const cells::Condition& condition = data.prepared().data.conditions[index];
    bundle::ErrorCondition one{condition.name, condition.dose_um, condition.covariates, {}};
    for (const auto& [type, group] : by_type) one.cells[type] = static_cast<int32_t>(group.cells);
    conditions.push_back(std::move(one));
  }
  return conditions;
}

}  // namespace unlasting::trainer
