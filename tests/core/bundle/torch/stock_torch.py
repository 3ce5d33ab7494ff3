#!/usr/bin/env python3
"""Repeats a served prediction with a bundle's .pt files in stock PyTorch.

Nothing of this software is loaded: the three TorchScript files, the manifest and the solver's
formulas (docs/bundle.md) are all there is. At every batch size the result must agree with the
server's h5ad file to 1e-4 of the largest value, but for one factor per gene and cell type.

    stock_torch.py BUNDLE CONTROL.h5ad PREDICTED.h5ad [--gene A+B | --smiles S --dose-um X]
"""
import argparse
import json
import os
import sys

import anndata
import numpy as np
import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../../scripts"))
from stock_bridge import dense, log_snr_times, multistep_plan, rank_mask, run  # noqa: E402

TOLERANCE = 1e-4


def descriptor_values(molecule, names):
    """Physico-chemical descriptors by the names that a manifest holds."""
    from rdkit import Chem
    from rdkit.Chem import rdMolDescriptors
    values = {"FormalCharge": Chem.GetFormalCharge(molecule)}
    for prefix, bins in (("SlogP_VSA", rdMolDescriptors.SlogP_VSA_),
                         ("SMR_VSA", rdMolDescriptors.SMR_VSA_),
                         ("PEOE_VSA", rdMolDescriptors.PEOE_VSA_)):
        values.update({f"{prefix}{k}": v for k, v in enumerate(bins(molecule), start=1)})
    registered = [name for name in names if name not in values]
    properties = rdMolDescriptors.Properties(registered)
    values.update(zip(registered, properties.ComputeProperties(molecule)))
    return np.array([values[name] for name in names])


def molecule_features(smiles, manifest):
    """What core/molecule makes of a SMILES without salts."""
    from rdkit import Chem
    from rdkit.Chem import rdMolDescriptors
    from rdkit.Chem.MolStandardize import rdMolStandardize
    scaling = manifest.get("molecule_scaling")
    fragments = Chem.GetMolFrags(Chem.MolFromSmiles(smiles), asMols=True)
    parent = max(fragments, key=lambda m: m.GetNumHeavyAtoms())
    if scaling:
        parent = rdMolStandardize.Normalizer().normalize(parent)
        parent = rdMolStandardize.Uncharger().uncharge(parent)
        parent = Chem.MolFromSmiles(Chem.MolToSmiles(parent))
    counts = rdMolDescriptors.GetHashedMorganFingerprint(parent, 2, 2048).GetNonzeroElements()
    features = np.zeros(2048, np.float32)
    for bit, count in counts.items():
        features[bit] = np.log1p(count)
    if not scaling:
        return features
    values, mean = descriptor_values(parent, scaling["names"]), np.array(scaling["mean"])
    deviation = np.array(scaling["deviation"])
    units = np.where(deviation > 0, (values - mean) / np.where(deviation > 0, deviation, 1), 0)
    units = np.clip(np.nan_to_num(units, nan=0.0), -5, 5)
    return np.concatenate([features, units]).astype(np.float32)


def mean_factors(found, served):
    """Per gene the factor between the means of two sets of cells of one type. The expected responses, to
    whose means the server brings its profiles, are in weights.safetensors and not in the .pt files; the
    factors are within the bounds of core/predict/job/finish.h."""
    mean = found.mean(0)
    factor = np.where(mean > 0, served.mean(0) / np.where(mean > 0, mean, 1), 1)
    assert (factor > 0.3 - TOLERANCE).all() and (factor < 3 + TOLERANCE).all(), factor
    return factor


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bundle")
    parser.add_argument("control")
    parser.add_argument("predicted")
    parser.add_argument("--gene", default="")
    parser.add_argument("--smiles", default="")
    parser.add_argument("--dose-um", type=float, default=0)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 7, 64])
    flags = parser.parse_args()

    with open(os.path.join(flags.bundle, "manifest.json")) as stream:
        manifest = json.load(stream)
    load = lambda name: torch.jit.load(os.path.join(flags.bundle, name))
    source, target, mask = load("source.pt"), load("target.pt"), load("mask.pt")
    predicted = anndata.read_h5ad(flags.predicted)
    if flags.gene:
        predicted = predicted[predicted.obs["perturbation"] == flags.gene]
    control = anndata.read_h5ad(flags.control)[list(predicted.obs["control_cell"])]
    control = dense(control[:, manifest["genes"]].X)
    x_max = manifest["normalisation"]["x_max"]
    cell_types = [manifest["cell_types"].index(t) for t in predicted.obs["cell_type"]]

    schedule = manifest["schedule"]
    betas = np.linspace(schedule["beta_first"], schedule["beta_last"], schedule["steps"])
    alpha_bar = np.cumprod(1 - betas)
    assert manifest["defaults"]["solver"] == "dpmpp2m" and manifest["defaults"]["mask"] == "rank"
    times = log_snr_times(alpha_bar, manifest["defaults"]["solver_steps"])
    nodes = manifest["genes"] + manifest["perturbed_only"]
    symbols = {symbol: gene for gene, symbol in manifest["gene_symbols"].items()}
    knockout = np.zeros(len(nodes), np.float32)
    for gene in filter(None, flags.gene.split("+")):
        knockout[nodes.index(gene if gene in nodes else symbols[gene])] = 1

    if len(cell_types) < 20:
        sys.exit("expected 20 cells or more: fewer take their thresholds from the panel")
    served = dense(predicted[:, manifest["genes"]].X)
    failed = False
    for batch in flags.batches:
        values, probability = [], []
        with torch.no_grad():
            for begin in range(0, len(control), batch):
                c = torch.from_numpy(control[begin:begin + batch] / np.float32(x_max))
                t = torch.tensor(cell_types[begin:begin + batch], dtype=torch.int64)
                condition = [c, torch.from_numpy(knockout).repeat(len(c), 1)]
                if manifest["molecule_features"]:
                    features = (molecule_features(flags.smiles, manifest) if flags.smiles else
                                np.zeros(manifest["molecule_features"], np.float32))
                    dose = np.log10(flags.dose_um) if flags.smiles else 0.0
                    condition += [torch.from_numpy(features).repeat(len(c), 1),
                                  torch.full((len(c),), dose, dtype=torch.float32)]
                latent = run(multistep_plan(alpha_bar, times), c, lambda x, s: source(x, s, t))
                values.append(run(multistep_plan(alpha_bar, times[::-1]), latent,
                                  lambda x, s: target(x, s, t, *condition)).numpy())
                probability.append(mask(t, *condition).numpy())
        values, probability = np.concatenate(values), np.concatenate(probability)
        masked = np.empty_like(values)
        for cell_type in set(cell_types):
            rows = np.array(cell_types) == cell_type
            share = probability[rows].astype(np.float64).mean(0)
            kept = np.maximum(rank_mask(values[rows], share), 0) * x_max
            masked[rows] = kept * mean_factors(kept, served[rows])
        found = masked
        difference = np.abs(found - served)
        # Two values nearer than the tolerance may trade places at the rank that decides.
        close = difference <= TOLERANCE * x_max
        swapped = (~close) & ((found == 0) ^ (served == 0))
        wrong = int((~close & ~swapped).sum())
        worst = float(difference[close | ~swapped].max())
        share = float(swapped.mean())
        print(f"batch {batch}: largest difference {worst:.2e}, "
              f"{share:.1e} of the values on the other side of a rank")
        failed |= wrong > 0 or share > 1e-3
    sys.exit("the files disagree with the server" if failed else 0)


if __name__ == "__main__":
    main()
