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
            fused = torch.silu(self.product(phi, self.fuse_gene) +
                               self.product(drug, self.fuse_drug).unsqueeze(1) + self.fuse_bias)
            fused = self.product(fused, self.fuse_out) + self.fuse_out_bias
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
def decoder(self, x: Tensor, t_features: Optional[Tensor], cell_type: Tensor,
            condition: Optional[Tensor]) -> Tensor:
    h = self.product(x, self.decoder_in) + self.decoder_cell.index_select(0, cell_type)
    if hasattr(self, "decoder_condition"):
        if condition is not None:
            h = h + self.product(condition, self.decoder_condition)
    if hasattr(self, "decoder_time"):
        if t_features is not None:
            h = h + torch.matmul(t_features, self.decoder_time)
    h = self.product(torch.silu(h), self.decoder_mid) + self.decoder_mid_bias
    return self.product(torch.silu(h), self.decoder_out) + self.decoder_out_bias
)";

constexpr char kDenoiser[] = R"(
def time_features(self, t: Tensor) -> Tensor:
    angle = t.to(self.frequency.dtype).unsqueeze(1) * self.frequency
    wave = torch.cat([torch.sin(angle), torch.cos(angle)], 1)
    return torch.silu(torch.matmul(wave, self.time_weight) + self.time_bias)

# x [B, ...], each row `share` times.
def repeated(self, x: Optional[Tensor], share: int) -> Optional[Tensor]:
    if x is None or share == 1:
        return x
    return torch.repeat_interleave(x, share, 0)

# GRN block, Block and Decoder (Fig 3, Appendix C): [B share, N] of u [B share, N], t [B share] and
# what else a row has, [B, ...].
def network_output(self, u: Tensor, t: Tensor, cell_type: Tensor, control: Optional[Tensor],
                   knockout: Optional[Tensor], molecule: Optional[Tensor],
                   dose: Optional[Tensor], condition: Optional[Tensor]) -> Tensor:
    t_features = self.time_features(t)
    rows = cell_type.size(0)
    share = u.size(0) // rows
    types = torch.repeat_interleave(cell_type, share, 0)
    if self.static_grn:
        if control is None and knockout is None and self.prior_mean.size(0) < rows:
            # Control cells of a type share what the block makes of them.
            every = torch.arange(self.prior_mean.size(0), device=cell_type.device)
            inputs = self.node_inputs(None, None, every, None, None, None, None)
            gene_readout = self.grn(inputs.expand([every.size(0), -1, -1]))
            gene_readout = gene_readout.index_select(0, types)
        else:
            inputs = self.node_inputs(None, None, cell_type, control, knockout, molecule, dose)
            gene_readout = self.grn(inputs.expand([rows, -1, -1]))
            gene_readout = torch.repeat_interleave(gene_readout, share, 0)
    else:
        inputs = self.node_inputs(u, t_features, types, self.repeated(control, share),
                                  self.repeated(knockout, share), self.repeated(molecule, share),
                                  self.repeated(dose, share))
        gene_readout = self.grn(inputs.expand([u.size(0), -1, -1]))
    condition = self.repeated(condition, share)
    h = self.product(u, self.block_in) + torch.matmul(t_features, self.block_time)
    if hasattr(self, "block_condition"):
        if condition is not None:
            h = h + self.product(condition, self.block_condition)
    h = torch.silu(h + self.block_cell.index_select(0, types))
    h = torch.silu(self.product(h, self.block_mid) + self.block_mid_bias)
    block = self.product(h, self.block_out) + self.block_out_bias
    merged = torch.constant_pad_nd(block, [0, self.nodes - self.genes], 0) + gene_readout
    return self.decoder(merged, t_features, types, condition)

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

# F behind the skip: what the network adds, the skip's own prediction, and c_out; [B, N]. In training
# `share` cells may have a row's conditions in common, one after the other, and these are [B share, N].
def behind_skip(self, x_t: Tensor, t: Tensor, cell_type: Tensor, control: Optional[Tensor],
                knockout: Optional[Tensor], molecule: Optional[Tensor], dose: Optional[Tensor],
                hidden: Optional[Tensor],
                anonymous: Optional[Tensor]) -> Tuple[Tensor, Tensor, Tensor]:
    mu = self.prior_mean.index_select(0, cell_type)
    s2 = self.prior_variance.index_select(0, cell_type)
    units: Optional[Tensor] = None
    if control is not None:
        units = (control - mu) / torch.sqrt(s2)
    embedding_row = cell_type
    condition: Optional[Tensor] = None
    if hasattr(self, "response_basis"):
        if control is not None and knockout is not None:
            response, embedding_row = self.expected_response(cell_type, knockout, molecule,
                                                             dose, hidden)
            mean = response.narrow(1, 0, self.genes)
            ratio = response.narrow(1, self.genes, self.genes)
            bound = self.response_log_variance
            ratio = torch.clamp(ratio, -bound, bound)
            unnamed = anonymous
            if self.trained_from_control:
                # Combinations and what training did not have are told their response alone.
                named = torch.logical_and(torch.ge(embedding_row, self.cell_types),
                                          torch.lt(knockout.sum(1), 1.5))
                if anonymous is not None:
                    named = torch.logical_and(named, torch.lt(anonymous, 0.5))
                embedding_row = cell_type + self.cell_types * named.to(cell_type.dtype)
                unnamed = 1.0 - named.to(mean.dtype)
            if hasattr(self, "condition_response"):
                told = torch.cat([mean / torch.sqrt(s2), ratio], 1)
                condition = self.condition_vector(told, knockout, molecule, unnamed)
            if self.trained_from_control and unnamed is not None:
                mean = mean * unnamed.unsqueeze(1)
                ratio = ratio * unnamed.unsqueeze(1)
            mu = mu + mean
            s2 = s2 * torch.exp(ratio)
    share = x_t.size(0) // cell_type.size(0)
    if share > 1:
        mu = torch.repeat_interleave(mu, share, 0)
        s2 = torch.repeat_interleave(s2, share, 0)
    base, c_out, u = self.skip(x_t, t, mu, s2)
    f = self.network_output(u, t, embedding_row, units, knockout, molecule, dose, condition)
    return f, base, c_out

# x0 of eq 6, [B, N].
def denoise(self, x_t: Tensor, t: Tensor, cell_type: Tensor, control: Optional[Tensor],
            knockout: Optional[Tensor], molecule: Optional[Tensor], dose: Optional[Tensor],
            hidden: Optional[Tensor]) -> Tensor:
    if self.preconditioned:
        f, base, c_out = self.behind_skip(x_t, t, cell_type, control, knockout, molecule, dose,
                                          hidden, None)
        x0 = base + c_out * f
    else:
        x0 = self.network_output(x_t, t, cell_type, control, knockout, molecule, dose, None)
    if self.control_residual and control is not None:
        x0 = x0 + torch.repeat_interleave(control, x_t.size(0) // control.size(0), 0)
    return x0

# Mean squared error: of F over all genes (preconditioned), or of x0 over expressed genes (eq 13), and
# that of a network whose output is 0; [B share, 2] of x_0, x_t [B share, N] and t [B share].
def loss(self, x_0: Tensor, x_t: Tensor, t: Tensor, cell_type: Tensor, control: Optional[Tensor],
         knockout: Optional[Tensor], molecule: Optional[Tensor], dose: Optional[Tensor],
         hidden: Optional[Tensor], anonymous: Optional[Tensor]) -> Tensor:
    if self.preconditioned:
        f, base, c_out = self.behind_skip(x_t, t, cell_type, control, knockout, molecule, dose,
                                          hidden, anonymous)
        wanted = x_0 - base
        if self.control_residual and control is not None:
            wanted = wanted - torch.repeat_interleave(control, x_0.size(0) // control.size(0), 0)
        wanted = wanted / c_out
        return torch.stack([torch.pow(f - wanted, 2).mean(1), torch.pow(wanted, 2).mean(1)], 1)
    x0 = self.denoise(x_t, t, cell_type, control, knockout, molecule, dose, hidden)
    active = torch.ne(x_0, 0.0).to(x_0.dtype)
    count = torch.clamp(active.sum(1), 1.0)
    return torch.stack([(active * torch.pow(x_0 - x0, 2)).sum(1) / count,
                        torch.pow(x_0, 2).sum(1) / count], 1)
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
        out = out + self.decoder(gene_readout, None, embedding_row, None)
    return out

def loss(self, x_0: Tensor, cell_type: Tensor, control: Tensor, knockout: Optional[Tensor],
         molecule: Optional[Tensor], dose: Optional[Tensor],
         hidden: Optional[Tensor]) -> Tensor:
    active = torch.ne(x_0, 0.0).to(x_0.dtype)
    z = self.logits(cell_type, control, knockout, molecule, dose, hidden)
    # Cells that share a row's conditions stand one after the other.
    z = torch.repeat_interleave(z, x_0.size(0) // z.size(0), 0)
    # Binary cross entropy on logits, eq A.1.
    return (torch.clamp(z, 0.0) - z * active + torch.log1p(torch.exp(-z.abs()))).mean(1)
)";

}  // namespace

std::string DenoiserSource(bool expected_response, bool condition) {
  return absl::StrCat(kGrnBlock, expected_response ? ExpectedResponseSource() : "",
                      condition ? ConditionSource() : "", kDecoder, kDenoiser);
}
std::string MaskSource(bool dense_head, bool expected_response) {
  return absl::StrCat(kGrnBlock, expected_response ? ExpectedResponseSource() : "",
                      dense_head ? kDecoder : "", kMask);
}
}  // namespace unlasting::model
