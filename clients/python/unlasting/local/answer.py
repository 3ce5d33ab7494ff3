"""The messages by which a local model responds, as a server writes them."""

from __future__ import annotations

from typing import Any, Iterator

import numpy as np

from unlasting import messages
from unlasting.local.bundle import Bundle
from unlasting.local.resolve import Resolved

_VALUES_PER_CHUNK = 1 << 18


def model_of(bundle: Bundle) -> Any:
    """The bundle as a Model message."""
    manifest, model = bundle.manifest, messages.Model()
    summary = model.summary
    summary.name, summary.version = manifest["name"], manifest["version"]
    summary.bundle_hash, summary.created = bundle.hash, manifest["created"]
    summary.gene_count, summary.default_version = len(manifest["genes"]), True
    summary.cell_types.extend(manifest["cell_types"])
    summary.perturbation_kinds.extend(manifest["perturbation_kinds"])
    model.genes.extend(manifest["genes"])
    model.gene_symbols.update(manifest["gene_symbols"])
    model.gene_list_hash = manifest["gene_hash"]
    model.perturbed_only_genes.extend(manifest["perturbed_only"])
    model.conditions.extend(manifest["conditions"])
    for drug in manifest["molecules"]:
        model.molecules.add(name=drug["name"], smiles=drug["smiles"],
                            doses_micromolar=drug["doses_um"])
    model.molecule_featurizer = manifest["molecule_featurizer"]
    model.molecule_features = manifest["molecule_features"]
    model.target_sum = manifest["normalisation"]["target_sum"]
    model.diffusion_steps = manifest["schedule"]["steps"]
    defaults = manifest["defaults"]
    model.default_solver = messages.SOLVERS[defaults["solver"]]
    model.default_solver_steps = defaults["solver_steps"]
    model.default_mask = messages.MASKS[defaults["mask"]]
    treatments = manifest.get("treatments") or {}
    for name in treatments.get("names", []):
        model.treatments.add(name=name)
    if treatments.get("vectors"):
        model.treatment_features = treatments["features"]
    for each in manifest.get("covariates") or []:
        model.covariates.add(name=each["name"], values=each["values"], unit=each["unit"])
    return model


def header_of(bundle: Bundle, options: Any, perturbations: list[Resolved], types: np.ndarray,
              ids: list[str], missing: list[str], ignored: int) -> Any:
    """PredictHeader, with what training saw of each perturbation."""
    manifest, header = bundle.manifest, messages.PredictHeader()
    header.model, header.model_version = manifest["name"], manifest["version"]
    header.bundle_hash = bundle.hash
    header.genes.extend(bundle.genes[column] for column in options.columns)
    header.value_kind = messages.RESULT_KINDS[options.value_kind]
    header.target_sum = manifest["normalisation"]["target_sum"]
    header.solver = messages.SOLVERS[options.solver]
    header.solver_steps, header.mask = options.solver_steps, messages.MASKS[options.mask]
    header.mask_threshold, header.seed = options.mask_threshold, options.seed
    present = sorted(set(types.tolist()))
    header.controls.cell_types.extend(manifest["cell_types"][kind] for kind in present)
    header.controls.cell_type_indices.extend(present.index(kind) for kind in types)
    header.controls.cell_ids.extend(ids)
    header.controls.missing_genes.extend(missing)
    header.controls.ignored_genes = ignored
    header.notes.append("computed from the bundle on this computer")
    contexts = manifest.get("contexts") or {}
    for each in perturbations:
        resolved = header.perturbations.add(
            label=each.label, condition=each.condition, smiles=each.smiles,
            dose_micromolar=each.dose_um, seen_in_training=each.seen)
        resolved.covariates.update(each.covariates)
        for kind in present:
            name = manifest["cell_types"][kind]
            context = resolved.contexts.add(cell_type=name, condition_seen=each.seen)
            if contexts:
                seen = [manifest["conditions"][k] for k in contexts.get(name, [])]
                context.context_seen = bool(seen)
                context.seen_together = each.condition in seen
    return header


def rows_of(place: int, profiles: np.ndarray, value_kind: str) -> Iterator[Any]:
    """PredictResponse messages with the rows of one perturbation."""
    values = np.expm1(profiles) if value_kind == "normalised counts" else profiles
    step = max(1, _VALUES_PER_CHUNK // max(values.shape[1], 1))
    for first in range(0, len(values), step):
        part = values[first:first + step]
        response = messages.PredictResponse()
        chunk = response.profiles
        chunk.perturbation_indices.extend([place] * len(part))
        chunk.control_indices.extend(range(first, first + len(part)))
        chunk.matrix.rows, chunk.matrix.columns = part.shape
        chunk.matrix.raw.element_type = messages.ELEMENT_TYPES["float32"]
        chunk.matrix.raw.data = np.ascontiguousarray(part, "<f4").tobytes()
        yield response


def summary_of(place: int, options: Any, bundle: Bundle, profiles: np.ndarray,
               control: np.ndarray, active: np.ndarray, missing: list[str]) -> Any:
    """PerturbationSummary of one perturbation."""
    message = messages.message_class("unlasting.v1.PerturbationSummary")()
    message.perturbation_index = place
    x = profiles[:, options.columns].astype(np.float64)
    c = control[:, options.columns].astype(np.float64)
    cells = len(x)
    mean, control_mean = x.mean(axis=0), c.mean(axis=0)

    def variance(values: np.ndarray) -> np.ndarray:
        return values.var(axis=0, ddof=1) if cells > 1 else np.zeros(values.shape[1])
    fold = np.log2((np.expm1(mean) + 1e-9) / (np.expm1(control_mean) + 1e-9))
    both = np.sqrt((variance(x) + variance(c)) / cells)
    score = np.where(both > 0, (mean - control_mean) / np.where(both > 0, both, 1), 0.0)
    message.mean.extend(mean.tolist())
    message.control_mean.extend(control_mean.tolist())
    message.active_share.extend((x > 0).mean(axis=0).tolist())
    message.active_probability.extend(active[options.columns].tolist())
    message.log2_fold_change.extend(fold.tolist())
    message.standard_deviation.extend(np.sqrt(variance(x)).tolist())
    message.change_standard_error.extend(np.sqrt(variance(x - c) / cells).tolist())
    genes = [bundle.genes[column] for column in options.columns]
    filled = set(missing)
    order = [k for k in np.argsort(-np.abs(score), kind="stable") if genes[k] not in filled]
    for k in order[:options.ranked_genes]:
        message.ranked_genes.add(gene=genes[k], score=score[k], log2_fold_change=fold[k],
                                 mean_difference=mean[k] - control_mean[k])
    return message
