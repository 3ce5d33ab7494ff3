#include "trainer/commands/scoring_flags.h"

#include <map>
#include <string>

namespace unlasting::trainer {

void AddScoringFlags(CLI::App* app, ScoringOptions* options) {
  app->add_option("--resamples", options->resamples,
                  "bootstrap resamples of the 95 % intervals; 0: no intervals")
      ->check(CLI::Range(0, 10000))
      ->capture_default_str();
  const std::map<std::string, evaluate::Test> tests = {
      {"welch", evaluate::Test::kWelch},
      {"overestimated-variance", evaluate::Test::kOverestimateVar},
      {"wilcoxon", evaluate::Test::kWilcoxon},
      {"wilcoxon-ties", evaluate::Test::kWilcoxonTies}};
  app->add_option("--de-test", options->test, "test that ranks the genes of the DE sets")
      ->transform(CLI::CheckedTransformer(tests).description("welch, overestimated-variance, "
                                                             "wilcoxon or wilcoxon-ties"))
      ->default_str("welch");
  const std::map<std::string, ScoringRule> rules = {{"unlasting", ScoringRule::kUnlasting},
                                                    {"vcc2026", ScoringRule::kVcc2026},
                                                    {"cell-eval", ScoringRule::kCellEval}};
  app->add_option("--rule", options->rule,
                  "scores of this project (unlasting) or by a rule of the field, on all genes: "
                  "vcc2026 scores counts, cell-eval counts or log1p values")
      ->transform(CLI::CheckedTransformer(rules).description("unlasting, vcc2026 or cell-eval"))
      ->default_str("unlasting");
}

}  // namespace unlasting::trainer
