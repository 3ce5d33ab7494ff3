"""A bundle's three networks, in stock PyTorch, over batches of cells."""

from __future__ import annotations

from typing import Any

import numpy as np

from unlasting.errors import UnlastingError
from unlasting.local import solver
from unlasting.local.bundle import Bundle
from unlasting.local.resolve import Resolved


class Networks:
    """Values come and go as log1p; the networks' units are those divided by `x_max`."""

    def __init__(self, bundle: Bundle, device: str, batch: int) -> None:
        try:
            import torch
        except ImportError:
            raise UnlastingError("bundle: PyTorch is not installed: pip install "
                                 "'unlasting[local]'", code="FAILED_PRECONDITION") from None
        self._torch, self._bundle, self._device = torch, bundle, device
        self._batch = max(batch, 1)

        def load(name: str) -> Any:
            network = torch.jit.load(str(bundle.verified(name)), map_location=device)
            return network.eval()
        self._source, self._target, self._mask = map(load, ("source.pt", "target.pt", "mask.pt"))
        manifest = bundle.manifest
        self._nodes = len(manifest["genes"]) + len(manifest["perturbed_only"])
        self._features = int(manifest["model"]["molecule_features"])
        self._x_max = np.float32(manifest["normalisation"]["x_max"])

    def panel_values(self, rows: np.ndarray) -> np.ndarray:
        """Rows of the panel, log1p [rows, genes]."""
        x = self._bundle.panel[rows].X
        return np.asarray(x.todense() if hasattr(x, "todense") else x, np.float32)

    def invert(self, plan: list[solver.Step], values: np.ndarray,
               types: np.ndarray) -> np.ndarray:
        """Latents of control cells."""
        def of(x: Any, kinds: Any, _: Any) -> Any:
            return solver.run(plan, x, lambda y, time: self._source(y, self._time(y, time), kinds))
        return self._batches(of, values / self._x_max, types)

    def decode(self, plan: list[solver.Step], latent: np.ndarray, control: np.ndarray,
               types: np.ndarray, perturbation: Resolved) -> np.ndarray:
        """Generated values in the networks' units."""
        def of(x: Any, kinds: Any, rows: slice) -> Any:
            condition = self._condition(control[rows], perturbation)
            return solver.run(plan, x, lambda y, time: self._target(y, self._time(y, time), kinds,
                                                                    *condition))
        return self._batches(of, latent, types)

    def probability(self, control: np.ndarray, types: np.ndarray,
                    perturbation: Resolved) -> np.ndarray:
        """Per cell and gene, the probability of being active."""
        def of(_: Any, kinds: Any, rows: slice) -> Any:
            return self._mask(kinds, *self._condition(control[rows], perturbation))
        return self._batches(of, control, types)

    def _time(self, x: Any, time: int) -> Any:
        return self._torch.full((x.shape[0],), time, dtype=self._torch.int64, device=self._device)

    def _condition(self, control: np.ndarray, perturbation: Resolved) -> list[Any]:
        torch = self._torch
        knockout = np.zeros(self._nodes, np.float32)
        knockout[perturbation.knockout] = 1
        cells = len(control)

        def put(values: np.ndarray) -> Any:
            return torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(self._device)
        condition = [put(control / self._x_max), put(knockout).repeat(cells, 1)]
        if self._features:
            stimulus = perturbation.stimulus
            features = np.zeros(self._features, np.float32) if stimulus is None else stimulus
            dose = np.log10(perturbation.dose_um) if perturbation.dose_um > 0 else 0.0
            condition += [put(features).repeat(cells, 1),
                          put(np.full(cells, dose, np.float32))]
        return condition

    def _batches(self, function: Any, values: np.ndarray, types: np.ndarray) -> np.ndarray:
        torch, parts = self._torch, []
        with torch.no_grad():
            for first in range(0, len(values), self._batch):
                rows = slice(first, first + self._batch)
                x = torch.from_numpy(np.ascontiguousarray(values[rows], np.float32))
                kinds = torch.from_numpy(np.asarray(types[rows], np.int64))
                parts.append(function(x.to(self._device), kinds.to(self._device), rows)
                             .cpu().numpy())
        return np.concatenate(parts)
