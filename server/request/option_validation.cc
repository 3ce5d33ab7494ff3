#include "server/request/option_validation.h"

#include <cmath>
#include <numeric>
#include <string>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "core/predict/query/suggestion.h"
#include "proto/codec/enums.h"

namespace unlasting::server {
namespace {

// What a caller may have meant is looked for at the first errors alone: it takes milliseconds.
constexpr int64_t kMaxSuggestions = 5;

void ResolveSolver(const v1::PredictOptions& message, const bundle::Bundle& bundle,
                   predict::PredictOptions* options, Violations* violations) {
  if (!v1::Solver_IsValid(message.solver())) {
    violations->Add("options.solver", "INVALID_OPTION",
                    absl::StrCat("found ", message.solver(), ", expected DDIM or DPMPP_2M"));
  } else if (message.solver() != v1::SOLVER_UNSPECIFIED) {
    const auto solver = diffusion::ParseSolver(codec::SolverName(message.solver()));
    if (!solver.ok()) {
      violations->Add("options.solver", solver.status());
    } else if (*solver != options->solver) {
      options->solver = *solver;
      options->solver_steps = diffusion::DefaultSteps(*solver);
    }
  }
  const int max_steps = bundle.manifest().schedule_steps;
  if (message.solver_steps() < 0 || message.solver_steps() > max_steps) {
    violations->Add("options.solver_steps", "INVALID_OPTION",
                    absl::StrCat("found ", message.solver_steps(), ", expected 1 to ", max_steps));
  } else if (message.solver_steps() > 0) {
    options->solver_steps = message.solver_steps();
  }
}

void ResolveEta(const v1::PredictOptions& message, predict::PredictOptions* options,
                Violations* violations) {
  options->eta = message.eta();
  const absl::Status status = diffusion::CheckEta(options->solver, options->eta);
  if (!status.ok()) violations->Add("options.eta", "INVALID_OPTION", std::string(status.message()));
}

void ResolveMask(const v1::PredictOptions& message, predict::PredictOptions* options,
                 Violations* violations) {
  if (!v1::MaskMode_IsValid(message.mask())) {
    violations->Add(
        "options.mask", "INVALID_OPTION",
        absl::StrCat("found ", message.mask(), ", expected RANK, CELL, AGGREGATE, SAMPLE or NONE"));
  } else if (message.mask() != v1::MASK_MODE_UNSPECIFIED) {
    const auto mask = predict::ParseMaskMode(codec::MaskModeName(message.mask()));
    if (mask.ok()) {
      options->mask = *mask;
    } else {
      violations->Add("options.mask", mask.status());
    }
  }
  if (message.has_mask_threshold()) {
    const double threshold = message.mask_threshold();
    // Written so that NaN fails.
    if (threshold >= 0 && threshold <= 1) {
      options->mask_threshold = threshold;
    } else {
      violations->Add("options.mask_threshold", "INVALID_OPTION",
                      absl::StrCat("found ", threshold, ", expected 0 to 1"));
    }
  }
  options->seed = message.seed();
}

void ResolveGenes(const v1::PredictOptions& message, const bundle::Bundle& bundle,
                  const cells::GeneIndex& genes, ResultOptions* result, Violations* violations) {
  if (message.genes().empty()) {
    result->columns.resize(bundle.manifest().genes.size());
    std::iota(result->columns.begin(), result->columns.end(), 0);
    return;
  }
  std::unordered_set<int64_t> seen;
  for (int k = 0; k < message.genes_size(); ++k) {
    const std::string field = absl::StrCat("options.genes[", k, "]");
    const int64_t column = genes.Find(message.genes(k));
    if (column < 0) {
      violations->Add(
          field, "UNKNOWN_GENE",
          absl::StrCat("found '", message.genes(k), "'",
                       violations->count() < kMaxSuggestions
                           ? predict::GeneSuggestion(bundle.manifest(), message.genes(k))
                           : "",
                       "; expected a gene of the model"));
    } else if (!seen.insert(column).second) {
      violations->Add(
          field, "DUPLICATE_GENE",
          absl::StrCat("found '", message.genes(k), "' twice, expected distinct genes"));
    } else {
      result->columns.push_back(column);
    }
  }
}

void ResolveResult(const v1::PredictOptions& message, const RequestLimits& limits,
                   ResultOptions* result, Violations* violations) {
  if (!v1::ResultContent_IsValid(message.content())) {
    violations->Add(
        "options.content", "INVALID_OPTION",
        absl::StrCat("found ", message.content(), ", expected ALL, PROFILES or SUMMARIES"));
  }
  result->profiles = message.content() != v1::RESULT_CONTENT_SUMMARIES;
  result->summaries = message.content() != v1::RESULT_CONTENT_PROFILES;
  if (!v1::ValueKind_IsValid(message.value_kind())) {
    violations->Add(
        "options.value_kind", "INVALID_OPTION",
        absl::StrCat("found ", message.value_kind(), ", expected COUNTS, LOG1P or DRAWN_COUNTS"));
  } else if (message.value_kind() != v1::VALUE_KIND_UNSPECIFIED) {
    result->value_kind = message.value_kind();
  }
  if (!v1::MatrixEncoding_IsValid(message.encoding())) {
    violations->Add("options.encoding", "INVALID_OPTION",
                    absl::StrCat("found ", message.encoding(), ", expected a MatrixEncoding"));
  } else if (message.encoding() != v1::MATRIX_ENCODING_UNSPECIFIED) {
    result->encoding = message.encoding();
  }
  if (message.ranked_genes() < 0 || message.ranked_genes() > limits.max_ranked_genes) {
    violations->Add("options.ranked_genes", "INVALID_OPTION",
                    absl::StrCat("found ", message.ranked_genes(), ", expected 0 to ",
                                 limits.max_ranked_genes));
  } else if (message.ranked_genes() > 0) {
    result->ranked_genes = message.ranked_genes();
  }
}

}  // namespace

void ResolveOptions(const v1::PredictOptions& message, const bundle::Bundle& bundle,
                    const cells::GeneIndex& genes, const RequestLimits& limits,
                    predict::PredictOptions* options, ResultOptions* result,
                    Violations* violations) {
  *options = predict::DefaultOptions(bundle);
  ResolveSolver(message, bundle, options, violations);
  ResolveEta(message, options, violations);
  ResolveMask(message, options, violations);
  ResolveGenes(message, bundle, genes, result, violations);
  ResolveResult(message, limits, result, violations);
}

}  // namespace unlasting::server
