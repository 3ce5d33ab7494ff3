// ModelConfig holds the shape and the switches of the networks; equal configurations have
// parameters of equal names and shapes.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace unlasting::model {

struct ModelConfig {
  int64_t genes = 0;  // N: measured genes, the output
  int64_t nodes = 0;  // N' >= N: with perturbed genes that have no expression
  int64_t cell_types = 1;
  int64_t molecule_features = 0;  // Ds; 0 where molecules are not known
  int64_t dim = 64;               // D, width of a node's embedding
  int64_t layers = 2;             // GRN layers
  int64_t heads = 2;              // H of eq 11
  int64_t hidden = 512;           // of Block and Decoder
  int64_t times = 500;            // T of the schedule
  // preconditioned: predicts through a per-gene Gaussian skip; paper: predicts x0 itself.
  std::string recipe = "preconditioned";
  // paper: x_t and t enter the GRN block; static: they do not.
  std::string grn_inputs = "paper";
  bool residual = true;           // residual and layer norm around each GRN layer
  bool control_input = true;      // off: ablation "w/o mu_c, sigma_c"
  bool grn = true;                // off: ablation "w/o GRN" (layers are skipped)
  bool control_residual = false;  // adds the control profile to the target's output
  // The skip of perturbed cells is centred on their expected response
  // (core/model/torch/expected_response.h), and the mask model starts from its shares.
  bool expected_response = false;
  // dense: the mask model's read-out passes a Decoder too; grn: the read-out alone, as in App. A.
  std::string mask_head = "dense";
  // How a drug's dose enters. linear: log10 of it joins the drug's features; sigmoid: what the drug
  // changes of a gene's embedding is multiplied, dimension by dimension, by a learned Hill curve of
  // the dose, so that it fades to nothing with the dose and saturates above.
  std::string dose_gate = "linear";
  // Width of the condition vector (core/model/torch/condition.h), by which Block and Decoder hear
  // what was done to a cell; 0: they do not. Needs `expected_response`.
  int64_t condition = 0;
  // Whether the skip of cells whose perturbation training had by itself (one gene, a drug) is
  // centred on the control cells, so that the network alone moves them; all others, pairs among
  // them, start from their expected response. Needs `condition`.
  bool trained_from_control = false;

  // Rows of the cell type embeddings: with `expected_response`, each type has a second one for
  // perturbations that training knew.
  int64_t cell_embedding_rows() const { return expected_response ? 2 * cell_types : cell_types; }

  nlohmann::json ToJson() const;
  // INVALID_ARGUMENT names the field that is absent or out of range.
  static absl::StatusOr<ModelConfig> FromJson(const nlohmann::json& json);
  absl::Status Validate() const;
};

}  // namespace unlasting::model
