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
}

}  // namespace unlasting::trainer
