// The condition vector: what was done to a cell, as Block and Decoder hear it. It depends on the
// perturbation and the cell type alone, so that evaluators compute it once and add it to the bias
// of their first layers.
#include "core/model/torch/source.h"

namespace unlasting::model {

std::string ConditionSource() {
  return R"(
# What was done to each row's cell, [B, K]: a projection of the expected response [B, 2 N], its mean
# in units of the genes' spread `s` [B, N], and embeddings of what was perturbed, but for rows that are
# `anonymous` [B], which are told the response alone, as are perturbations that training never had.
def condition_vector(self, response: Tensor, s: Tensor, knockout: Tensor,
                     molecule: Optional[Tensor], anonymous: Optional[Tensor]) -> Tensor:
    mean = response.narrow(1, 0, self.genes) / s
    bound = self.response_log_variance
    ratio = torch.clamp(response.narrow(1, self.genes, self.genes), -bound, bound)
    told = torch.matmul(torch.cat([mean, ratio], 1), self.condition_response)
    identity = torch.matmul(knockout, self.condition_gene)
    if hasattr(self, "condition_molecule"):
        if molecule is not None:
            identity = identity + torch.matmul(molecule, self.condition_molecule)
    if anonymous is not None:
        identity = identity * (1.0 - anonymous).unsqueeze(1)
    return told + identity

)";
}

}  // namespace unlasting::model
