"""The paper's equations 1 to 15 as they are printed, in PyTorch and PyG: what a Python user who follows the paper has.
Co-expression above 0.3, two GATv2 layers of two heads, loss on expressed genes, mask model, DDIM there and back. On a
CPU: as many steps as 300 processor seconds allow, at a rate of 1e-3 in place of 1e-4, and 20 DDIM steps each way."""
import numpy as np
from cells import Task, dense, genes_of, processor_seconds

import torch
from torch import nn
from torch_geometric.nn import GATv2Conv

DIM, HIDDEN, TIME, BATCH, STEPS, DDIM = 64, 512, 128, 32, 500, 20
DENOISER_SECONDS, MASK_SECONDS = 240, 60


def mlp(*sizes):
    layers = []
    for before, after in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(before, after), nn.SiLU()]
    return nn.Sequential(*layers[:-1])


class Grn(nn.Module):
    """Equations 7 to 12: a value for each gene. A drug is a one-hot label; a gene's own node is silenced."""

    def __init__(self, genes, nodes, edges, context, drugs):
        super().__init__()
        self.genes, self.nodes, self.edges = genes, nodes, edges
        self.embedding = nn.Embedding(nodes, DIM)
        self.phi, self.psi_x, self.psi_control = mlp(DIM + context, 2 * DIM, DIM), mlp(1, DIM, DIM), mlp(1, DIM, DIM)
        self.drug = mlp(drugs, DIM, DIM) if drugs else None
        self.fuse = mlp(2 * DIM, DIM, DIM) if drugs else None
        self.layers = nn.ModuleList([GATv2Conv(DIM, DIM, heads=2, concat=False) for _ in range(2)])
        self.weight, self.bias = nn.Parameter(torch.randn(nodes, DIM) / DIM**0.5), nn.Parameter(torch.zeros(nodes))

    def forward(self, context, x, control, knockout, drug):
        rows = context.shape[0]
        gene = self.embedding.weight.expand(rows, -1, -1)
        if knockout is not None:
            gene = gene * (1 - knockout[..., None])
        h = self.phi(torch.cat([gene, context[:, None].expand(-1, self.nodes, -1)], -1))
        if drug is not None and self.drug is not None:
            told = self.drug(drug)[:, None].expand(-1, self.nodes, -1)
            h = torch.where((drug.sum(1) > 0)[:, None, None], self.fuse(torch.cat([h, told], -1)), h)
        for psi, values in ((self.psi_x, x), (self.psi_control, control)):
            if values is not None:
                h = h + nn.functional.pad(psi(values[..., None]), (0, 0, 0, self.nodes - self.genes))
        h = h.reshape(rows * self.nodes, DIM)
        offset = (torch.arange(rows) * self.nodes).repeat_interleave(self.edges.shape[1])
        edges = self.edges.repeat(1, rows) + offset
        for layer in self.layers:
            h = torch.relu(layer(h, edges))
        return ((h.view(rows, self.nodes, DIM) * self.weight).sum(-1) + self.bias)[:, :self.genes]


class Denoiser(nn.Module):
    """Equation 6: x_0 of x_t. Without control and perturbation it is the source model."""

    def __init__(self, genes, nodes, edges, types, drugs):
        super().__init__()
        self.time, self.cell_type = mlp(TIME, TIME, TIME), nn.Embedding(types, TIME)
        self.grn = Grn(genes, nodes, edges, 2 * TIME, drugs)
        self.block, self.decoder = (mlp(genes + 2 * TIME, HIDDEN, HIDDEN, genes) for _ in range(2))

    def forward(self, x, t, cell_type, control=None, knockout=None, drug=None):
        angle = t[:, None] * torch.exp(-torch.arange(TIME // 2) * (9.21 / (TIME // 2)))
        context = torch.cat([self.time(torch.cat([angle.sin(), angle.cos()], -1)), self.cell_type(cell_type)], -1)
        h = self.block(torch.cat([x, context], -1)) + self.grn(context, x, control, knockout, drug)
        return self.decoder(torch.cat([h, context], -1))


class Mask(nn.Module):
    """Appendix A: the logit that each gene is active."""

    def __init__(self, genes, nodes, edges, types, drugs):
        super().__init__()
        self.cell_type, self.grn = nn.Embedding(types, TIME), Grn(genes, nodes, edges, TIME, drugs)

    def forward(self, cell_type, control, knockout, drug):
        return self.grn(self.cell_type(cell_type), None, control, knockout, drug)


task = Task(__doc__)
torch.set_num_threads(1)
torch.manual_seed(task.seed)
random = np.random.default_rng(task.seed)
values = dense(task.training)
scale = values.max()
values = torch.from_numpy(values / scale)
conditions, types = (np.asarray(task.training.obs[name]) for name in ("condition", "cell_type"))
type_names = sorted(set(types))
is_control = conditions == "ctrl"
with_genes = task.info["genes"]
asked = sorted(set(conditions) | {condition for condition, _ in task.groups})
extra = sorted({g for c in asked for g in genes_of(c)} - set(task.genes)) if with_genes else []
drugs = [] if with_genes else sorted(set(conditions) - {"ctrl"})
nodes, genes = task.genes + extra, len(task.genes)
correlation = np.nan_to_num(np.corrcoef(values[is_control].numpy().T))
edges = torch.from_numpy(np.array(np.nonzero((np.abs(correlation) >= 0.3) & ~np.eye(genes, dtype=bool))))
shape = (genes, len(nodes), edges, len(type_names), len(drugs))
knockouts = {c: torch.tensor([float(n in genes_of(c)) for n in nodes]) for c in asked} if with_genes else {}
one_hot = {c: torch.tensor([float(c == d) for d in drugs]) for c in asked}
mean = torch.stack([values[is_control & (types == t)].mean(0) for t in type_names])
deviation = torch.stack([values[is_control & (types == t)].std(0) for t in type_names])
alpha = torch.cumprod(1 - torch.linspace(2e-4, 0.04, STEPS), 0)
groups = [np.flatnonzero((conditions == c) & (types == t)) for c in sorted(set(conditions)) for t in type_names]
treated = [rows for rows in groups if len(rows) and not is_control[rows[0]]]
controls = [rows for rows in groups if len(rows) and is_control[rows[0]]]


def inputs_of(names):
    return (torch.stack([knockouts[c] for c in names]) if knockouts else None,
            torch.stack([one_hot[c] for c in names]) if drugs else None)


def draw(some, count):
    rows = np.array([random.choice(some[random.integers(len(some))]) for _ in range(count)])
    return rows, torch.tensor([type_names.index(t) for t in types[rows]])


def target_inputs(rows, cell_type):
    control = mean[cell_type] + deviation[cell_type] * torch.randn(len(rows), genes)  # equation 5
    return (control, *inputs_of(conditions[rows]))


def train(network, seconds, loss):
    """The moving average of the weights after as many steps as `seconds` allow."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    average = [weight.detach().clone() for weight in network.parameters()]
    end, step = processor_seconds() + seconds, 0
    while processor_seconds() < end:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
        step += 1
        decay = min(0.999, (1 + step) / (10 + step))
        with torch.no_grad():
            for kept, weight in zip(average, network.parameters()):
                kept.mul_(decay).add_(weight, alpha=1 - decay)
    with torch.no_grad():
        for kept, weight in zip(average, network.parameters()):
            weight.copy_(kept)
    return step


def denoiser_loss():
    total = 0
    for some in (controls, treated):
        rows, cell_type = draw(some, BATCH // 2)
        x, t = values[rows], torch.randint(STEPS, (BATCH // 2,))
        noisy = alpha[t].sqrt()[:, None] * x + (1 - alpha[t]).sqrt()[:, None] * torch.randn_like(x)
        told = target_inputs(rows, cell_type) if some is treated else ()
        active = (x > 0).float()
        error = (active * (denoiser(noisy, t, cell_type, *told) - x)**2).sum(1)  # equation 13
        total = total + (error / active.sum(1).clamp_min(1)).mean()
    return total


def mask_loss():
    rows, cell_type = draw(treated, BATCH)
    logits = mask(cell_type, *target_inputs(rows, cell_type))
    return nn.functional.binary_cross_entropy_with_logits(logits, (values[rows] > 0).float())


def move(x, times, cell_type, *told):
    """Equations 14 and 15, deterministic DDIM along `times`."""
    for a, b in zip(times[:-1], times[1:]):
        x0 = denoiser(x, torch.full((len(x),), float(a)), cell_type, *told)
        noise = (x - alpha[a].sqrt() * x0) / (1 - alpha[a]).sqrt()
        x = alpha[b].sqrt() * x0 + (1 - alpha[b]).sqrt() * noise
    return x


task.lap("load")
denoiser, mask = Denoiser(*shape), Mask(*shape)
steps = train(denoiser, DENOISER_SECONDS, denoiser_loss)
mask_steps = train(mask, MASK_SECONDS, mask_loss)
task.lap("train")
times = np.linspace(0, STEPS - 1, DDIM + 1).round().astype(int)
for condition, cell_type in task.groups:
    if not with_genes and condition not in drugs:
        task.cannot("a drug that training did not have", condition)
        continue
    control = torch.from_numpy(dense(task.controls(cell_type)) / scale)
    index = torch.full((len(control),), type_names.index(cell_type))
    told = (control, *inputs_of([condition] * len(control)))
    with torch.no_grad():
        x = move(move(control, times, index), times[::-1], index, *told)
        share = torch.sigmoid(mask(index, *told)).mean(0)
        x = x.clamp_min(0) * (torch.rand_like(x) < share)
    task.add(x.numpy() * scale, condition, cell_type)
task.lap("predict")
task.save(steps=steps, mask_steps=mask_steps)
