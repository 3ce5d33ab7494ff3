#!/usr/bin/env python3
"""How well predicted cells belong to their control cells, on simulated data.

`unlasting-train simulate` writes, beside each perturbed cell, the cell it would have been
(layers/unperturbed, with the same random numbers). Each such twin is sent through the bundle's own
TorchScript files under the cell's perturbation and the result compared with the cell: once by the
bridge, once from fresh noise in place of the twin's latent. No distance between distributions sees
the difference. Printed: the correlation over cells of prediction and truth, mean over genes, and
the root mean square distance of a cell to its truth.

    scripts/pairing.py BUNDLE SIMULATED.h5ad [--cells 100] [--conditions 20]
"""
import argparse
import json
import os
import sys

import anndata
import numpy as np
import torch

from stock_bridge import dense, log_snr_times, multistep_plan, rank_mask, run


def correlation(a, b):
    """Mean over genes of Pearson's r over cells; genes that do not vary say nothing."""
    a, b = a - a.mean(0), b - b.mean(0)
    norm = np.sqrt((a * a).sum(0) * (b * b).sum(0))
    return float(((a * b).sum(0)[norm > 0] / norm[norm > 0]).mean())


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    parser.add_argument("simulated")
    parser.add_argument("--cells", type=int, default=100, help="of each condition")
    parser.add_argument("--conditions", type=int, default=20)
    flags = parser.parse_args()
    torch.set_num_threads(1)
    with open(os.path.join(flags.bundle, "manifest.json")) as stream:
        manifest = json.load(stream)
    if manifest["model"]["molecule_features"] or len(manifest["cell_types"]) > 1:
        sys.exit("expected a bundle of gene knockouts in one cell type")
    load = lambda name: torch.jit.load(os.path.join(flags.bundle, name))
    source, target, mask = load("source.pt"), load("target.pt"), load("mask.pt")
    schedule = manifest["schedule"]
    alpha_bar = np.cumprod(1 - np.linspace(schedule["beta_first"], schedule["beta_last"],
                                           schedule["steps"]))
    times = log_snr_times(alpha_bar, manifest["defaults"]["solver_steps"])
    invert, decode = multistep_plan(alpha_bar, times), multistep_plan(alpha_bar, times[::-1])
    nodes = manifest["genes"] + manifest["perturbed_only"]
    x_max, target_sum = (manifest["normalisation"][k] for k in ("x_max", "target_sum"))
    data = anndata.read_h5ad(flags.simulated)
    genes = [list(data.var_names).index(gene) for gene in manifest["genes"]]

    def normalised(counts):
        counts = dense(counts).astype(np.float64)
        total = np.maximum(counts.sum(1, keepdims=True), 1)
        return np.log1p(counts / total * target_sum)[:, genes].astype(np.float32)

    torch.manual_seed(0)
    rows = {}
    conditions = [c for c in data.obs["condition"].unique() if c != "ctrl"][:flags.conditions]
    for condition in conditions:
        cells = data[data.obs["condition"] == condition][:flags.cells]
        truth, twin = normalised(cells.X), normalised(cells.layers["unperturbed"])
        knockout = torch.zeros(len(twin), len(nodes))
        for gene in condition.split("+"):
            if gene != "ctrl":
                knockout[:, nodes.index(gene)] = 1
        control, kind = torch.from_numpy(twin / x_max), torch.zeros(len(twin), dtype=torch.int64)
        with torch.no_grad():
            latents = {"bridge": run(invert, control, lambda x, s: source(x, s, kind)),
                       "fresh noise": torch.randn(control.shape)}
            share = mask(kind, control, knockout).numpy().astype(np.float64).mean(0)
            found = {"the twin itself": twin}
            for name, latent in latents.items():
                made = run(decode, latent,
                           lambda x, s: target(x, s, kind, control, knockout)).numpy()
                found[name] = np.maximum(rank_mask(made, share), 0) * x_max
        for name, cells_found in found.items():
            rows.setdefault(name, []).append(
                (correlation(cells_found, truth),
                 float(np.sqrt(((cells_found - truth) ** 2).sum(1).mean()))))
    print(f"{len(conditions)} conditions, up to {flags.cells} cells each")
    for name, values in rows.items():
        r, distance = np.mean(values, axis=0)
        print(f"{name:16s} correlation {r:.3f}   distance {distance:.3f}")


if __name__ == "__main__":
    main()
