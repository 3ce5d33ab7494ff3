"""Control cells out of an AnnData.

Rows are chosen by `obs` before any value is read, and values are read in blocks, so that a file of
a million cells that is open in backed mode costs the memory of the cells that are chosen alone.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Iterator

import numpy as np
from scipy import sparse

from unlasting import genes as gene_names
from unlasting import labels, messages, scale
from unlasting.controls import Controls
from unlasting.errors import UnlastingWarning, invalid, not_found

_BLOCK_ROWS = 4096
_ENOUGH_CELLS = 20  # of fewer, all cells of the data are asked on which scale they are
_SYMBOL_COLUMNS = ("gene_name", "gene_short_name", "gene_symbol", "gene_symbols", "feature_name",
                   "symbol")


@dataclass(frozen=True)
class Selection:
    """Which cells of an AnnData are the control cells, and what their values are."""

    cell_type: str = ""
    cell_type_column: str = "cell_type"
    condition_column: str = "condition"
    control: str = "ctrl"
    layer: str = ""
    matrix: str = "auto"
    target_sum: float = 0.0
    library_size_column: str = ""
    missing_genes: str = "error"
    max_cells: int = 0
    new_cell_type: str = ""
    seed: int = 0


def read(adata: Any, model: Any, selection: Selection) -> Controls:
    """The control cells of an AnnData for a model (`unlasting.v1.Model`).

    `adata` may be a view, in backed mode, dense or sparse. InvalidInputError and NotFoundError name
    the parameter that helps.
    """
    if selection.missing_genes not in messages.MISSING_GENES:
        raise invalid("INVALID_OPTION", "missing_genes", f"found '{selection.missing_genes}', "
                      f"expected {', '.join(messages.MISSING_GENES)}")
    rows = _rows_of(adata, selection)
    types = _cell_types(adata, selection, rows, model)
    matrix, var, element = _matrix(adata, selection.layer)
    names = [str(name) for name in var.index]
    symbols = next((labels.trimmed(var[name]) for name in _SYMBOL_COLUMNS if name in var.columns),
                   None)
    columns, known, renamed = gene_names.match_columns(
        gene_names.GeneIndex(model.genes, dict(model.gene_symbols)), names, symbols)
    if not columns:
        raise invalid("MISSING_GENES", "adata", f"none of its {len(names)} genes is known to the "
                      f"model '{model.summary.name}'; the data have {', '.join(names[:3])}, the "
                      f"model {', '.join(model.genes[:3])}")
    if len(set(known)) < len(known):
        twice = next(name for name in known if known.count(name) > 1)
        raise invalid("DUPLICATE_GENE", "adata", f"var has the gene '{twice}' twice, expected "
                      "distinct genes; adata.var_names_make_unique() does not tell which is meant")
    if renamed:
        _warn(f"genes are matched without regard to version and case: {', '.join(renamed[:5])}"
              + (f" and {len(renamed) - 5} more" if len(renamed) > 5 else ""))
    _say_missing(model, known, selection)
    sample = scale.Sample(len(rows))
    values, sizes = _read_rows(matrix, rows, columns, sample)
    shown = sample
    if len(rows) < _ENOUGH_CELLS and len(rows) < adata.n_obs:
        shown = scale.Sample(min(adata.n_obs, 2000))
        _read_rows(matrix, np.arange(min(adata.n_obs, 2000)), columns, shown)
    return _scaled(adata, selection, element, rows, types, known, values, sizes, sample, shown)


def _scaled(adata: Any, selection: Selection, element: str, rows: np.ndarray, types: list[str],
            known: list[str], values: Any, sizes: np.ndarray, sample: scale.Sample,
            shown: scale.Sample) -> Controls:
    uns = adata.uns
    marked = element == "X" and "log1p" in uns
    # Sums tell more of many cells; what values are is asked of those chosen.
    shown.integers, shown.any = sample.integers, sample.any
    shown.largest, shown.fraction = sample.largest, sample.fraction
    kind = scale.decide_kind(shown, selection.matrix, marked)
    controls = Controls(values, known, kind, types, [str(adata.obs_names[row]) for row in rows],
                        selection.missing_genes, new_context=selection.new_cell_type)
    if kind == "log1p" and shown.logged_counts():
        _warn("values are log1p of whole counts that were not normalised; they are taken back to "
              "counts")
        values.data = np.round(np.expm1(values.data.astype(np.float64))).astype(np.float32)
        _, controls.library_sizes = values, None
        matrix, _, _ = _matrix(adata, selection.layer)
        sizes = _logged_sizes(matrix, rows)
        controls.kind = "counts"
    if controls.kind == "counts":
        if selection.target_sum:
            raise invalid("INVALID_OPTION", "target_sum", "found counts, expected log1p values")
        controls.library_sizes = _library_sizes(adata, selection, rows, sizes)
        return controls
    found = scale.decide_scale(shown, uns, element)
    if found.remark:
        _warn(found.remark)
    controls.values.data = (controls.values.data * np.float32(np.log(found.base))).astype(
        np.float32) if abs(found.base - np.e) > 1e-6 else controls.values.data
    controls.target_sum = selection.target_sum or found.target_sum
    return controls


def _warn(message: str) -> None:
    warnings.warn(message, UnlastingWarning, stacklevel=2)


def _say_missing(model: Any, known: list[str], selection: Selection) -> None:
    have = set(known)
    missing = [gene for gene in model.genes
               if gene not in have and model.gene_symbols.get(gene, "\0") not in have]
    if not missing:
        return
    listed = ", ".join(missing[:10]) + (", ..." if len(missing) > 10 else "")
    text = f"{len(missing)} of the {len(model.genes)} genes of the model: {listed}"
    if selection.missing_genes == "error":
        raise invalid("MISSING_GENES", "adata", f"found no column for {text}; expected all, or "
                      "missing_genes='zero' or 'panel-mean' to fill them in")
    _warn(f"filled in ({selection.missing_genes}): {text}")


def _rows_of(adata: Any, selection: Selection) -> np.ndarray:
    obs = adata.obs
    rows = np.arange(adata.n_obs)
    column = selection.condition_column
    if column and column not in obs.columns and column == Selection.condition_column:
        if labels.look_alikes(obs, "condition_column"):
            labels.column_of(obs, column, "condition_column")
        _warn("obs has no column 'condition': every cell is taken for a control cell "
              "(condition_column='' says so)")
        column = ""
    if column:
        conditions = labels.column_of(obs, column, "condition_column")
        wanted, remarks = labels.control_labels(conditions, selection.control)
        rows = np.array([row for row in rows if conditions[row] in wanted
                         or labels.names_controls_alone(conditions[row], selection.control)], int)
        if not len(rows):
            raise not_found("NO_CELLS", "control", f"obs['{column}'] is never "
                            f"'{selection.control}'; it has {labels.list_labels(conditions)}")
        for remark in remarks:
            _warn(f"obs['{column}']: {remark}")
    if selection.cell_type and selection.cell_type_column in obs.columns:
        types = labels.column_of(obs, selection.cell_type_column, "cell_type_column")
        rows = np.array([row for row in rows if types[row] == selection.cell_type.strip()], int)
        if not len(rows):
            raise not_found("NO_CELLS", "cell_type", f"found no control cells of "
                            f"'{selection.cell_type}'; obs['{selection.cell_type_column}'] has "
                            f"{labels.list_labels(types)}")
    if not len(rows):
        raise not_found("NO_CELLS", "adata", "found no cells, expected one control cell or more")
    if 0 < selection.max_cells < len(rows):
        draw = np.random.default_rng(selection.seed).choice(rows, selection.max_cells, False)
        rows = np.sort(draw)
    return rows


def _cell_types(adata: Any, selection: Selection, rows: np.ndarray, model: Any) -> list[str]:
    obs, column = adata.obs, selection.cell_type_column
    if selection.new_cell_type:
        if not messages.has_field(messages.ControlCells(), "new_context"):
            raise invalid("INVALID_OPTION", "new_cell_type", f"found '{selection.new_cell_type}', "
                          "which this version of the API does not have")
        return [selection.new_cell_type] * len(rows)
    if column in obs.columns:
        types = labels.column_of(obs, column, "cell_type_column")
        return [types[row] for row in rows]
    if column == Selection.cell_type_column:
        for alike in labels.look_alikes(obs, "cell_type_column"):
            values = {value for value in labels.trimmed(obs[alike]) if not labels.is_missing(value)}
            if 2 <= len(values) <= len(obs) // 2:
                raise invalid("UNKNOWN_COLUMN", "cell_type_column", f"obs has no column '{column}',"
                              f" and its column '{alike}' would be ignored, which holds "
                              f"{len(values)} values: {', '.join(sorted(values)[:5])}; use "
                              f"cell_type_column='{alike}', or '' for none")
    known = list(model.summary.cell_types)
    single = selection.cell_type or (known[0] if len(known) == 1 else "")
    if not single:
        raise not_found("UNKNOWN_CELL_TYPE", "cell_type", f"obs has no column '{column}'; name one "
                        "with cell_type_column, or the type of all cells with cell_type, of "
                        + ", ".join(known))
    return [single] * len(rows)


def _matrix(adata: Any, layer: str) -> tuple[Any, Any, str]:
    """The matrix, its var, and the name of the element."""
    if layer == "raw":
        if adata.raw is None:
            raise not_found("UNKNOWN_LAYER", "layer", "found no raw in the data")
        return adata.raw.X, adata.raw.var, "raw/X"
    if layer:
        if layer not in adata.layers:
            raise not_found("UNKNOWN_LAYER", "layer",
                            f"found no '{layer}', expected one of {', '.join(adata.layers) or '-'}")
        return adata.layers[layer], adata.var, f"layers/{layer}"
    if adata.X is None:
        raise not_found("UNKNOWN_LAYER", "layer", "the data have no X; name a layer, of "
                        + (", ".join(adata.layers) or "which there are none"))
    return adata.X, adata.var, "X"


def _blocks(matrix: Any, rows: np.ndarray) -> Iterator[Any]:
    """Rows over all genes, as CSR blocks of float32, without touching more than a block at once."""
    for first in range(0, len(rows), _BLOCK_ROWS):
        part = rows[first:first + _BLOCK_ROWS]
        # A file is read fastest, and in old versions of h5py only, by ascending rows or a range.
        contiguous = part[-1] - part[0] + 1 == len(part)
        block = matrix[int(part[0]):int(part[-1]) + 1] if contiguous else matrix[part]
        block = sparse.csr_matrix(block, dtype=np.float32)
        block.sum_duplicates()
        yield block


def _read_rows(matrix: Any, rows: np.ndarray, columns: list[int],
               sample: scale.Sample) -> tuple[Any, np.ndarray]:
    parts, sums = [], []
    for block in _blocks(matrix, rows):
        sample.add(block)
        sums.append(np.asarray(block.sum(axis=1, dtype=np.float64)).ravel())
        parts.append(block[:, columns])
    values = sparse.vstack(parts, format="csr")
    values.eliminate_zeros()
    values.sort_indices()
    return values, np.concatenate(sums)


def _logged_sizes(matrix: Any, rows: np.ndarray) -> np.ndarray:
    sums = []
    for block in _blocks(matrix, rows):
        block.data = np.round(np.expm1(block.data.astype(np.float64)))
        sums.append(np.asarray(block.sum(axis=1)).ravel())
    return np.concatenate(sums)


def _library_sizes(adata: Any, selection: Selection, rows: np.ndarray,
                   sizes: np.ndarray) -> np.ndarray:
    column = selection.library_size_column
    if not column:
        return np.where(sizes > 0, sizes, 1.0)
    if column not in adata.obs.columns:
        raise not_found("UNKNOWN_COLUMN", "library_size_column", f"obs has no column '{column}'")
    try:
        found = adata.obs[column].to_numpy(dtype=np.float64)[rows]
    except (TypeError, ValueError):
        raise invalid("INVALID_VALUE", "library_size_column",
                      f"obs['{column}'] holds text, expected numbers above 0") from None
    bad = np.flatnonzero(~np.isfinite(found) | (found <= 0))
    if bad.size:
        raise invalid("INVALID_VALUE", "library_size_column", f"found {found[bad[0]]} in cell "
                      f"{adata.obs_names[rows[bad[0]]]}, expected a number above 0")
    return found
