"""From generated values to profiles: which genes are silent, and the means (core/predict/job)."""

from __future__ import annotations

import numpy as np

FEWEST_RANKED_CELLS = 20  # below it, thresholds come from the bundle's panel


def _kept(share: np.ndarray, cells: int) -> np.ndarray:
    return np.clip(np.floor(share * cells + 0.5).astype(int), 0, cells)


def keep_top_share(share: np.ndarray, values: np.ndarray) -> None:
    """Per gene, the top share of the cells keep their value; `values` [cells, genes] in place."""
    kept = _kept(share, len(values))
    order = np.argsort(-values, axis=0, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(len(values))[:, None], axis=0)
    values[rank >= kept[None, :]] = 0


def top_share_thresholds(share: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Per gene the value below which all but the top share of `values` lie."""
    kept = _kept(share, len(values))
    descending = -np.sort(-values, axis=0)
    threshold = descending[np.maximum(kept - 1, 0), np.arange(values.shape[1])].astype(np.float32)
    threshold[kept == 0] = np.inf
    threshold[kept == len(values)] = -np.inf
    return threshold


def mean_factors(values: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Per gene the factor that brings the mean of the cells to `mean`, within 0.3 to 3."""
    total = np.maximum(values, 0).sum(axis=0, dtype=np.float64)
    wanted = np.maximum(mean, 0).astype(np.float64) * len(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.clip((wanted / total).astype(np.float32), 0.3, 3.0)
    return np.where(total > 0, factor, np.float32(1)).astype(np.float32)


def active(mode: str, threshold: float, probability: np.ndarray) -> np.ndarray:
    """True where a value is kept, for the modes cell and aggregate; [cells, genes]."""
    reached = probability >= threshold
    if mode == "cell":
        return reached
    return np.broadcast_to(reached.mean(axis=0) >= threshold, probability.shape)
