"""Which genes change: Welch's t test of predicted against control cells, for every gene.

The p values say how surely predicted and control cells differ, given these cells; they say nothing
of how true the prediction is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from unlasting.errors import invalid, not_found


def adjusted(p: np.ndarray) -> np.ndarray:
    """Benjamini-Hochberg's adjusted p values; NaN stays NaN and counts for nothing."""
    result = np.full(p.shape, np.nan)
    valid = np.flatnonzero(~np.isnan(p))
    if not valid.size:
        return result
    order = valid[np.argsort(p[valid])]
    scaled = p[order] * valid.size / np.arange(1, valid.size + 1)
    result[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return result


def welch(score: np.ndarray, mean_difference: np.ndarray, deviation: np.ndarray,
          cells: int) -> np.ndarray:
    """Two-sided p values of Welch's t, each array by gene.

    The deviation of the control cells, of which there are as many, follows from the score and the
    deviation of the predicted ones. 1 where the score is 0; NaN with a single cell.
    """
    if cells < 2:
        return np.full(score.shape, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = deviation.astype(np.float64) ** 2 / cells
        both = np.where(score != 0, (mean_difference / score) ** 2, np.nan)
        control = np.maximum(both - own, 0)
        both = own + control
        freedom = both ** 2 / ((own ** 2 + control ** 2) / (cells - 1))
        freedom = np.clip(np.nan_to_num(freedom, nan=cells - 1.0), 1.0, 2.0 * (cells - 1))
        p = 2 * special.stdtr(freedom, -np.abs(score.astype(np.float64)))
    return np.where(score == 0, 1.0, p)


def _column(predicted: Any, perturbation: str | int | None) -> int:
    try:
        names = [str(name) for name in predicted.uns["unlasting"]["perturbations"]["label"]]
    except (KeyError, TypeError):
        raise invalid("INVALID_OPTION", "predicted", "found no result of this package, expected "
                                                     "what predict() returned") from None
    if perturbation is None:
        if len(names) != 1:
            raise invalid("INVALID_OPTION", "perturbation", f"expected one of {', '.join(names)}")
        return 0
    if isinstance(perturbation, int):
        if not 0 <= perturbation < len(names):
            raise not_found("UNKNOWN_PERTURBATION", "perturbation",
                            f"found number {perturbation}, expected below {len(names)}")
        return perturbation
    if names.count(perturbation) == 1:
        return names.index(perturbation)
    raise not_found("UNKNOWN_PERTURBATION", "perturbation", f"found '{perturbation}' "
                    f"{names.count(perturbation)} times, expected one of {', '.join(names)}, or a "
                    "number")


def top_genes(predicted: Any, perturbation: str | int | None = None, n: int = 20,
              direction: str = "both") -> Any:
    """The genes that change most, as a pandas DataFrame, strongest first.

    `predicted`: what `predict` returned. `perturbation`: its label or number (None: the only one).
    `direction`: "up", "down" or "both". Columns: `gene`, `symbol` (where the model has symbols),
    `score` (Welch's t), `log2_fold_change`, `mean` and `control_mean` (log1p), `p`, `p_adjusted`
    (Benjamini-Hochberg over all genes of the prediction). Genes that were filled in are left out.
    """
    import pandas

    column = _column(predicted, perturbation)
    if direction not in ("up", "down", "both"):
        raise invalid("INVALID_OPTION", "direction",
                      f"found '{direction}', expected up, down or both")
    names = ("score", "log2_fold_change", "mean", "control_mean", "p", "p_adjusted")
    frame = pandas.DataFrame({"gene": np.asarray(predicted.var_names, dtype=object)})
    if "symbol" in predicted.var:
        frame["symbol"] = predicted.var["symbol"].to_numpy()
    for name in names:
        frame[name] = np.asarray(predicted.varm[name])[:, column]
    frame = frame[~frame["score"].isna()]
    if direction != "both":
        frame = frame[frame["score"] > 0 if direction == "up" else frame["score"] < 0]
    order = frame["score"].abs().sort_values(ascending=False, kind="stable").index
    return frame.loc[order[:n]].reset_index(drop=True)
