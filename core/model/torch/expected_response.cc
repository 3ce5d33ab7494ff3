#include "core/model/torch/expected_response.h"

#include <torch/torch.h>

#include <string>
#include <vector>

#include "core/model/torch/source.h"

namespace unlasting::model {
namespace {

using torch::Tensor;

// Tables of more rows are kept as products of this rank: 10,000 knockouts of 5,000 genes are 20 MB
// so, and 400 MB whole.
constexpr int64_t kLargestRank = 512;
// Shapes as in expected_response.h; C cell types.
constexpr char kExpectedResponse[] = R"(
# How much each entry says of a row, [B, E], and whether training knew the row's perturbation, [B].
# `hidden` rows [B] are treated as if it had not: the other genes' mean stands for each of their
# genes, other drugs for theirs.
def response_weights(self, knockout: Tensor, molecule: Optional[Tensor], dose: Optional[Tensor],
                  hidden: Optional[Tensor]) -> Tuple[Tensor, Tensor]:
    genes = self.response_nodes.size(0)
    own = knockout.index_select(1, self.response_nodes)
    count = own.sum(1)
    mean = knockout.sum(1) - count
    known = torch.gt(count, 0.5).to(own.dtype) * torch.lt(mean, 0.5).to(own.dtype)
    if hidden is not None and genes > 1:
        others = genes / (genes - 1.0)
        mean = mean + hidden * count * others
        own = own * (1.0 - hidden * others).unsqueeze(1)
    drugs = torch.zeros([knockout.size(0), self.response_dose.size(0)], dtype=own.dtype,
                        device=own.device)
    if molecule is not None and dose is not None:
        length = torch.sqrt((molecule * molecule).sum(1))
        present = torch.gt(length, 0.0).to(own.dtype)
        similarity = torch.matmul(molecule / torch.clamp(length, 1e-12).unsqueeze(1),
                                  self.response_drugs)
        same = torch.gt(similarity, self.response_same).to(own.dtype)
        preferred = same
        if hidden is not None:
            preferred = same * (1.0 - 2.0 * hidden).unsqueeze(1)
        near = (similarity - 1.0) / self.response_similarity + self.response_bonus * preferred
        apart = (dose.unsqueeze(1) - self.response_dose) / self.response_decades
        near = near.index_select(1, self.response_drug) - 0.5 * apart * apart
        drugs = torch.softmax(near, 1) * present.unsqueeze(1)
        known = known * (1.0 - present) + same.amax([1]) * present
        own = own * (1.0 - present).unsqueeze(1)
        mean = mean * (1.0 - present)
    if hidden is not None:
        known = known * (1.0 - hidden)
    return torch.cat([own, mean.unsqueeze(1), drugs], 1), known

# `response` [B, columns of the table] and what genes that training never perturbed pass on along the
# gene network.
def add_propagated(self, response: Tensor, cell_type: Tensor, knockout: Tensor,
                hidden: Optional[Tensor]) -> Tensor:
    if hasattr(self, "response_self_effect"):
        untrained = self.response_of_untrained.unsqueeze(0)
        if hidden is not None:
            untrained = torch.max(untrained, hidden.unsqueeze(1))
        own = knockout * untrained * self.response_self_effect.index_select(0, cell_type)
        change = own
        for hop in range(self.propagation_hops):
            along = change.index_select(1, self.edge_source) * self.response_edge_weights
            along = torch.index_add(torch.zeros_like(own), 1, self.edge_target, along)
            change = own + (1.0 - knockout) * along
        change = own + self.response_damping * (change - own)
        change = change.narrow(1, 0, self.genes).unsqueeze(1)
        response = response + (change * self.response_gain).flatten(1)
    return response

# The expected response of each row, [B, columns of the table], and its row of the cell type
# embeddings, [B].
def expected_response(self, cell_type: Tensor, knockout: Tensor, molecule: Optional[Tensor],
                      dose: Optional[Tensor], hidden: Optional[Tensor]) -> Tuple[Tensor, Tensor]:
    weights, known = self.response_weights(knockout, molecule, dose, hidden)
    weights = weights.unsqueeze(1)
    by_type = torch.zeros([weights.size(0), self.cell_types, weights.size(2)],
                          dtype=weights.dtype, device=weights.device)
    at = cell_type.view([-1, 1, 1]).expand([-1, 1, weights.size(2)])
    by_type = by_type.scatter(1, at, weights).flatten(1)
    response = torch.matmul(torch.matmul(by_type, self.response_coefficients), self.response_basis)
    response = self.add_propagated(response, cell_type, knockout, hidden)
    return response, cell_type + self.cell_types * known.to(cell_type.dtype)

)";

struct Factors {
  Tensor coefficients;  // [rows, R]
  Tensor basis;         // [R, columns]
};

// The best approximation of rank kLargestRank; the table itself where it has no more rows.
Factors Factorise(const Tensor& table) {
  const int64_t rows = table.size(0);
  if (rows <= kLargestRank) return {torch::eye(rows), table.to(torch::kFloat32)};
  const Tensor wide = table.to(torch::kFloat64);
  const Tensor vectors = std::get<1>(torch::linalg_eigh(torch::matmul(wide, wide.t())));
  const Tensor kept = vectors.narrow(1, rows - kLargestRank, kLargestRank).contiguous();
  return {kept.to(torch::kFloat32), torch::matmul(kept.t(), wide).to(torch::kFloat32)};
}

}  // namespace

std::string ExpectedResponseSource() { return kExpectedResponse; }

void RegisterExpectedResponse(NetworkKind kind, const ModelConfig& config,
                              const ExpectedResponse& table, torch::jit::Module* module) {
  const Factors factors =
      Factorise(kind == NetworkKind::kMask ? table.active_logit
                                           : torch::cat({table.mean, table.log_variance}, 1));
  module->register_buffer("response_coefficients", factors.coefficients);
  module->register_buffer("response_basis", factors.basis);
  const bool from_control = kind == NetworkKind::kDenoiser && config.trained_from_control;
  if (from_control && table.met_mean.defined()) {
    const Factors met = Factorise(table.met_mean);
    module->register_buffer("response_met_coefficients", met.coefficients);
    module->register_buffer("response_met_basis", met.basis);
  }
  module->register_buffer("response_nodes", torch::tensor(table.nodes, torch::kInt64));
  module->register_buffer("response_drug", torch::tensor(table.drug, torch::kInt64));
  module->register_buffer("response_dose", torch::tensor(table.log10_dose, torch::kFloat32));
  module->register_buffer("response_drugs", table.drugs.t().contiguous().to(torch::kFloat32));
  if (!table.grn.has_value()) return;
  const GrnResponse& network = *table.grn;
  Tensor untrained = torch::ones({network.self_effect.size(1)});
  untrained.index_fill_(0, torch::tensor(table.nodes, torch::kInt64), 0.0);
  const Tensor gain =
      kind == NetworkKind::kMask
          ? network.active_logit.unsqueeze(0)
          : torch::stack({torch::ones_like(network.log_variance), network.log_variance});
  module->register_buffer("response_of_untrained", untrained);
  module->register_buffer("response_self_effect", network.self_effect.to(torch::kFloat32));
  module->register_buffer("response_edge_weights", network.edge_weights.to(torch::kFloat32));
  module->register_buffer("response_damping", torch::tensor({network.damping}, torch::kFloat32));
  module->register_buffer("response_gain", gain.to(torch::kFloat32));
}

}  // namespace unlasting::model
