"""Pictures of a prediction; matplotlib is optional."""

from __future__ import annotations

from typing import Any

import numpy as np

from unlasting import ranking
from unlasting.errors import UnlastingError

_UP, _DOWN, _REST = "#b2182b", "#2166ac", "#9a9a9a"


def _label(frame: Any) -> Any:
    return frame["symbol"] if "symbol" in frame else frame["gene"]


def plot(predicted: Any, perturbation: str | int | None = None, n: int = 10,
         axes: Any = None) -> Any:
    """Draws the genes that change: a volcano, and the strongest by score.

    `predicted`: what `predict` returned; `perturbation`: label or number (None: the only one); `n`:
    genes that are named in each direction; `axes`: two matplotlib axes (None: a new figure).
    Returns the figure. Needs matplotlib (`pip install 'unlasting[plot]'`).
    """
    try:
        from matplotlib import pyplot
    except ImportError:
        raise UnlastingError("plot: matplotlib is not installed: pip install 'unlasting[plot]'",
                             code="FAILED_PRECONDITION") from None
    frame = ranking.top_genes(predicted, perturbation, n=predicted.n_vars)
    column = ranking._column(predicted, perturbation)
    label = str(predicted.uns["unlasting"]["perturbations"]["label"][column])
    if axes is None:
        figure, axes = pyplot.subplots(1, 2, figsize=(10, 4.2), constrained_layout=True)
    else:
        figure = axes[0].figure
    volcano, bars = axes
    # Genes that are silent in control cells have log2 fold changes without measure.
    change = (frame["mean"] - frame["control_mean"]).to_numpy()
    strength = -np.log10(np.clip(frame["p_adjusted"].fillna(1).to_numpy(), 1e-300, 1))
    sure = frame["p_adjusted"].fillna(1).to_numpy() < 0.05
    colour = np.where(sure & (change > 0), _UP, np.where(sure & (change < 0), _DOWN, _REST))
    volcano.scatter(change, strength, s=12, c=colour, linewidths=0)
    volcano.axhline(-np.log10(0.05), color="#555555", linewidth=0.8, linestyle=":")
    volcano.set_xlabel("predicted mean minus control mean (log1p)")
    volcano.set_ylabel("-log10 adjusted p")
    volcano.set_title(f"{label}: {int(sure.sum())} of {len(frame)} genes at adjusted p < 0.05",
                      fontsize=10)
    chosen = [ranking.top_genes(predicted, perturbation, n=n, direction=each)
              for each in ("down", "up")]
    shown = [(name, value) for part in chosen
             for name, value in zip(_label(part), part["mean"] - part["control_mean"])]
    shown.sort(key=lambda each: each[1])
    places = np.arange(len(shown))
    bars.barh(places, [value for _, value in shown],
              color=[_UP if value > 0 else _DOWN for _, value in shown])
    bars.set_yticks(places)
    bars.set_yticklabels([name for name, _ in shown], fontsize=8)
    bars.axvline(0, color="#555555", linewidth=0.8)
    bars.set_xlabel("predicted mean minus control mean (log1p)")
    bars.set_title("strongest by Welch's t", fontsize=10)
    return figure
