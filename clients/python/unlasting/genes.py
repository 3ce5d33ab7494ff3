"""Genes by name: symbols, identifiers, versions and case, as far as they are unambiguous."""

from __future__ import annotations

import re
from typing import Iterable, Mapping, Sequence

_VERSION = re.compile(r"^(ENS[A-Z]*G\d{6,})\.\d+$", re.IGNORECASE)


def without_version(gene: str) -> str:
    """`ENSG00000115415.21` -> `ENSG00000115415`; other names as they are."""
    match = _VERSION.match(gene)
    return match.group(1) if match else gene


class GeneIndex:
    """Finds a model's name of a gene.

    A name is preferred to another gene's symbol. What is not found as it is written is looked for
    without the version of an Ensembl identifier, and then without regard to case, where one gene
    alone fits.
    """

    def __init__(self, genes: Iterable[str], symbols: Mapping[str, str] | None = None) -> None:
        names = list(genes)
        self._exact: dict[str, str] = {}
        for gene in names:
            self._exact.setdefault(gene, gene)
        for gene in names:
            symbol = (symbols or {}).get(gene, "")
            if symbol:
                self._exact.setdefault(symbol, gene)
        self._loose: dict[str, set[str]] = {}
        for written, gene in self._exact.items():
            self._loose.setdefault(without_version(written).upper(), set()).add(gene)

    def exact(self, name: str) -> str | None:
        """The gene of a name or symbol as it is written, as the command line finds it."""
        return self._exact.get(name)

    def find(self, name: str) -> str | None:
        """The gene, whatever the version and the case of the name; None where none or several fit."""
        found = self._exact.get(name)
        if found is not None:
            return found
        loose = self._loose.get(without_version(name).upper(), set())
        return next(iter(loose)) if len(loose) == 1 else None


def match_columns(index: GeneIndex, names: Sequence[str],
                  symbols: Sequence[str] | None) -> tuple[list[int], list[str], list[str]]:
    """Which columns a model knows.

    `names` is var's index, `symbols` a column of symbols or None. Returns the columns' numbers, the
    names that the model knows them by, and those of them that only fit by version or case. Where
    several columns fit one gene loosely, none of them is taken.
    """
    columns: list[int] = []
    known: list[str] = []
    taken: set[str] = set()
    loose: dict[str, list[int]] = {}
    for column, name in enumerate(names):
        written = name
        gene = index.exact(name)
        if gene is None and symbols is not None:
            written = symbols[column]
            gene = index.exact(written)
        if gene is not None:
            columns.append(column)
            known.append(written)
            taken.add(gene)
            continue
        gene = index.find(name) or (index.find(symbols[column]) if symbols is not None else None)
        if gene is not None:
            loose.setdefault(gene, []).append(column)
    renamed = []
    for gene, candidates in loose.items():
        if gene in taken or len(candidates) > 1:
            continue
        columns.append(candidates[0])
        known.append(gene)
        renamed.append(f"{names[candidates[0]]} as {gene}")
    order = sorted(range(len(columns)), key=columns.__getitem__)
    return [columns[k] for k in order], [known[k] for k in order], renamed
