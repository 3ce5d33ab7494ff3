"""LocalModel responds to a client's calls from a bundle, in stock PyTorch."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Iterator

import numpy as np

from unlasting import messages
from unlasting.client import Predictor
from unlasting.collect import decode
from unlasting.errors import UnlastingError, UnlastingWarning, invalid
from unlasting.flows import Action, Call, Session, Sleep
from unlasting.local import finish, solver
from unlasting.local.bundle import Bundle
from unlasting.local.networks import Networks
from unlasting.local.resolve import Resolved, Resolver
from unlasting.local.answer import header_of, model_of, rows_of, summary_of
from unlasting.retry import RetryPolicy

_PLAINLY_ANOTHER = 2.0


class LocalModel(Predictor):
    """A bundle on this computer, with the calls of Client: predict, screen, models, model, health.

        model = unlasting.LocalModel("my-model")
        predicted = model.predict(adata, genes=["STAT1"])

    The answers are a server's within 1e-4 of the largest value. Needs PyTorch 1.13 or later; a
    SMILES needs RDKit, and is refused where its features are not the bundle's. TorchScript files
    are programs: use bundles of people you trust. `device`: as PyTorch names it. `batch`: cells that
    are computed at once. One thread at a time. Not there: the mask "sample", `eta` above 0, and notes
    on how far a perturbation lies from training.
    """

    def __init__(self, bundle: str | Path, *, device: str = "cpu", batch: int = 256) -> None:
        super().__init__(Session(RetryPolicy(give_up=0), max_inline_bytes=float("inf")))
        self._bundle = Bundle(bundle)
        self._networks = Networks(self._bundle, device, batch)
        self._resolver = Resolver(self._bundle)

    def health(self, service: str = "") -> str:
        """"SERVING": the bundle has been read."""
        return "SERVING"

    def close(self) -> None:
        """Nothing; as Client.close."""

    def __enter__(self) -> "LocalModel":
        return self

    def __exit__(self, *unused: Any) -> None:
        self.close()

    def _perform(self, action: Action) -> Any:
        if isinstance(action, Sleep):
            raise UnlastingError("a local model has nothing to wait for")
        call: Call = action
        if call.method is messages.LIST_MODELS:
            response = messages.ListModelsResponse()
            response.models.add().CopyFrom(model_of(self._bundle).summary)
            return response
        if call.method is messages.GET_MODEL:
            self._check_name(call.request.model, call.request.version)
            return messages.GetModelResponse(model=model_of(self._bundle))
        assert call.on_response is not None
        for part in self._predict(call.request):
            call.on_response(part)
        return None

    def _check_name(self, name: str, version: str) -> None:
        manifest = self._bundle.manifest
        if name not in ("", manifest["name"]) or version not in ("", manifest["version"]):
            from unlasting.errors import not_found

            raise not_found("UNKNOWN_MODEL", "model", f"found '{name}' {version}, expected "
                                                      f"'{manifest['name']}' {manifest['version']}")

    def _predict(self, request: Any) -> Iterator[Any]:
        self._check_name(request.model, request.model_version)
        options = _Options(request.options, self._bundle)
        perturbations = [self._resolver.resolve(each, place)
                         for place, each in enumerate(request.perturbations)]
        values, types, ids, missing, ignored = self._controls(request)
        header = header_of(self._bundle, options, perturbations, types, ids, missing, ignored)
        yield messages.PredictResponse(header=header)
        latent = self._networks.invert(options.invert, values, types)
        rows = 0
        for place, perturbation in enumerate(perturbations):
            profiles, active = self._profiles(options, perturbation, values, types, latent)
            yield from rows_of(place, profiles[:, options.columns], options.value_kind)
            yield messages.PredictResponse(summary=summary_of(
                place, options, self._bundle, profiles, values, active, missing))
            rows += len(profiles)
        response = messages.PredictResponse()
        response.finished.rows = rows
        yield response

    def _controls(self, request: Any) -> tuple[np.ndarray, np.ndarray, list[str], list[str], int]:
        """Values [cells, genes] log1p on the model's scale, cell types, names, and what was missing
        or ignored."""
        bundle = self._bundle
        if request.WhichOneof("controls") == "panel":
            rows = bundle.take_panel(request.panel.cell_type, request.panel.cells,
                                     request.panel.seed)
            types = np.full(len(rows), bundle.cell_type(request.panel.cell_type))
            ids = [str(bundle.panel.obs_names[row]) for row in rows]
            return self._networks.panel_values(rows), types, ids, [], 0
        cells = request.cells
        if getattr(cells, "new_context", ""):
            raise invalid("INVALID_OPTION", "new_cell_type", "a local model knows the cell types of "
                          "training alone; use a server")
        sent = list(cells.cell_types)
        rows_sent = cells.matrix.rows
        names = sent * rows_sent if len(sent) == 1 else sent
        types = np.array([bundle.cell_type(name) for name in names], int)
        values, missing, ignored = self._on_model_scale(cells)
        if missing and messages.MISSING_GENES.word(cells.missing_genes) == "panel-mean":
            means = np.asarray(bundle.panel.varm["control_mean"], np.float32)
            for place in missing:
                values[:, place] = means[place, types]
        self._check_scale(values, types, missing, cells.target_sum > 0)
        ids = list(cells.cell_ids) or [str(k) for k in range(rows_sent)]
        return values, types, ids, [bundle.genes[place] for place in missing], ignored

    def _on_model_scale(self, cells: Any) -> tuple[np.ndarray, list[int], int]:
        from scipy import sparse

        from unlasting.controls import Controls

        kind = messages.VALUE_KINDS.word(cells.value_kind)
        controls = Controls(sparse.csr_matrix(decode(cells.matrix)), list(cells.genes.names), kind,
                            [], [], target_sum=cells.target_sum)
        if cells.library_sizes:
            controls.library_sizes = np.array(cells.library_sizes)
        described = model_of(self._bundle)
        if kind == "counts" and described.target_sum <= 0:
            raise invalid("INVALID_OPTION", "adata", "found counts, expected log1p values, as the "
                          "model was trained on log1p values of an unknown sum")
        values = np.asarray(controls.model_units(described).todense(), np.float32)
        have = set(controls.genes)
        symbols = self._bundle.manifest["gene_symbols"]
        missing = [place for place, gene in enumerate(self._bundle.genes)
                   if gene not in have and symbols.get(gene, "\0") not in have]
        known = {*self._bundle.genes, *symbols.values()}
        return values, missing, sum(gene not in known for gene in controls.genes)

    def _check_scale(self, values: np.ndarray, types: np.ndarray, missing: list[int],
                     said: bool) -> None:
        sums = self._bundle.manifest["normalisation"].get("control_sums")
        if not sums:
            return
        own = np.ones(values.shape[1], bool)
        own[missing] = False
        share = 1.0
        if missing:
            linear = np.expm1(self._networks.panel_values(np.arange(self._bundle.panel.n_obs)))
            share = float(linear[:, own].sum() / max(linear.sum(), 1e-9))
        found = float(np.expm1(values[:, own].astype(np.float64)).sum())
        expected = float(np.array(sums)[types].sum()) * share
        if expected <= 0 or 1 / _PLAINLY_ANOTHER < found / expected < _PLAINLY_ANOTHER:
            return
        text = (f"control cells sum to {found / len(values):.7g} (expm1 of log1p values over "
                f"{int(own.sum())} genes of the model), the model's own to "
                f"{expected / len(values):.7g}: they are on another scale; give counts, or "
                "target_sum")
        if not said:
            raise invalid("SCALE_MISMATCH", "adata", text)
        warnings.warn(text, UnlastingWarning, stacklevel=2)

    def _profiles(self, options: "_Options", perturbation: Resolved, values: np.ndarray,
                  types: np.ndarray, latent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Predicted log1p values [cells, genes] and the mean probability of being active."""
        x_max = np.float32(self._bundle.manifest["normalisation"]["x_max"])
        generated = self._networks.decode(options.decode, latent, values, types, perturbation)
        active = np.zeros(values.shape[1])
        for cell_type in np.unique(types):
            rows = np.flatnonzero(types == cell_type)
            probability = self._networks.probability(values[rows], types[rows], perturbation)
            active += probability.sum(axis=0, dtype=np.float64) / len(types)
            group = generated[rows]
            if options.mask == "rank":
                self._rank(options, perturbation, int(cell_type), values[rows], probability, group)
            elif options.mask != "none":
                group[~finish.active(options.mask, options.mask_threshold, probability)] = 0
            generated[rows] = group
        return np.maximum(generated * x_max, 0), active.astype(np.float32)

    def _rank(self, options: "_Options", perturbation: Resolved, cell_type: int,
              control: np.ndarray, probability: np.ndarray, group: np.ndarray) -> None:
        panel = self._bundle.panel_rows(self._bundle.manifest["cell_types"][cell_type])
        if len(group) >= finish.FEWEST_RANKED_CELLS or not len(panel):
            share = probability.mean(axis=0, dtype=np.float64)
            finish.keep_top_share(share, group)
            if self._finishes_means(options, perturbation, cell_type):
                mean = self._expected(options, perturbation, cell_type, control, share)
                group *= finish.mean_factors(group, mean)
            return
        # The panel's thresholds, so that a cell's result does not depend on its company.
        cells = self._networks.panel_values(panel)
        types = np.full(len(panel), cell_type)
        latent = self._networks.invert(options.invert, cells, types)
        reference = self._networks.decode(options.decode, latent, cells, types, perturbation)
        share = self._networks.probability(cells, types, perturbation).mean(axis=0,
                                                                            dtype=np.float64)
        threshold = finish.top_share_thresholds(share, reference)
        group[group < threshold] = 0
        if self._finishes_means(options, perturbation, cell_type):
            reference[reference < threshold] = 0
            mean = self._expected(options, perturbation, cell_type, cells, share)
            group *= finish.mean_factors(reference, mean)

    def _finishes_means(self, options: "_Options", perturbation: Resolved, cell_type: int) -> bool:
        """Whether means are brought to wanted ones (JobState::FinishesMeans)."""
        manifest = self._bundle.manifest
        if not manifest["model"].get("expected_response", False):
            return False
        if self._meets_means(options, perturbation):
            return True
        contexts = manifest.get("contexts") or {}
        if not contexts:
            return False
        combined = len(perturbation.knockout) > 1
        return (not contexts.get(manifest["cell_types"][cell_type])
                or (combined and not self._resolver.combined))

    def _meets_means(self, options: "_Options", perturbation: Resolved) -> bool:
        from unlasting.local.responses import from_control

        return options.meet_means or from_control(self._bundle, perturbation.knockout,
                                                  perturbation.stimulus)

    def _expected(self, options: "_Options", perturbation: Resolved, cell_type: int,
                  control: np.ndarray, share: np.ndarray) -> np.ndarray:
        """The means that profiles are brought to, [genes] (JobState::ExpectedMean)."""
        from unlasting.local.responses import mean_change

        x_max = self._bundle.manifest["normalisation"]["x_max"]
        dose = np.log10(perturbation.dose_um) if perturbation.dose_um > 0 else 0.0
        change = mean_change(self._bundle, cell_type, perturbation.knockout, perturbation.stimulus,
                             float(dose))
        if self._meets_means(options, perturbation):
            return (control.mean(axis=0, dtype=np.float64) / x_max + change).astype(np.float32)
        moved = (control / np.float32(x_max) + change.astype(np.float32)).astype(np.float32)
        finish.keep_top_share(share, moved)
        return np.maximum(moved, 0).mean(axis=0, dtype=np.float64).astype(np.float32)


class _Options:
    """PredictOptions with the bundle's defaults."""

    def __init__(self, message: Any, bundle: Bundle) -> None:
        defaults, genes = bundle.manifest["defaults"], bundle.genes
        self.solver = messages.SOLVERS.word(message.solver) or defaults["solver"]
        own = self.solver == defaults["solver"]
        self.solver_steps = message.solver_steps or (
            defaults["solver_steps"] if own else solver.DEFAULT_STEPS[self.solver])
        self.invert, self.decode = solver.bridge(bundle.manifest["schedule"], self.solver,
                                                 self.solver_steps)
        self.mask = messages.MASKS.word(message.mask) or defaults["mask"]
        self.meet_means = bool(defaults.get("meet_means", False))
        self.mask_threshold = (message.mask_threshold if message.HasField("mask_threshold")
                               else 0.5)
        self.seed = message.seed
        if self.mask == "sample" or message.eta > 0:
            raise invalid("INVALID_OPTION", "mask" if self.mask == "sample" else "eta",
                          "a local model draws no noise; use a server for mask='sample' and eta")
        self.value_kind = messages.RESULT_KINDS.word(message.value_kind) or "log1p"
        if self.value_kind == "counts":
            raise invalid("INVALID_OPTION", "value_kind", "a local model draws no counts; use a "
                                                          "server")
        place = {gene: k for k, gene in enumerate(genes)}
        for gene, symbol in bundle.manifest["gene_symbols"].items():
            place.setdefault(symbol, place[gene])
        unknown = [gene for gene in message.genes if gene not in place]
        if unknown:
            raise invalid("UNKNOWN_GENE", "result_genes", f"found {', '.join(unknown[:10])}, "
                                                          "expected genes of the model")
        self.columns = ([place[gene] for gene in message.genes] if message.genes
                        else list(range(len(genes))))
        self.ranked_genes = message.ranked_genes or 50
