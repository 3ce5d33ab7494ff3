#include "core/model/spec/parameters.h"

#include <cmath>

#include "absl/strings/str_cat.h"

namespace unlasting::model {
namespace {

double FanIn(int64_t n) { return 1.0 / std::sqrt(static_cast<double>(n)); }
const double kOnes = std::nan("");

// A linear map, stored [in, out].
void AddLinear(const std::string& name, int64_t in, int64_t out, const std::string& bias,
               std::vector<ParameterSpec>* specs) {
  specs->push_back({name, {in, out}, FanIn(in)});
  if (!bias.empty()) specs->push_back({bias, {out}, FanIn(in)});
}

// The condition vector (core/model/torch/source_condition.cc).
void AddCondition(const ModelConfig& c, std::vector<ParameterSpec>* specs) {
  AddLinear("condition_response", 2 * c.genes, c.condition, "", specs);
  // Zero: what training never perturbed adds nothing.
  specs->push_back({"condition_gene", {c.nodes, c.condition}, 0});
  if (c.molecule_features > 0) {
    specs->push_back({"condition_molecule", {c.molecule_features, c.condition}, 0});
  }
  AddLinear("block_condition", c.condition, c.hidden, "", specs);
  AddLinear("decoder_condition", c.condition, c.hidden, "", specs);
}

}  // namespace

std::vector<ParameterSpec> ParameterSpecs(NetworkKind kind, const ModelConfig& c) {
  const int64_t d = c.dim, n = c.genes, m = c.nodes, h = c.hidden;
  const bool denoiser = kind == NetworkKind::kDenoiser;
  std::vector<ParameterSpec> specs;
  specs.push_back({"gene_embedding", {m, d}, std::sqrt(3.0)});
  AddLinear("phi_gene", d, d, "phi_bias", &specs);
  specs.push_back({"phi_cell", {c.cell_embedding_rows(), d}, 0.1});
  AddLinear("phi_out", d, d, "phi_out_bias", &specs);
  if (c.molecule_features > 0) {
    AddLinear("drug_in", c.molecule_features, d, "drug_bias", &specs);
    if (c.dose_gate == "sigmoid") {
      specs.push_back({"gate_bias", {d}, 1.0});
      specs.push_back({"gate_log_hill", {d}, 0.5});
    } else {
      specs.push_back({"drug_dose", {d}, 0.5});
    }
    AddLinear("drug_out", d, d, "drug_out_bias", &specs);
    AddLinear("fuse_gene", d, d, "fuse_bias", &specs);
    AddLinear("fuse_drug", d, d, "", &specs);
    AddLinear("fuse_out", d, d, "fuse_out_bias", &specs);
  }
  specs.push_back({"psi_control_in", {d}, 1.0});
  specs.push_back({"psi_control_bias", {d}, 1.0});
  AddLinear("psi_control_out", d, d, "psi_control_out_bias", &specs);
  specs.push_back({"norm_weight", {c.layers, d}, kOnes});
  specs.push_back({"norm_bias", {c.layers, d}, 0});
  for (const char* side : {"left", "right"}) {
    specs.push_back({absl::StrCat(side, "_weight"), {c.layers, d, c.heads * d}, FanIn(d)});
    specs.push_back({absl::StrCat(side, "_bias"), {c.layers, c.heads * d}, FanIn(d)});
  }
  specs.push_back({"attention", {c.layers, c.heads, d}, FanIn(d)});
  specs.push_back({"gat_bias", {c.layers, d}, 0});
  specs.push_back({"readout_weight", {m, d}, denoiser ? FanIn(d) : 0.0});
  specs.push_back({"readout_bias", {m}, 0});
  if (denoiser) {
    AddLinear("time_weight", 2 * kFrequencies, kTimeFeatures, "time_bias", &specs);
    AddLinear("phi_time", kTimeFeatures, d, "", &specs);
    specs.push_back({"psi_x_in", {d}, 1.0});
    specs.push_back({"psi_x_bias", {d}, 1.0});
    AddLinear("psi_x_out", d, d, "psi_x_out_bias", &specs);
    AddLinear("block_in", n, h, "", &specs);
    AddLinear("block_time", kTimeFeatures, h, "", &specs);
    specs.push_back({"block_cell", {c.cell_embedding_rows(), h}, 0.1});
    AddLinear("block_mid", h, h, "block_mid_bias", &specs);
    AddLinear("block_out", h, n, "block_out_bias", &specs);
    AddLinear("decoder_time", kTimeFeatures, h, "", &specs);
  }
  if (denoiser || c.mask_head == "dense") {
    AddLinear("decoder_in", m, h, "", &specs);
    specs.push_back({"decoder_cell", {c.cell_embedding_rows(), h}, 0.1});
    AddLinear("decoder_mid", h, h, "decoder_mid_bias", &specs);
    // Zero: an untrained network predicts the Gaussian skip, or the control's own shares.
    specs.push_back({"decoder_out", {h, n}, 0});
    specs.push_back({"decoder_out_bias", {n}, 0});
  }
  if (denoiser && c.condition > 0) AddCondition(c, &specs);
  return specs;
}

}  // namespace unlasting::model
