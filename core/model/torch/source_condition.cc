// The condition vector: what was done to a cell, as Block and Decoder hear it. It depends on the
// perturbation and the cell type alone, so that evaluators compute it once and add it to the bias
// of their first layers.
#include "core/model/torch/source.h"

namespace unlasting::model {

std::string ConditionSource() {
  return R"(
# What was done to each row's cell, [B, K]: a projection of the expected response that is `told`
# [B, 2 N], the mean in units of the genes' spread and the log variance, and embeddings of what was
# perturbed, but for rows that are `unnamed` [B].
def condition_vector(self, told: Tensor, knockout: Tensor, molecule: Optional[Tensor],
                     unnamed: Optional[Tensor]) -> Tensor:
    heard = self.product(told, self.condition_response)
    identity = self.product(knockout, self.condition_gene)
    if hasattr(self, "condition_molecule"):
        if molecule is not None:
            identity = identity + torch.matmul(molecule, self.condition_molecule)
    if unnamed is not None:
        identity = identity * (1.0 - unnamed).unsqueeze(1)
    return heard + identity

)";
}

}  // namespace unlasting::model
