"""A question to a model: the request, the control cells and how the result is made of the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping, Sequence

from unlasting import genes as gene_names
from unlasting import messages, perturbations, reading
from unlasting.controls import Controls
from unlasting.errors import invalid
from unlasting.flows import Flow, Session

CONTROL_PARAMETERS = ("cell_type", "cell_type_column", "condition_column", "control", "layer",
                      "matrix", "target_sum", "library_size_column", "missing_genes", "max_cells",
                      "new_cell_type")
PERTURBATION_PARAMETERS = ("genes", "smiles", "molecule", "embedding", "dose", "treatment",
                           "vector", "hours", "covariates")
OPTION_PARAMETERS = ("solver", "solver_steps", "mask", "mask_threshold", "eta", "result_genes",
                     "value_kind", "depth", "priority")


@dataclass
class Question:
    """What is asked, resolved against the model's description."""

    model: Any  # unlasting.v1.Model
    request: Any  # PredictRequest without control cells of a caller
    controls: Controls | None


def _word(words: messages.Words, value: str, field: str) -> int:
    if value == "":
        return 0
    if value not in words:
        raise invalid("INVALID_OPTION", field,
                      f"found '{value}', expected one of {', '.join(words)}")
    return words[value]


def set_options(request: Any, *, seed: int = 0, solver: str = "", solver_steps: int = 0,
                mask: str = "", mask_threshold: float | None = None, eta: float = 0.0,
                result_genes: Sequence[str] = (), value_kind: str = "",
                depth: float | None = None, priority: str = "") -> None:
    """Fills in PredictOptions. InvalidInputError lists the words of an option."""
    options = request.options
    try:
        options.seed = seed
        options.solver = _word(messages.SOLVERS, solver, "solver")
        options.solver_steps = solver_steps
        options.mask = _word(messages.MASKS, mask, "mask")
        if mask_threshold is not None:
            options.mask_threshold = mask_threshold
        options.eta = eta
        options.genes.extend([result_genes] if isinstance(result_genes, str) else result_genes)
        options.value_kind = _word(messages.RESULT_KINDS, value_kind, "value_kind")
        if depth is not None:
            if value_kind != "counts" or not messages.has_field(options, "count_depth"):
                raise invalid("INVALID_OPTION", "depth",
                              f"found {depth}, expected it with value_kind='counts' alone")
            options.count_depth = depth
        request.priority = _word(messages.PRIORITIES, priority, "priority")
    except (TypeError, ValueError) as error:
        if hasattr(error, "reason"):
            raise
        raise invalid("INVALID_OPTION", "options", str(error)) from None


def ask(session: Session, adata: Any, *, model: str, version: str, panel: int | None, seed: int,
        timeout: float | None, perturbed: Sequence[Any] | None,
        parameters: Mapping[str, Any]) -> Flow[Question]:
    """Makes a Question of the parameters of `predict`; `perturbed` (None: made of the parameters)
    are Perturbation messages."""
    if (adata is None) == (panel is None):
        raise invalid("NO_CELLS", "adata", "found both an AnnData and panel, expected one of them"
                      if adata is not None else "found neither an AnnData with control cells nor "
                      "panel, the number of the model's own (0: all)")
    unknown = set(parameters) - set(CONTROL_PARAMETERS + PERTURBATION_PARAMETERS
                                    + OPTION_PARAMETERS)
    if unknown:
        raise TypeError(f"unknown parameters: {', '.join(sorted(unknown))}")
    described = yield from session.model(model, version, timeout)
    request = messages.PredictRequest(model=model, model_version=version)
    set_options(request, seed=seed, **_some(parameters, OPTION_PARAMETERS))
    if not request.options.ranked_genes:
        request.options.ranked_genes = max(1, min(len(described.genes), 100000))
    if perturbed is None:
        index = gene_names.GeneIndex(
            [*described.genes, *described.perturbed_only_genes], dict(described.gene_symbols))
        perturbed = perturbations.build(**_some(parameters, PERTURBATION_PARAMETERS), index=index)
    request.perturbations.extend(perturbed)
    chosen = _some(parameters, CONTROL_PARAMETERS)
    if panel is not None:
        _set_panel(request, described, panel, seed, chosen)
        return Question(described, request, None)
    return Question(described, request,
                    reading.read(adata, described, reading.Selection(seed=seed, **chosen)))


def _some(parameters: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: parameters[name] for name in names if parameters.get(name) is not None}


def _set_panel(request: Any, model: Any, panel: int, seed: int, chosen: dict[str, Any]) -> None:
    others = set(chosen) - {"cell_type"}
    if others:
        raise invalid("INVALID_OPTION", sorted(others)[0], "found with panel, expected with an "
                                                           "AnnData alone")
    known = list(model.summary.cell_types)
    cell_type = chosen.get("cell_type", "") or (known[0] if len(known) == 1 else "")
    if not cell_type:
        raise invalid("UNKNOWN_CELL_TYPE", "cell_type", f"expected one of {', '.join(known)}")
    if isinstance(panel, bool) or not isinstance(panel, int) or panel < 0:
        raise invalid("INVALID_OPTION", "panel", f"found {panel!r}, expected a number of cells; 0: "
                                                 "all of the cell type")
    request.panel.cell_type = cell_type
    request.panel.cells = panel
    request.panel.seed = seed


OnPart = Callable[[Any], None]
