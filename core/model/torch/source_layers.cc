// The layers over nodes, [B, N', D]: in plain tensor operations, or through the operators.
#include "absl/strings/str_cat.h"
#include "core/model/torch/source.h"

namespace unlasting::model {
namespace {

constexpr char kPlainLayers[] = R"(
# silu(gene + bias) through a linear map, the gene's part only where it is not knocked out:
# gene [N', D], bias [B, D] -> [B, N', D].
def phi(self, gene: Tensor, knockout: Optional[Tensor], bias: Tensor) -> Tensor:
    g = gene.unsqueeze(0)
    if knockout is not None:
        g = g * (1.0 - knockout).unsqueeze(2)
    hidden = torch.silu(g + bias.unsqueeze(1))
    return self.product(hidden, self.phi_out) + self.phi_out_bias

# Adds an embedding of one number a gene, x [B, N], to the first N nodes.
def add_psi(self, base: Tensor, x: Tensor, in_weight: Tensor, in_bias: Tensor, out: Tensor,
            out_bias: Tensor) -> Tensor:
    hidden = torch.silu(x.unsqueeze(2) * in_weight + in_bias)
    psi = self.product(hidden, out) + out_bias
    return base + torch.constant_pad_nd(psi, [0, 0, 0, self.nodes - self.genes], 0)

def grn_layer(self, h: Tensor, layer: int) -> Tensor:
    x = h
    if self.residual:
        x = torch.layer_norm(h, [self.dim], self.norm_weight[layer], self.norm_bias[layer])
    left = self.product(x, self.left_weight[layer]) + self.left_bias[layer]
    right = self.product(x, self.right_weight[layer]) + self.right_bias[layer]
    left = left.view([left.size(0), self.nodes, self.heads, self.dim])
    right = right.view([left.size(0), self.nodes, self.heads, self.dim])
    out = self.attend(left, right, self.attention[layer]) + self.gat_bias[layer]
    if self.residual:
        out = h + out
    return out
)";

constexpr char kPlainAttend[] = R"(
# GATv2 (Brody et al.), heads averaged; each edge's softmax runs over its target's sources.
def attend(self, left: Tensor, right: Tensor, attention: Tensor) -> Tensor:
    sources = left.index_select(1, self.edge_source)
    joined = torch.leaky_relu(sources + right.index_select(1, self.edge_target), 0.2)
    score = (joined * attention).sum(3)
    index = self.edge_target.view([1, -1, 1]).expand_as(score)
    zeros = torch.zeros([left.size(0), left.size(1), left.size(2)], dtype=left.dtype,
                        device=left.device)
    peak = torch.scatter_reduce(zeros, 1, index, score, "amax", include_self=False)
    weight = torch.exp(score - peak.index_select(1, self.edge_target))
    total = torch.index_add(zeros, 1, self.edge_target, weight)
    weight = weight / total.index_select(1, self.edge_target)
    out = torch.index_add(torch.zeros_like(left), 1, self.edge_target,
                          weight.unsqueeze(3) * sources)
    return out.mean(2)
)";

constexpr char kOperatorAttend[] = R"(
def attend(self, left: Tensor, right: Tensor, attention: Tensor) -> Tensor:
    return unlasting.gatv2(left, right, attention, self.edge_indptr, self.edge_source)
)";

constexpr char kFusedLayers[] = R"(
def phi(self, gene: Tensor, knockout: Optional[Tensor], bias: Tensor) -> Tensor:
    return unlasting.phi(gene, knockout, bias, self.phi_out, self.phi_out_bias)

def add_psi(self, base: Tensor, x: Tensor, in_weight: Tensor, in_bias: Tensor, out: Tensor,
            out_bias: Tensor) -> Tensor:
    return unlasting.add_psi(base, x, in_weight, in_bias, out, out_bias)

def grn_layer(self, h: Tensor, layer: int) -> Tensor:
    return unlasting.grn_layer(h, self.norm_weight[layer], self.norm_bias[layer],
                               self.left_weight[layer], self.left_bias[layer],
                               self.right_weight[layer], self.right_bias[layer],
                               self.attention[layer], self.gat_bias[layer], self.edge_indptr,
                               self.edge_source, self.residual)
)";

// Of activations and a weight: what most of a network's arithmetic is.
constexpr char kFloat32Product[] = R"(
def product(self, x: Tensor, weight: Tensor) -> Tensor:
    return torch.matmul(x, weight)
)";

constexpr char kBf16Product[] = R"(
def product(self, x: Tensor, weight: Tensor) -> Tensor:
    return unlasting.bf16_product(x, weight)
)";

const char* Layers(Attention attention) {
  return attention == Attention::kFused ? kFusedLayers : kPlainLayers;
}

const char* Attend(Attention attention) {
  switch (attention) {
    case Attention::kPlain:
      return kPlainAttend;
    case Attention::kOperator:
      return kOperatorAttend;
    case Attention::kFused:
      return "";  // within its layers
  }
  return "";
}

}  // namespace

std::string LayersSource(Attention attention, Products products) {
  return absl::StrCat(products == Products::kBf16 ? kBf16Product : kFloat32Product,
                      Attend(attention), Layers(attention));
}

}  // namespace unlasting::model
