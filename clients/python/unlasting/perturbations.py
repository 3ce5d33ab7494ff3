"""Perturbations from what users write: genes, molecules with doses, treatments."""

from __future__ import annotations

import math
from typing import Any, Iterable, Mapping, Sequence, Union

import numpy as np

from unlasting import genes as gene_names
from unlasting import labels, messages
from unlasting.doses import parse_dose
from unlasting.errors import invalid

Genes = Union[str, Sequence[Union[str, Sequence[str]]]]
Texts = Union[str, Sequence[str]]


def _texts(value: Any, field: str) -> list[str]:
    if value is None:
        return []
    listed = [value] if isinstance(value, str) else list(value)
    for each in listed:
        if not isinstance(each, str) or not each.strip():
            raise invalid("EMPTY_PERTURBATION", field, f"found {each!r}, expected text")
    return listed


def gene_set(entry: str | Sequence[str]) -> list[str]:
    """The genes that one entry knocks out together: "A", "A+B", "A+ctrl" or ("A", "B")."""
    parts = (entry.split("+") if isinstance(entry, str) else
             list(entry) if isinstance(entry, (list, tuple, set, frozenset)) else [entry])
    genes: list[str] = []
    for part in parts:
        if not isinstance(part, str) or not part.strip():
            raise invalid("EMPTY_PERTURBATION", "genes",
                          f"found {entry!r}, expected GENE or GENE+GENE")
        name = part.strip()
        control = len(parts) > 1 and (name == "ctrl" or labels.control_kind(name))
        if name not in genes and not control and name != "ctrl":
            genes.append(name)
    if not genes:
        raise invalid("EMPTY_PERTURBATION", "genes",
                      f"found {entry!r}, expected GENE or GENE+GENE")
    return genes


def _numbers(vector: Any, field: str) -> list[float]:
    values = np.asarray(vector, dtype=np.float64).ravel()
    if not values.size or not np.isfinite(values).all():
        raise invalid("INVALID_VALUE", field, "expected one finite number or more")
    return [float(value) for value in values]


def _covariates(hours: Any, covariates: Mapping[str, float] | None) -> list[dict[str, float]]:
    shared = {}
    for name, value in (covariates or {}).items():
        if isinstance(value, bool) or not math.isfinite(value):
            raise invalid("INVALID_COVARIATE", "covariates",
                          f"found {name}={value!r}, expected a finite number")
        shared[str(name)] = float(value)
    if hours is None:
        return [shared]
    return [{**shared, "hours": each} for each in _numbers(hours, "hours")]


def build(*, genes: Genes | None = None, smiles: Texts | None = None,
          molecule: Texts | None = None, embedding: Any = None, dose: Texts | None = None,
          treatment: Texts | None = None, vector: Any = None, hours: Any = None,
          covariates: Mapping[str, float] | None = None,
          index: gene_names.GeneIndex | None = None) -> list[Any]:
    """Perturbation messages, in the order genes, structures, names, embedding, treatments.

    `index` (None: none) corrects the case and the version of gene names where one gene fits.
    InvalidInputError names the parameter that is absent, empty or does not belong.
    """
    found = [_of_genes(entry, index) for entry in ([genes] if isinstance(genes, str)
                                                   else list(genes or []))]
    sets = _covariates(hours, covariates)
    structures, names = _texts(smiles, "smiles"), _texts(molecule, "molecule")
    treatments = _texts(treatment, "treatment")
    doses = _texts(dose, "dose")
    molecules = bool(structures or names or embedding is not None)
    if doses and not molecules:
        raise invalid("INVALID_DOSE", "dose", "found no molecule that it could belong to, expected "
                                              "smiles, molecule or embedding")
    if molecules and not doses:
        raise invalid("INVALID_DOSE", "dose", "found none, expected the dose of the molecule, e.g. "
                                              "dose='0.2uM'")
    if vector is not None and len(treatments) != 1:
        raise invalid("EMPTY_PERTURBATION", "vector", f"found {len(treatments)} treatments, "
                                                      "expected one with a vector")
    if sets != [{}] and not molecules and not treatments:
        raise invalid("INVALID_COVARIATE", "hours", "found no treatment or molecule that it could "
                                                    "belong to")
    for text in (part for each in doses for part in each.split(",")):
        micromolar = parse_dose(text)
        for numbers in sets:
            found += _molecules(structures, names, embedding, micromolar, numbers)
    for numbers in sets:
        for name in treatments:
            message = messages.Perturbation()
            message.treatment.name = name
            if vector is not None:
                message.treatment.vector.extend(_numbers(vector, "vector"))
            message.treatment.covariates.update(numbers)
            found.append(message)
    if not found:
        raise invalid("EMPTY_PERTURBATION", "perturbation", "found none, expected genes, smiles, "
                      "molecule, embedding or treatment")
    return found


def _of_genes(entry: str | Sequence[str], index: gene_names.GeneIndex | None) -> Any:
    message = messages.Perturbation()
    for gene in gene_set(entry):
        # A name as it is written stays; the server says what it does not know.
        known = None if index is None or index.exact(gene) else index.find(gene)
        message.genes.genes.append(known or gene)
    return message


def _molecules(structures: Iterable[str], names: Iterable[str], embedding: Any, micromolar: float,
               covariates: dict[str, float]) -> list[Any]:
    found = []
    for field, values in (("smiles", structures), ("name", names)):
        for value in values:
            message = messages.Perturbation()
            setattr(message.molecule, field, value)
            found.append(message)
    if embedding is not None:
        message = messages.Perturbation()
        message.molecule.embedding.values.extend(_numbers(embedding, "embedding"))
        found.append(message)
    for message in found:
        message.molecule.dose.value = micromolar
        message.molecule.dose.unit = messages.DOSE_MICROMOLAR
        message.molecule.covariates.update(covariates)
    return found
