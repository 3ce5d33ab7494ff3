#include "core/model/torch/source.h"

#include "absl/strings/str_cat.h"

namespace unlasting::model {
namespace {

// Shapes: B rows, N genes, N' nodes (N' >= N), D width, H heads, E edges.
constexpr char kGrnBlock[] = R"(
# Phi, Psi_x, Psi_ctrl and the drug path (eq 7-10): node inputs [B, N', D]. Phi is linear in the
# concatenation (g, t, c) at its first layer, so each part is projected once and added.
def node_inputs(self, u: Optional[Tensor], t_features: Optional[Tensor], cell_type: Tensor,
                control: Optional[Tensor], knockout: Optional[Tensor],
                molecule: Optional[Tensor], dose: Optional[Tensor]) -> Tensor:
    gene = torch.matmul(self.gene_embedding, self.phi_gene)
    bias = self.phi_cell.index_select(0, cell_type) + self.phi_bias
    if hasattr(self, "phi_time"):
        if t_features is not None:
            bias = bias + torch.matmul(t_features, self.phi_time)
    phi = self.phi(gene, knockout, bias)
    if hasattr(self, "drug_in"):
        if molecule is not None and dose is not None:
            drug = torch.matmul(molecule, self.drug_in)
            if hasattr(self, "drug_dose"):
                drug = drug + dose.unsqueeze(1) * self.drug_dose
            drug = torch.silu(drug + self.drug_bias)
            drug = torch.matmul(drug, self.drug_out) + self.drug_out_bias
            fused = torch.silu(torch.matmul(phi, self.fuse_gene) +
                               torch.matmul(drug, self.fuse_drug).unsqueeze(1) + self.fuse_bias)
            fused = torch.matmul(fused, self.fuse_out) + self.fuse_out_bias
            # Rows without a molecule (all features zero) keep the gene path.
            present = torch.gt(molecule.abs().sum(1), 0.0).to(phi.dtype).view([-1, 1, 1])
            if hasattr(self, "gate_log_hill"):
                # A Hill curve in the dose: no dose, no change of the gene's own inputs.
                hill = 2.302585092994046 * torch.exp(self.gate_log_hill)
                gate = torch.sigmoid(self.gate_bias + dose.unsqueeze(1) * hill)
                present = present * gate.unsqueeze(1)
            phi = phi + present * (fused - phi)
    if control is not None and self.control_input:
        phi = self.add_psi(phi, control, self.psi_control_in, self.psi_control_bias,
                           self.psi_control_out, self.psi_control_out_bias)
    if hasattr(self, "psi_x_in"):
        if u is not None:
            phi = self.add_psi(phi, u, self.psi_x_in, self.psi_x_bias, self.psi_x_out,
                               self.psi_x_out_bias)
    return phi

# Message passing (eq 11) and gene-wise read-out (eq 12): [B, N', D] -> [B, N'].
def grn(self, inputs: Tensor) -> Tensor:
    h = inputs
    if self.grn_on:
        for layer in range(self.layers):
            h = self.grn_layer(h, layer)
    return (h * self.readout_weight).sum(2) + self.readout_bias

)";

constexpr char kDecoder[] = R"(
# MLP over all nodes. Parameters that a network lacks are compiled out by `hasattr`.
def decoder(self, x: Tensor, t_features: Optional[Tensor], cell_type: Tensor) -> Tensor:
    h = torch.matmul(x, self.decoder_in) + self.decoder_cell.index_select(0, cell_type)
    if hasattr(self, "decoder_time"):
        if t_features is not None:
            h = h + torch.matmul(t_features, self.decoder_time)
    h = torch.matmul(torch.silu(h), self.decoder_mid) + self.decoder_mid_bias
    return torch.matmul(torch.silu(h), self.decoder_out) + self.decoder_out_bias
)";

constexpr char kDenoiser[] = R"(
def time_features(self, t: Tensor) -> Tensor:
    angle = t.to(self.frequency.dtype).unsqueeze(1) * self.frequency
    wave = torch.cat([torch.sin(angle), torch.cos(angle)], 1)
    return torch.silu(torch.matmul(wave, self.time_weight) + self.time_bias)

# GRN block, Block and Decoder (Fig 3, Appendix C): [B, N].
def network_output(self, u: Tensor, t: Tensor, cell_type: Tensor, control: Optional[Tensor],
                   knockout: Optional[Tensor], molecule: Optional[Tensor],
                   dose: Optional[Tensor]) -> Tensor:
    t_features = self.time_features(t)
    if self.static_grn:
        inputs = self.node_inputs(None, None, cell_type, control, knockout, molecule, dose)
    else:
        inputs = self.node_inputs(u, t_features, cell_type, control, knockout, molecule, dose)
    gene_readout = self.grn(inputs.expand([u.size(0), -1, -1]))
    h = torch.matmul(u, self.block_in) + torch.matmul(t_features, self.block_time)
    h = torch.silu(h + self.block_cell.index_select(0, cell_type))
    h = torch.silu(torch.matmul(h, self.block_mid) + self.block_mid_bias)
    block = torch.matmul(h, self.block_out) + self.block_out_bias
    merged = torch.constant_pad_nd(block, [0, self.nodes - self.genes], 0) + gene_readout
    return self.decoder(merged, t_features, cell_type)

# Per-gene Gaussian skip: with x0 ~ N(mu, s^2) and F = 0 the prediction is already the posterior
# mean, so inversion stays standard normal where the network knows nothing.
# Returns the prediction of F = 0, c_out and the normalised input, each [B, N].
def skip(self, x_t: Tensor, t: Tensor, mu: Tensor, s2: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    abar = self.alpha_bar.index_select(0, t).unsqueeze(1)
    variance = (1.0 - abar) / abar
    total = s2 + variance
    centred = x_t / torch.sqrt(abar) - mu
    return mu + s2 / total * centred, torch.sqrt(variance * s2 / total), \
        centred / torch.sqrt(total)

# F behind the skip: what the network adds, the skip's own prediction, and c_out; [B, N].
def behind_skip(self, x_t: Tensor, t: Tensor, cell_type: Tensor, control: Optional[Tensor],
                knockout: Optional[Tensor], molecule: Optional[Tensor], dose: Optional[Tensor],
                hidden: Optional[Tensor]) -> Tuple[Tensor, Tensor, Tensor]:
    mu = self.prior_mean.index_select(0, cell_type)
    s2 = self.prior_variance.index_select(0, cell_type)
    units: Optional[Tensor] = None
    if control is not None:
        units = (control - mu) / torch.sqrt(s2)
    embedding_row = cell_type
    if hasattr(self, "response_basis"):
        if control is not None and knockout is not None:
            response, embedding_row = self.expected_response(cell_type, knockout, molecule,
                                                             dose, hidden)
            mu = mu + response.narrow(1, 0, self.genes)
            ratio = response.narrow(1, self.genes, self.genes)
            bound = self.response_log_variance
            s2 = s2 * torch.exp(torch.clamp(ratio, -bound, bound))
    base, c_out, u = self.skip(x_t, t, mu, s2)
    return self.network_output(u, t, embedding_row, units, knockout, molecule, dose), base, c_out

# x0 of eq 6, [B, N].
def denoise(self, x_t: Tensor, t: Tensor, cell_type: Tensor, control: Optional[Tensor],
            knockout: Optional[Tensor], molecule: Optional[Tensor], dose: Optional[Tensor],
            hidden: Optional[Tensor]) -> Tensor:
    if self.preconditioned:
        f, base, c_out = self.behind_skip(x_t, t, cell_type, control, knockout, molecule, dose,
                                          hidden)
        x0 = base + c_out * f
    else:
        x0 = self.network_output(x_t, t, cell_type, control, knockout, molecule, dose)
    if self.control_residual and control is not None:
        x0 = x0 + control
    return x0

# Mean squared error: of F over all genes (preconditioned), or of x0 over expressed genes (eq 13).
def loss(self, x_0: Tensor, x_t: Tensor, t: Tensor, cell_type: Tensor, control: Optional[Tensor],
         knockout: Optional[Tensor], molecule: Optional[Tensor], dose: Optional[Tensor],
         hidden: Optional[Tensor]) -> Tensor:
    if self.preconditioned:
        f, base, c_out = self.behind_skip(x_t, t, cell_type, control, knockout, molecule, dose,
                                          hidden)
        wanted = x_0 - base
        if self.control_residual and control is not None:
            wanted = wanted - control
        return torch.pow(f - wanted / c_out, 2).mean(1)
    x0 = self.denoise(x_t, t, cell_type, control, knockout, molecule, dose, hidden)
    active = torch.ne(x_0, 0.0).to(x_0.dtype)
    return (active * torch.pow(x_0 - x0, 2)).sum(1) / torch.clamp(active.sum(1), 1.0)
)";

constexpr char kMask[] = R"(
# Appendix A: logits that each gene is active, [B, N], on top of the control cells' own shares.
def logits(self, cell_type: Tensor, control: Tensor, knockout: Optional[Tensor],
           molecule: Optional[Tensor], dose: Optional[Tensor],
           hidden: Optional[Tensor]) -> Tensor:
    mu = self.prior_mean.index_select(0, cell_type)
    s2 = self.prior_variance.index_select(0, cell_type)
    units = (control - mu) / torch.sqrt(s2)
    start = self.active_logit.index_select(0, cell_type)
    embedding_row = cell_type
    if hasattr(self, "response_basis"):
        if knockout is not None:
            response, embedding_row = self.expected_response(cell_type, knockout, molecule,
                                                             dose, hidden)
            start = start + response
    inputs = self.node_inputs(None, None, embedding_row, units, knockout, molecule, dose)
    gene_readout = self.grn(inputs.expand([control.size(0), -1, -1]))
    out = gene_readout.narrow(1, 0, self.genes) + start
    if hasattr(self, "decoder_in"):
        out = out + self.decoder(gene_readout, None, embedding_row)
    return out

def loss(self, x_0: Tensor, cell_type: Tensor, control: Tensor, knockout: Optional[Tensor],
         molecule: Optional[Tensor], dose: Optional[Tensor],
         hidden: Optional[Tensor]) -> Tensor:
    active = torch.ne(x_0, 0.0).to(x_0.dtype)
    z = self.logits(cell_type, control, knockout, molecule, dose, hidden)
    # Binary cross entropy on logits, eq A.1.
    return (torch.clamp(z, 0.0) - z * active + torch.log1p(torch.exp(-z.abs()))).mean(1)
)";

constexpr char kPlainLayers[] = R"(
# silu(gene + bias) through a linear map, the gene's part only where it is not knocked out:
# gene [N', D], bias [B, D] -> [B, N', D].
def phi(self, gene: Tensor, knockout: Optional[Tensor], bias: Tensor) -> Tensor:
    g = gene.unsqueeze(0)
    if knockout is not None:
        g = g * (1.0 - knockout).unsqueeze(2)
    hidden = torch.silu(g + bias.unsqueeze(1))
    return torch.matmul(hidden, self.phi_out) + self.phi_out_bias

# Adds an embedding of one number a gene, x [B, N], to the first N nodes.
def add_psi(self, base: Tensor, x: Tensor, in_weight: Tensor, in_bias: Tensor, out: Tensor,
            out_bias: Tensor) -> Tensor:
    hidden = torch.silu(x.unsqueeze(2) * in_weight + in_bias)
    psi = torch.matmul(hidden, out) + out_bias
    return base + torch.constant_pad_nd(psi, [0, 0, 0, self.nodes - self.genes], 0)

def grn_layer(self, h: Tensor, layer: int) -> Tensor:
    x = h
    if self.residual:
        x = torch.layer_norm(h, [self.dim], self.norm_weight[layer], self.norm_bias[layer])
    left = torch.matmul(x, self.left_weight[layer]) + self.left_bias[layer]
    right = torch.matmul(x, self.right_weight[layer]) + self.right_bias[layer]
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

}  // namespace

std::string DenoiserSource(bool expected_response) {
  return absl::StrCat(kGrnBlock, expected_response ? ExpectedResponseSource() : "", kDecoder,
                      kDenoiser);
}
std::string MaskSource(bool dense_head, bool expected_response) {
  return absl::StrCat(kGrnBlock, expected_response ? ExpectedResponseSource() : "",
                      dense_head ? kDecoder : "", kMask);
}
std::string LayersSource(Attention attention) {
  switch (attention) {
    case Attention::kPlain:
      return absl::StrCat(kPlainAttend, kPlainLayers);
    case Attention::kOperator:
      return absl::StrCat(kOperatorAttend, kPlainLayers);
    case Attention::kFused:
      return kFusedLayers;
  }
  return "";
}

}  // namespace unlasting::model
