// Ranges and words of settings, checked before any data is read.
#include "core/base/status.h"
#include "core/diffusion/solver.h"
#include "core/predict/query/query.h"
#include "trainer/settings/settings.h"

namespace unlasting::trainer {

absl::Status CheckConfig(const TrainConfig& c) {
  const auto word = [](const char* key, const std::string& value,
                       std::vector<std::string> expected) -> absl::Status {
    for (const auto& one : expected) {
      if (value == one) return absl::OkStatus();
    }
    std::string list;
    for (const auto& one : expected) absl::StrAppend(&list, list.empty() ? "" : " or ", one);
    return absl::InvalidArgumentError(absl::StrCat(key, ": found '", value, "', expected ", list));
  };
  UNLASTING_RETURN_IF_ERROR(word("unseen_genes", c.unseen_genes(), {"grn", "mean"}));
  UNLASTING_RETURN_IF_ERROR(
      word("prior_mean", c.prior_mean(), {"expected_response", "control", "global"}));
  UNLASTING_RETURN_IF_ERROR(word("control_input", c.control_input(), {"gaussian", "cells"}));
  UNLASTING_RETURN_IF_ERROR(word("ablation", c.ablation(), {"", "no_control", "no_grn"}));
  UNLASTING_RETURN_IF_ERROR(word("dose_gate", c.dose_gate(), {"linear", "sigmoid"}));
  UNLASTING_RETURN_IF_ERROR(
      word("molecule_features", c.molecule_features(), {"descriptors", "counts"}));
  UNLASTING_RETURN_IF_ERROR(word("balance", c.balance(), {"condition", "cells"}));
  UNLASTING_RETURN_IF_ERROR(word("validation", c.validation(), {"cells", "conditions"}));
  UNLASTING_RETURN_IF_ERROR(predict::ParseMaskMode(c.mask()).status());
  UNLASTING_RETURN_IF_ERROR(diffusion::ParseSolver(c.solver()).status());
  const auto at_least = [](const char* key, double value, double least) -> absl::Status {
    if (value >= least) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(key, ": found ", value, ", expected ", least, " or more"));
  };
  UNLASTING_RETURN_IF_ERROR(at_least("steps", c.steps(), 1));
  UNLASTING_RETURN_IF_ERROR(at_least("mask_steps", c.mask_steps(), 1));
  UNLASTING_RETURN_IF_ERROR(at_least("batch_size", c.batch_size(), 2));
  UNLASTING_RETURN_IF_ERROR(at_least("threads", c.threads(), 1));
  UNLASTING_RETURN_IF_ERROR(at_least("log_every", c.log_every(), 1));
  UNLASTING_RETURN_IF_ERROR(at_least("panel_cells", c.panel_cells(), 1));
  UNLASTING_RETURN_IF_ERROR(at_least("grn.max_in_degree", c.grn().max_in_degree(), 0));
  UNLASTING_RETURN_IF_ERROR(at_least("validate_every", c.validate_every(), 1));
  UNLASTING_RETURN_IF_ERROR(at_least("patience", c.patience(), 1));
  if (!(c.validation_fraction() >= 0 && c.validation_fraction() < 1)) {
    return absl::InvalidArgumentError(absl::StrCat("validation_fraction: found ",
                                                   c.validation_fraction(),
                                                   ", expected 0 or more and less than 1"));
  }
  const double cosine = c.grn().embedding_threshold();
  if (!(cosine > 0 && cosine <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("grn.embedding_threshold: found ", cosine, ", expected above 0, at most 1"));
  }
  if (!(c.response_dropout() >= 0 && c.response_dropout() <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("response_dropout: found ", c.response_dropout(), ", expected 0 to 1"));
  }
  if (!(c.mask_prior() >= 0 && c.mask_prior() <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("mask_prior: found ", c.mask_prior(), ", expected 0 to 1"));
  }
  if (!(c.learning_rate() > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("learning_rate: found ", c.learning_rate(), ", expected above 0"));
  }
  return absl::OkStatus();
}

}  // namespace unlasting::trainer
