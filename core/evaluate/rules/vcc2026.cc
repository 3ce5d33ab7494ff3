#include "core/evaluate/rules/vcc2026.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/parallel.h"
#include "core/base/status.h"
#include "core/evaluate/rules/direction_fidelity.h"
#include "core/evaluate/rules/direction_reach.h"
#include "core/evaluate/rules/expression_error.h"
#include "core/evaluate/rules/lfc_nmae.h"
#include "core/evaluate/rules/pds_cosine.h"
#include "core/evaluate/rules/scale.h"
#include "core/evaluate/rules/sig_jaccard.h"

namespace unlasting::evaluate::rules {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr char kCapped[] = "expr_mse_unbiased_capped";
constexpr char kUncapped[] = "expr_mse_unbiased";
constexpr char kDistance[] = "expr_distance_unbiased";

struct Context {
  const CellTable& truth;
  const MatchedGroups& groups;
  int threads;
};

// The members of one comparison, per target and in aggregate.
struct Compared {
  std::map<std::string, std::vector<double>> per_target;
  MemberValues aggregate;
  ExpressionErrors expression;
  std::vector<Fidelity> fidelity;
  std::vector<Reach> reach;
};

double MeanOfDefined(const std::vector<double>& values) {
  double sum = 0, count = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    sum += value;
    ++count;
  }
  return count > 0 ? sum / count : kNan;
}

// `whole` chooses the genes of lfc_nmae: the truth itself, or the whole truth for its halves.
Compared Compare(const Context& context, const SampleTable& truth, const SampleTable& predicted,
                 absl::Span<const double> predicted_control, const SampleTable& whole) {
  const int64_t targets = truth.targets;
  Compared result;
  result.per_target[kPds] =
      PdsCosine(truth, predicted, predicted_control, context.groups.own_gene, context.threads);
  result.expression = ExpressionError(truth, predicted, context.groups.own_gene);
  result.per_target[kCapped] = result.expression.capped;
  result.per_target[kUncapped] = result.expression.uncapped;
  result.per_target[kDistance] = result.expression.distance;
  for (const char* member : {kFidelity, kReach, kJaccard, kNmae}) {
    result.per_target[member].assign(targets, kNan);
  }
  auto& fidelity = result.per_target[kFidelity];
  auto& reach = result.per_target[kReach];
  auto& jaccard = result.per_target[kJaccard];
  auto& nmae = result.per_target[kNmae];
  result.fidelity.resize(targets);
  result.reach.resize(targets);
  ParallelFor(targets, context.threads, [&](int64_t t) {
    const int64_t own = context.groups.own_gene[t];
    const TestedGenes a(truth, t, own), b(predicted, t, own);
    result.fidelity[t] = DirectionFidelity(a, b);
    result.reach[t] = DirectionReach(a, b, context.truth.genes);
    fidelity[t] = result.fidelity[t].value;
    reach[t] = result.reach[t].value;
    jaccard[t] = SigJaccard(a, b);
    nmae[t] = &whole == &truth ? LfcNmae(a, a, b) : LfcNmae(TestedGenes(whole, t, own), a, b);
  });
  for (const auto& [member, values] : result.per_target) {
    result.aggregate[member] = MeanOfDefined(values);
  }
  result.aggregate[kExpression] = result.expression.value;
  return result;
}

std::string WhyMissing(const std::string& member, const Compared& compared) {
  if (member == kNmae) {
    return absl::StrCat("no perturbation has ", kMinSignificant,
                        " significant genes with a fold change in the truth");
  }
  if (member == kExpression) {
    return absl::StrFormat(
        "the noise of the true pseudobulks (%.4g) is larger than the true effect (%.4g), so the "
        "sum "
        "that the error is divided by is not above 0",
        compared.expression.noise, compared.expression.effect);
  }
  return "no perturbation has a value";
}

std::string WhyMissingIn(const std::string& member, const Compared& compared, size_t target) {
  const int64_t confident = compared.fidelity[target].confident;
  if (member == kFidelity) return "no gene is significant in the truth or the prediction";
  if (member == kReach) return "no gene is significant in the truth";
  if (member == kNmae && confident < kMinSignificant) {
    return absl::StrCat(confident, " genes are significant in the truth, expected ",
                        kMinSignificant, " or more");
  }
  return "the significant genes of the truth do not change";
}

void AddPrediction(const Context& context, const Vcc2026Tables& tables, const Compared& compared,
                   RuleScores* scores) {
  const auto& targets = context.groups.truth.targets;
  scores->aggregate = compared.aggregate;
  for (size_t t = 0; t < targets.size(); ++t) {
    MemberValues& members = scores->perturbations[targets[t]];
    for (const auto& [member, values] : compared.per_target) {
      members[member] = values[t];
      if (!std::isnan(values[t])) continue;
      scores->reasons[absl::StrCat("perturbations.", targets[t], ".", member)] =
          WhyMissingIn(member, compared, t);
    }
    // Of one target alone it is a ratio of two noisy terms, of which the lower may be negative.
    members[kExpression] = kNan;
    scores->parts["perturbations"][targets[t]] = {
        {"N_conf", compared.fidelity[t].confident},
        {"n_pred", compared.fidelity[t].predicted},
        {"k", compared.fidelity[t].agreeing},
        {"k_star", compared.reach[t].depth},
        {"cells_true", tables.truth.cells[t]},
        {"cells_predicted", tables.predicted.cells[t]},
        {"jackknife_true", tables.truth.jackknife[t]},
        {"jackknife_predicted", tables.predicted.jackknife[t]}};
  }
  scores->reasons[absl::StrCat("perturbations.*.", kExpression)] =
      absl::StrCat("a ratio of sums over perturbations: ", kCapped, " over ", kDistance);
  for (const std::string& member : Members()) {
    if (!std::isnan(compared.aggregate.at(member))) continue;
    scores->reasons[absl::StrCat("aggregate.", member)] = WhyMissing(member, compared);
  }
  scores->parts["claim"] = compared.expression.claim;
  scores->parts["budget"] = compared.expression.budget;
  scores->parts["noise_share_taken_off"] = compared.expression.share;
  scores->parts["true_effect"] = compared.expression.effect;
  scores->parts["true_noise"] = compared.expression.noise;
  scores->parts["jackknife_control"] = tables.truth.jackknife.back();
  scores->parts["genes_tested"] =
      std::count(tables.truth.tested.begin(), tables.truth.tested.end(), 1);
}

// "" where the halves can be compared.
std::string WhyNoReplicate(const Context& context, const Vcc2026Tables& tables) {
  for (const auto& [split, halves] : tables.halves) {
    for (const SampleTable* half : {&halves.first, &halves.second}) {
      for (size_t group = 0; group < half->cells.size(); ++group) {
        if (half->cells[group] > 0) continue;
        const bool control = group == context.groups.truth.targets.size();
        return absl::StrCat(control ? "the control" : context.groups.truth.targets[group], " has ",
                            tables.truth.cells[group], " cell in the truth and split ", split,
                            " leaves a half of it empty; a replicate needs 2 cells or more");
      }
      if (std::count(half->tested.begin(), half->tested.end(), 1) == 0) {
        return absl::StrCat("in split ", split, " no gene of a half passes ", kMinControlMean,
                            " counts per million in its control");
      }
    }
  }
  return "";
}

void AddReplicate(const Context& context, const Vcc2026Tables& tables, RuleScores* scores) {
  const std::string why = WhyNoReplicate(context, tables);
  for (const std::string& member : Members()) scores->replicate[member] = 0;
  for (const auto& [split, halves] : tables.halves) {
    if (!why.empty()) break;
    const auto& [a, b] = halves;
    const Compared compared = Compare(context, a, b, b.Bulk(b.targets), tables.truth);
    for (const std::string& member : Members()) {
      const double value = compared.aggregate.at(member);
      scores->replicate_splits[split][member] = value;
      scores->replicate[member] += value / static_cast<double>(tables.halves.size());
      if (std::isnan(value)) {
        scores->reasons[absl::StrCat("replicate.", member)] =
            absl::StrCat("in split ", split, " ", WhyMissing(member, compared));
      }
    }
  }
  if (why.empty()) return;
  for (const std::string& member : Members()) {
    scores->replicate[member] = kNan;
    scores->reasons[absl::StrCat("replicate.", member)] = why;
  }
}

void AddScale(const Compared& baseline, RuleScores* scores) {
  scores->has_scale = true;
  double sum = 0;
  for (const std::string& member : Members()) {
    const double b = baseline.aggregate.at(member), r = scores->replicate.at(member);
    scores->baseline[member] = b;
    if (std::isnan(b)) {
      scores->reasons[absl::StrCat("baseline.", member)] = WhyMissing(member, baseline);
    }
    std::string why;
    scores->scaled[member] = Scaled(member, scores->aggregate.at(member), b, r, &why);
    if (!why.empty()) scores->reasons[absl::StrCat("scaled.", member)] = why;
    sum += scores->scaled[member];
    std::string why_alone;
    scores->from_baseline[member] =
        Scaled(member, scores->aggregate.at(member), b, LowerIsBetter(member) ? 0 : 1, &why_alone);
    if (!why_alone.empty()) {
      scores->reasons[absl::StrCat("from_baseline.", member)] = why_alone;
    }
  }
  scores->average = sum / static_cast<double>(Members().size());
  if (std::isnan(scores->average)) {
    scores->reasons["average"] = "a member has no scaled value";
  }
}

// Says where the scale does not hold, with the numbers that show it.
void AddRemarks(const Compared& compared, RuleScores* scores) {
  std::vector<std::string> broken;
  for (const std::string& member : Members()) {
    const auto it = scores->reasons.find(absl::StrCat("scaled.", member));
    if (it != scores->reasons.end()) broken.push_back(absl::StrCat(member, ": ", it->second));
  }
  const double effect = compared.expression.effect, noise = compared.expression.noise;
  if (!(noise < effect / 2)) {
    broken.push_back(absl::StrFormat(
        "the noise of the true pseudobulks (%.4g) is more than half of the true effect (%.4g), as "
        "on shallow panels",
        noise, effect));
  }
  const double r = scores->replicate.at(kExpression), b = scores->baseline.at(kExpression);
  double low = r, high = r;
  for (const auto& [split, members] : scores->replicate_splits) {
    low = std::min(low, members.at(kExpression));
    high = std::max(high, members.at(kExpression));
  }
  // An unbiased error of a replicate is 0 on average; far below it stands noise over a small sum.
  if (std::isfinite(r) && std::isfinite(b) && b - r > 0 &&
      (r < -(b - r) / 4 || high - low > (b - r) / 2)) {
    broken.push_back(absl::StrFormat(
        "r of %s is %.4g with splits from %.4g to %.4g, expected about 0 and below b = %.4g",
        kExpression, r, low, high, b));
  }
  for (const std::string& reason : broken) {
    scores->remarks.push_back(absl::StrCat("The scale breaks: ", reason, "."));
  }
  if (!broken.empty()) {
    scores->remarks.emplace_back(
        "The average means nothing here: read each member beside its b and r.");
  }
  scores->remarks.emplace_back(
      "clustering_agreement (Leiden) is left out: it cannot be computed from a formula.");
}

}  // namespace

absl::StatusOr<RuleScores> ScoreVcc2026(const CellTable& truth, const CellTable& predicted,
                                        const Vcc2026Options& options) {
  UNLASTING_ASSIGN_OR_RETURN(const MatchedGroups groups,
                             MatchGroups(truth, predicted, options.control_label));
  if (std::all_of(groups.own_gene.begin(), groups.own_gene.end(),
                  [](int64_t gene) { return gene < 0; })) {
    return absl::InvalidArgumentError(
        absl::StrCat(truth.name, ": found no label that is the name of a gene (first label ",
                     groups.truth.targets[0], ", first gene ", truth.genes[0],
                     "), expected genes by the names that the labels use (--groupby)"));
  }
  UNLASTING_ASSIGN_OR_RETURN(const Draws draws,
                             options.draws.is_null()
                                 ? absl::StatusOr<Draws>(GenerateDraws(groups.truth, options.seed))
                                 : DrawsFromJson(options.draws, groups.truth, options.draws_name));
  UNLASTING_ASSIGN_OR_RETURN(const Vcc2026Tables tables,
                             MakeVcc2026Tables(truth, predicted, groups, draws, options.tables));
  const Context context = {truth, groups, options.tables.threads};
  RuleScores scores;
  scores.rule = kVcc2026;
  scores.version = kVcc2026Version;
  scores.digest = kVcc2026Digest;
  const auto control = tables.truth.Bulk(tables.truth.targets);
  const Compared compared = Compare(context, tables.truth, tables.predicted, control, tables.truth);
  AddPrediction(context, tables, compared, &scores);
  AddReplicate(context, tables, &scores);
  AddScale(Compare(context, tables.truth, tables.baseline, control, tables.truth), &scores);
  AddRemarks(compared, &scores);
  RemarkOnEmptyGroups(truth.name, groups.truth, tables.truth.bulk, &scores);
  RemarkOnEmptyGroups(predicted.name, groups.predicted, tables.predicted.bulk, &scores);
  scores.parts["draws"] = draws.source;
  return scores;
}

}  // namespace unlasting::evaluate::rules
