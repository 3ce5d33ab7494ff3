#include "core/model/spec/config.h"

#include "absl/strings/str_cat.h"

namespace unlasting::model {
namespace {

absl::Status CheckRange(const char* name, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, ": found ", value, ", expected ", low, " to ", high));
}

absl::Status CheckWord(const char* name, const std::string& value, const char* a, const char* b) {
  if (value == a || value == b) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, ": found '", value, "', expected ", a, " or ", b));
}

}  // namespace

absl::Status ModelConfig::Validate() const {
  constexpr int64_t kMany = int64_t{1} << 24;
  for (const absl::Status& status :
       {CheckRange("genes", genes, 1, kMany), CheckRange("nodes", nodes, genes, kMany),
        CheckRange("cell_types", cell_types, 1, kMany),
        CheckRange("molecule_features", molecule_features, 0, kMany),
        CheckRange("dim", dim, 1, 4096), CheckRange("layers", layers, 1, 64),
        CheckRange("heads", heads, 1, 64), CheckRange("hidden", hidden, 1, 1 << 16),
        CheckRange("times", times, 2, 1 << 20), CheckRange("condition", condition, 0, 4096),
        CheckWord("recipe", recipe, "preconditioned", "paper"),
        CheckWord("grn_inputs", grn_inputs, "paper", "static"),
        CheckWord("mask_head", mask_head, "dense", "grn"),
        CheckWord("dose_gate", dose_gate, "linear", "sigmoid")}) {
    if (!status.ok()) return status;
  }
  if (expected_response && recipe != "preconditioned") {
    return absl::InvalidArgumentError("expected_response: needs the recipe preconditioned");
  }
  if (condition > 0 && !expected_response) {
    return absl::InvalidArgumentError("condition: needs expected_response");
  }
  if (trained_from_control && condition == 0) {
    return absl::InvalidArgumentError("trained_from_control: needs condition above 0");
  }
  return absl::OkStatus();
}

nlohmann::json ModelConfig::ToJson() const {
  return {{"genes", genes},
          {"nodes", nodes},
          {"cell_types", cell_types},
          {"molecule_features", molecule_features},
          {"dim", dim},
          {"layers", layers},
          {"heads", heads},
          {"hidden", hidden},
          {"times", times},
          {"recipe", recipe},
          {"grn_inputs", grn_inputs},
          {"residual", residual},
          {"control_input", control_input},
          {"grn", grn},
          {"control_residual", control_residual},
          {"expected_response", expected_response},
          {"mask_head", mask_head},
          {"dose_gate", dose_gate},
          {"condition", condition},
          {"trained_from_control", trained_from_control}};
}

absl::StatusOr<ModelConfig> ModelConfig::FromJson(const nlohmann::json& json) {
  ModelConfig config;
  try {
    config.genes = json.at("genes");
    config.nodes = json.at("nodes");
    config.cell_types = json.at("cell_types");
    config.molecule_features = json.at("molecule_features");
    config.dim = json.at("dim");
    config.layers = json.at("layers");
    config.heads = json.at("heads");
    config.hidden = json.at("hidden");
    config.times = json.at("times");
    config.recipe = json.at("recipe");
    config.grn_inputs = json.at("grn_inputs");
    config.residual = json.at("residual");
    config.control_input = json.at("control_input");
    config.grn = json.at("grn");
    config.control_residual = json.at("control_residual");
    config.expected_response = json.at("expected_response");
    config.mask_head = json.at("mask_head");
    config.dose_gate = json.at("dose_gate");
    // Absent in bundles from before there were condition vectors.
    config.condition = json.value("condition", config.condition);
    config.trained_from_control = json.value("trained_from_control", config.trained_from_control);
  } catch (const nlohmann::json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("model: ", error.what()));
  }
  const absl::Status status = config.Validate();
  if (!status.ok()) return status;
  return config;
}

}  // namespace unlasting::model
