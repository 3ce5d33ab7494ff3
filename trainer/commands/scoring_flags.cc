#include "trainer/commands/scoring_flags.h"

#include <map>
#include <string>
#include <vector>

#include "core/cli/value_checks.h"

namespace unlasting::trainer {
namespace {

template <typename Value>
void AddChoice(CLI::App* app, const std::string& flag, const std::map<std::string, Value>& values,
               const std::vector<std::string>& names, Value* chosen, const std::string& text) {
  app->add_option_function<std::string>(
         flag, [=](const std::string& name) { *chosen = values.at(name); }, text)
      ->check(cli::OneOf(names))
      ->default_str(names.front());
}

}  // namespace

void AddScoringFlags(CLI::App* app, ScoringOptions* options) {
  app->add_option("--resamples", options->resamples,
                  "Bootstrap resamples of the 95 % intervals, up to 10000; 0: no intervals")
      ->check(cli::Between(0, 10000))
      ->capture_default_str();
  AddChoice<evaluate::Test>(app, "--de-test",
                            {{"welch", evaluate::Test::kWelch},
                             {"overestimated-variance", evaluate::Test::kOverestimateVar},
                             {"wilcoxon", evaluate::Test::kWilcoxon},
                             {"wilcoxon-ties", evaluate::Test::kWilcoxonTies}},
                            {"welch", "overestimated-variance", "wilcoxon", "wilcoxon-ties"},
                            &options->test,
                            "Test that ranks the genes for the sets of differentially expressed "
                            "genes: welch, overestimated-variance, wilcoxon or wilcoxon-ties");
  AddChoice<ScoringRule>(app, "--rule",
                         {{"unlasting", ScoringRule::kUnlasting},
                          {"vcc2026", ScoringRule::kVcc2026},
                          {"cell-eval", ScoringRule::kCellEval}},
                         {"unlasting", "vcc2026", "cell-eval"}, &options->rule,
                         "Rule that the scores follow: unlasting (the scores of this project), "
                         "vcc2026 (of counts, on all genes) or cell-eval (of counts or log1p "
                         "values, on all genes)");
}

}  // namespace unlasting::trainer
