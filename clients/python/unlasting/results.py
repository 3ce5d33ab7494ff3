"""Predictions as AnnData."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import sparse

import unlasting
from unlasting import messages, ranking
from unlasting.collect import Collector
from unlasting.questions import Question


def condition_of(perturbation: Any) -> str:
    """What training's column of conditions has, or would have, for it."""
    if perturbation.condition:
        return str(perturbation.condition)
    one_gene = perturbation.dose_micromolar == 0 and "+" not in perturbation.label
    return f"{perturbation.label}+ctrl" if one_gene else str(perturbation.label)


def network_hops(perturbation: Any) -> float:
    """Edges of the gene network from the farthest gene to one that was perturbed in training."""
    if not perturbation.genes:
        return math.nan
    return max(float(gene.hops) if gene.HasField("hops") else math.inf
               for gene in perturbation.genes)


def molecule_similarity(perturbation: Any) -> float:
    """To the nearest molecule of training: Tanimoto, or the cosine of embeddings."""
    molecule = perturbation.molecule
    for field in ("tanimoto_similarity", "embedding_cosine"):
        if molecule.HasField(field):
            return float(getattr(molecule, field))
    return math.nan


def by_context(perturbation: Any, field: str) -> str:
    """"yes", "no" or "unknown" for all cell types at once, or for each where they differ."""
    words = [("unknown" if not each.HasField(field) else "yes" if getattr(each, field) else "no")
             for each in perturbation.contexts]
    if not words:
        return "unknown"
    if len(set(words)) == 1:
        return words[0]
    return "; ".join(f"{each.cell_type}: {word}"
                     for each, word in zip(perturbation.contexts, words))


def worst_error(summary: Any) -> Any:
    """What a model says of how far a prediction may be wrong, for the cell type of which it is least
    sure: a PredictedError, or None where it, or an older server, says nothing."""
    if summary is None or not messages.has_field(summary, "predicted_errors"):
        return None
    return max(summary.predicted_errors, default=None, key=lambda each: (
        each.expected_e_distance if each.HasField("expected_e_distance") else math.inf))


def _optional(message: Any, field: str) -> float:
    return float(getattr(message, field)) if message is not None and message.HasField(field) \
        else math.nan


def error_columns(summaries: list[Any]) -> dict[str, Any]:
    """Predicted errors as columns, a row for each perturbation; none where the model has none."""
    worst = [worst_error(summary) for summary in summaries]
    if all(each is None for each in worst):
        return {}
    return {
        "predicted_e_distance": [_optional(each, "expected_e_distance") for each in worst],
        "predicted_e_distance_lower": [_optional(each, "lower") for each in worst],
        "predicted_e_distance_upper": [_optional(each, "upper") for each in worst],
        "predicted_error_kind": ["" if each is None else each.kind for each in worst],
        "predicted_error_calibrated": [each is not None and each.calibrated for each in worst],
    }


def perturbation_columns(collector: Collector) -> dict[str, Any]:
    """What is said of each perturbation, as columns in the order of the request."""
    resolved = list(collector.header.perturbations)
    columns: dict[str, Any] = {
        "label": [each.label for each in resolved],
        "condition": [condition_of(each) for each in resolved],
        "smiles": [each.smiles for each in resolved],
        "dose_um": [each.dose_micromolar for each in resolved],
        "seen_in_training": [each.seen_in_training for each in resolved],
        "context_seen": [by_context(each, "context_seen") for each in resolved],
        "seen_together": [by_context(each, "seen_together") for each in resolved],
        "network_hops": [network_hops(each) for each in resolved],
        "nearest_molecule": [each.molecule.nearest_molecule for each in resolved],
        "molecule_similarity": [molecule_similarity(each) for each in resolved],
        "dose_range": [messages.DOSE_RANGES.word(each.molecule.dose_range) for each in resolved],
        "notes": ["; ".join(each.notes) for each in resolved],
    }
    columns.update(error_columns(collector.summaries))
    return {name: np.array(values, dtype=object if values and isinstance(values[0], str) else None)
            for name, values in columns.items()}


def provenance(collector: Collector) -> dict[str, Any]:
    """Which model and which options made the prediction: `.uns['unlasting']`."""
    header = collector.header
    return {
        "model": header.model, "version": header.model_version, "bundle_hash": header.bundle_hash,
        "solver": messages.SOLVERS.word(header.solver), "solver_steps": header.solver_steps,
        "mask": messages.MASKS.word(header.mask), "mask_threshold": header.mask_threshold,
        "seed": header.seed, "eta": header.eta, "target_sum": header.target_sum,
        "value_kind": messages.RESULT_KINDS.word(header.value_kind) or "log1p",
        "notes": np.array(list(header.notes), dtype=object),
        "filled_in_genes": np.array(list(header.controls.missing_genes), dtype=object),
        "ignored_genes": header.controls.ignored_genes,
        "software_version": unlasting.__version__,
        "perturbations": perturbation_columns(collector),
    }


def _obs(collector: Collector) -> Any:
    import pandas

    header, cells = collector.header, collector.cells
    types = [header.controls.cell_types[k] for k in header.controls.cell_type_indices]
    blocks = []
    molecules = any(each.dose_micromolar > 0 for each in header.perturbations)
    names = sorted({name for each in header.perturbations for name in each.covariates})
    for number, each in enumerate(header.perturbations):
        block = pandas.DataFrame(
            {"perturbation": each.label, "condition": condition_of(each), "cell_type": types,
             "control_cell": collector.cell_ids},
            index=[f"{cell}-{number}" for cell in collector.cell_ids])
        if molecules:
            dosed = each.dose_micromolar > 0
            block["dose_val"] = each.dose_micromolar if dosed else math.nan
            block["dose_unit"] = "uM" if dosed else ""
            block["SMILES"] = each.smiles
        for name in names:
            block[name] = each.covariates[name] if name in each.covariates else math.nan
        blocks.append(block)
    obs = pandas.concat(blocks)
    assert len(obs) == cells * len(blocks)
    for column in ("perturbation", "condition", "cell_type", "dose_unit", "SMILES"):
        if column in obs:
            obs[column] = pandas.Categorical(obs[column])
    return obs


def _errors_of_cells(collector: Collector) -> np.ndarray | None:
    """The predicted E-distance of each row's cell type, or None where the model has none."""
    if all(worst_error(each) is None for each in collector.summaries):
        return None
    controls = collector.header.controls
    found = np.full((len(collector.summaries), collector.cells), math.nan)
    types = np.array(controls.cell_type_indices)
    for row, summary in enumerate(collector.summaries):
        for error in getattr(summary, "predicted_errors", ()):
            mine = types == list(controls.cell_types).index(error.cell_type)
            found[row, mine] = _optional(error, "expected_e_distance")
    return found.ravel()


_SUMMARY_FIELDS = ("mean", "control_mean", "active_share", "log2_fold_change",
                   "standard_deviation", "change_standard_error", "change_half_width")


def _varm(collector: Collector) -> dict[str, np.ndarray]:
    """Per gene and perturbation, [genes, perturbations], where every perturbation has a summary."""
    header = collector.header
    genes = {gene: k for k, gene in enumerate(header.genes)}
    shape = (len(genes), len(header.perturbations))
    varm = {name: np.full(shape, np.nan, np.float32) for name in _SUMMARY_FIELDS
            if all(each is None or len(getattr(each, name, ())) == shape[0]
                   for each in collector.summaries)}
    score, difference = np.full(shape, np.nan), np.full(shape, np.nan)
    for column, summary in enumerate(collector.summaries):
        if summary is None:
            return {}
        for name in varm:
            varm[name][:, column] = getattr(summary, name)
        for ranked in summary.ranked_genes:
            score[genes[ranked.gene], column] = ranked.score
            difference[genes[ranked.gene], column] = ranked.mean_difference
    p = np.stack([ranking.welch(score[:, k], difference[:, k],
                                varm["standard_deviation"][:, k].astype(float), collector.cells)
                  for k in range(shape[1])], axis=1)
    varm["score"] = score
    varm["p"] = np.where(np.isnan(score), np.nan, p)
    varm["p_adjusted"] = np.stack([ranking.adjusted(varm["p"][:, k]) for k in range(shape[1])],
                                  axis=1)
    return varm


def _control_layer(question: Question, collector: Collector) -> Any:
    """Each row's own control cell on the model's scale, [rows, genes], or None."""
    header = collector.header
    drawn = messages.RESULT_KINDS.word(header.value_kind) == "counts"
    if question.controls is None or drawn:
        return None
    order = {gene: k for k, gene in enumerate(question.model.genes)}
    units = question.controls.model_units(question.model)
    columns = [order[gene] for gene in header.genes if gene in order]
    if len(columns) != len(header.genes) or units.shape[0] != collector.cells:
        return None
    block = units[:, columns]
    if header.controls.missing_genes and question.controls.missing_genes == "panel-mean":
        # The server filled in means that it does not send by cell type.
        block = block.tolil()
        filled = set(header.controls.missing_genes)
        places = [k for k, gene in enumerate(header.genes) if gene in filled]
        summary: Any = next((each for each in collector.summaries if each is not None), None)
        single = len(header.controls.cell_types) == 1 and summary is not None
        for place in places:
            block[:, place] = summary.control_mean[place] if single else math.nan
        block = block.tocsr()
    if messages.RESULT_KINDS.word(header.value_kind) == "normalised counts":
        block = block.expm1()
    return sparse.vstack([block] * len(header.perturbations), format="csr")


def to_anndata(question: Question, collector: Collector) -> Any:
    """The prediction as AnnData, [control cells x perturbations, genes], perturbation by
    perturbation; see Client.predict for what is where."""
    import anndata
    import pandas

    header = collector.header
    genes = list(header.genes)
    var = pandas.DataFrame(index=pandas.Index(genes, dtype=object))
    symbols = dict(question.model.gene_symbols)
    if symbols:
        var["symbol"] = np.array([symbols.get(gene, gene) for gene in genes], dtype=object)
    blocks = [block if block is not None else np.zeros((0, len(genes)), np.float32)
              for block in collector.profiles]
    x = (sparse.vstack([sparse.csr_matrix(block) for block in blocks], format="csr")
         if any(sparse.issparse(block) for block in blocks) else np.concatenate(blocks))
    result = anndata.AnnData(X=x, obs=_obs(collector), var=var, dtype=np.float32) \
        if _takes_dtype(anndata) else anndata.AnnData(X=x, obs=_obs(collector), var=var)
    errors = _errors_of_cells(collector)
    if errors is not None:
        result.obs["predicted_e_distance"] = errors
    control = _control_layer(question, collector)
    if control is not None:
        result.layers["control"] = control
    for name, values in _varm(collector).items():
        result.varm[name] = values
    result.uns["unlasting"] = provenance(collector)
    return result


def _takes_dtype(anndata: Any) -> bool:
    """anndata 0.8 warns of, and may convert, whatever comes without dtype; 0.11 has no dtype."""
    import inspect

    return "dtype" in inspect.signature(anndata.AnnData.__init__).parameters
