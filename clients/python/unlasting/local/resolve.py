"""What a Perturbation means to a bundle: the inputs of its networks, and what training saw of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unlasting.errors import invalid, not_found
from unlasting.local.bundle import Bundle
from unlasting.local.molecules import Molecules


@dataclass
class Resolved:
    """A perturbation as the networks take it."""

    label: str
    condition: str
    knockout: list[int] = field(default_factory=list)  # nodes
    stimulus: np.ndarray | None = None  # features of a molecule or treatment with its covariates
    dose_um: float = 0.0
    smiles: str = ""
    seen: bool = False
    covariates: dict[str, float] = field(default_factory=dict)


class Resolver:
    """Resolves the perturbations of requests."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        manifest = bundle.manifest
        self.nodes: list[str] = manifest["genes"] + manifest["perturbed_only"]
        self._node = {name: k for k, name in enumerate(self.nodes)}
        for gene, symbol in manifest["gene_symbols"].items():
            self._node.setdefault(symbol, self._node.get(gene, -1))
        self._sets = {frozenset(_genes(name)): name for name in manifest["conditions"]}
        trained = {k for places in (manifest.get("contexts") or {}).values() for k in places}
        #: Whether training had a cell with several genes perturbed (TrainedContexts).
        self.combined = any(
            len({gene for gene in _genes(manifest["conditions"][k]) if gene in self._node}) > 1
            for k in trained)
        self.molecules = Molecules(bundle)
        self._treatments = bundle.table("treatments.tsv")

    def resolve(self, message: Any, place: int) -> Resolved:
        """`message` is a Perturbation, number `place` of its request."""
        kind = message.WhichOneof("kind")
        known = self.bundle.manifest["perturbation_kinds"]
        wanted = {"genes": "gene"}.get(kind, kind)
        if wanted not in known:
            raise invalid("UNSUPPORTED_PERTURBATION", f"perturbations[{place}]",
                          f"the model was trained on {'s and '.join(known)}s only")
        return {"genes": self._of_genes, "molecule": self._of_molecule,
                "treatment": self._of_treatment}[kind](message, f"perturbations[{place}]")

    def _of_genes(self, message: Any, where: str) -> Resolved:
        genes = list(message.genes.genes)
        unknown = [gene for gene in genes if self._node.get(gene, -1) < 0]
        if unknown:
            raise not_found("UNKNOWN_GENE", f"{where}.genes", "the model "
                            f"'{self.bundle.manifest['name']}' does not know {', '.join(unknown)}")
        nodes = sorted({self._node[gene] for gene in genes})
        if len(nodes) < len(genes):
            raise invalid("DUPLICATE_GENE", f"{where}.genes", "found a gene twice")
        trained = self._sets.get(frozenset(genes)) or self._sets.get(
            frozenset(self.nodes[node] for node in nodes))
        label = "+".join(genes)
        plain = not any("+" in name for name in self.bundle.manifest["conditions"])
        condition = trained or (f"{label}+ctrl" if len(genes) == 1 and not plain else label)
        return Resolved(label, condition, nodes, seen=trained is not None)

    def _of_molecule(self, message: Any, where: str) -> Resolved:
        molecule, manifest = message.molecule, self.bundle.manifest
        identity = molecule.WhichOneof("identity")
        names = {drug["name"] for drug in manifest["molecules"]}
        if identity == "name":
            label = molecule.name
            smiles, features = self.molecules.by_name(label)
        elif identity == "smiles":
            label, smiles, features = self.molecules.by_smiles(molecule.smiles)
            label = label or smiles
        else:
            label, smiles = "embedding", ""
            features = _vector(molecule.embedding.values, manifest["molecule_features"],
                               f"{where}.molecule.embedding")
        factor = {1: 1e-6, 2: 1e-3, 3: 1.0, 4: 1e3, 5: 1e6}.get(molecule.dose.unit, math.nan)
        dose = molecule.dose.value * factor
        if not math.isfinite(dose) or dose <= 0:
            raise invalid("INVALID_DOSE", f"{where}.molecule.dose", "expected a dose above 0 with "
                                                                    "its unit")
        covariates = dict(molecule.covariates)
        return Resolved(label, label, [], self._stimulus(features, False, covariates, where), dose,
                        smiles, label in names, covariates)

    def _of_treatment(self, message: Any, where: str) -> Resolved:
        treatment, described = message.treatment, self.bundle.manifest["treatments"]
        name, names = treatment.name.strip(), described["names"]
        if treatment.vector:
            if not described["vectors"]:
                raise invalid("UNSUPPORTED_PERTURBATION", f"{where}.treatment.vector",
                              "the model knows treatments by name alone")
            features = _vector(treatment.vector, described["features"],
                               f"{where}.treatment.vector")
            seen = name in names and np.array_equal(self._treatments.get(name, []), features)
        else:
            seen = name in names
            if described["vectors"] and name in self._treatments:
                features = self._treatments[name]
            elif not described["vectors"] and seen:
                features = np.eye(described["features"], dtype=np.float32)[names.index(name)]
            else:
                raise not_found("UNKNOWN_TREATMENT", f"{where}.treatment.name", f"the model was not "
                                f"trained on '{name}'; it knows {', '.join(names[:10])}")
        covariates = dict(treatment.covariates)
        return Resolved(name or "treatment", name or "treatment", [],
                        self._stimulus(features, True, covariates, where), 0.0, "", seen,
                        covariates)

    def _stimulus(self, features: np.ndarray, treatment: bool, given: dict[str, float],
                  where: str) -> np.ndarray:
        manifest = self.bundle.manifest
        described = manifest.get("covariates") or []
        molecules = manifest["molecule_features"]
        treatments = (manifest.get("treatments") or {}).get("features", 0)
        names = [each["name"] for each in described]
        wrong = sorted(set(given) ^ set(names))
        if wrong:
            raise invalid("INVALID_COVARIATE", f"{where}.covariates",
                          f"found {sorted(given)}, expected {names}")
        vector = np.zeros(molecules + treatments + len(names), np.float32)
        first = molecules if treatment else 0
        vector[first:first + len(features)] = features
        length = 0.5 * math.sqrt(float((features.astype(np.float64) ** 2).sum()))
        for place, each in enumerate(described, start=molecules + treatments):
            value = given[each["name"]]
            logarithmic = each["scale"] == "log10"
            if not math.isfinite(value) or (logarithmic and value <= 0):
                raise invalid("INVALID_COVARIATE", f"{where}.covariates", f"found {each['name']}="
                              f"{value}, expected a {'number above 0' if logarithmic else 'number'}")
            if each["deviation"] > 0:
                scaled = math.log10(value) if logarithmic else value
                z = (scaled - each["mean"]) / each["deviation"]
                vector[place] = length * min(max(z, -3.0), 3.0)
        return vector


def _genes(condition: str) -> list[str]:
    return [part for part in condition.split("+") if part not in ("ctrl", "")]


def _vector(values: Any, expected: int, where: str) -> np.ndarray:
    vector = np.array(values, np.float32)
    if len(vector) != expected:
        raise invalid("EMBEDDING_LENGTH", where, f"found {len(vector)} values, expected {expected}")
    if not np.isfinite(vector).all() or not vector.any():
        raise invalid("INVALID_VALUE", where, "expected finite values that are not all zero")
    return vector
