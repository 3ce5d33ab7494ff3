"""The expected change of each gene's mean, from the bundle's table (core/model/cpu/prior.cc).

The networks have the table inside; it is read here for models that bring the means of their answers
to it (`meet_means`), or whose network moves cells by itself (`from_control`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from unlasting.local.bundle import Bundle

_SIMILARITY, _DECADES, _SAME, _BONUS, _HOPS = 0.2, 0.3, 0.9999, 40.0, 3


def _entries(weights: dict[str, np.ndarray], knockout: list[int], molecule: np.ndarray | None,
             log10_dose: float) -> np.ndarray:
    nodes = list(weights["denoiser.response_nodes"])
    drug = weights["denoiser.response_drug"]
    found = np.zeros(len(nodes) + 1 + len(drug))
    if molecule is None:
        for node in knockout:
            found[nodes.index(node) if node in nodes else len(nodes)] += 1
        return found
    near = molecule / max(float(np.linalg.norm(molecule)), 1e-12) @ weights[
        "denoiser.response_drugs"]
    near = (near - 1) / _SIMILARITY + np.where(near > _SAME, _BONUS, 0)
    apart = (log10_dose - weights["denoiser.response_dose"]) / _DECADES
    logit = near[drug] - 0.5 * apart ** 2
    share = np.exp(logit - logit.max())
    found[len(nodes) + 1:] = share / share.sum()
    return found


def _propagated(weights: dict[str, np.ndarray], cell_type: int, knockout: list[int]) -> Any:
    nodes = set(weights["denoiser.response_nodes"].tolist())
    own = np.zeros(weights["denoiser.response_self_effect"].shape[1])
    for node in knockout:
        if node not in nodes:
            own[node] = weights["denoiser.response_self_effect"][cell_type, node]
    if not own.any():
        return 0.0
    indptr, source = weights["grn.edge_indptr"], weights["grn.edge_source"]
    strength = weights["denoiser.response_edge_weights"]
    target = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    change = own.copy()
    for _ in range(_HOPS):
        heard = np.zeros_like(own)
        np.add.at(heard, target, strength * change[source])
        heard[knockout] = 0
        change = own + heard
    gain = weights["denoiser.response_gain"][0]
    genes = gain.shape[-1]
    damping = float(weights["denoiser.response_damping"].ravel()[0])
    return gain * (own + damping * (change - own))[:genes]


def mean_change(bundle: Bundle, cell_type: int, knockout: list[int], molecule: np.ndarray | None,
                log10_dose: float) -> np.ndarray:
    """Per gene, in model units: the expected mean of perturbed cells minus that of control cells, to
    which the mean of an answer is brought."""
    weights = bundle.weights()
    genes = len(bundle.genes)
    if "denoiser.response_basis" not in weights:
        return np.zeros(genes)
    entries = _entries(weights, knockout, molecule, log10_dose)
    table = weights["denoiser.response_coefficients"]
    rank = table.shape[-1]
    own = table.reshape(-1, len(entries), rank)[cell_type]
    change = (entries @ own @ weights["denoiser.response_basis"])[:genes]
    if from_control(bundle, knockout, molecule) and "denoiser.response_met_basis" in weights:
        basis = weights["denoiser.response_met_basis"]
        table = weights["denoiser.response_met_coefficients"]
        own = table.reshape(-1, len(entries), basis.shape[0])[cell_type]
        return entries @ own @ basis
    if "denoiser.response_self_effect" in weights and molecule is None:
        change = change + _propagated(weights, cell_type, knockout)
    return change


def from_control(bundle: Bundle, knockout: list[int], molecule: np.ndarray | None) -> bool:
    """Whether the network alone moves the cells, so that their means are to be met: for single genes
    and drugs that training had, in models that say so (core/model/spec/config.h)."""
    if not bundle.manifest["model"].get("trained_from_control", False):
        return False
    weights = bundle.weights()
    if molecule is None:
        return len(knockout) == 1 and knockout[0] in weights["denoiser.response_nodes"]
    near = molecule / max(float(np.linalg.norm(molecule)), 1e-12) @ weights[
        "denoiser.response_drugs"]
    return len(knockout) <= 1 and bool((near > _SAME).any())
