"""Whether values are counts or logarithms, and of which scale: found from the values, or refused.

The rules are those of the programs (core/cells/matrix_kind.cc and log_scale.cc): cells that were
normalised over all their genes sum to one number, which a look at the values finds again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from unlasting.errors import invalid

_LARGEST_LOG = 25.0  # e^25 is more molecules than any cell holds
_NEARLY = 5e-3
_SAME = 2e-6
_SAMPLED_ROWS = 2000
_BASES = {"e": math.e, "2": 2.0, "10": 10.0}


def _near(a: float, b: float, tolerance: float) -> bool:
    return abs(a - b) <= tolerance * b


def constant_of(sums: np.ndarray) -> float:
    """The number that nearly all rows sum to, or 0 where there is none."""
    sums = sums[sums > 0]
    if len(sums) < 3:
        return 0.0
    median = float(np.sort(sums)[len(sums) // 2])
    if np.mean(np.abs(sums - median) <= _NEARLY * median) < 0.95:
        return 0.0
    whole = float(round(median))
    return whole if _near(median, whole, _SAME) else median


class Sample:
    """What the values of cells show. Rows are added in blocks, over all genes of the data."""

    def __init__(self, rows: int) -> None:
        self._stride = max(1, -(-rows // _SAMPLED_ROWS))
        self._row = 0
        self._sums: list[np.ndarray] = []
        self.integers = True
        self.any = False
        self.largest = 0.0
        self.fraction = 0.0
        self._told = self._whole = self._above_one = 0
        self._told_integers = True

    def add(self, block: Any) -> None:
        """`block` is a scipy CSR matrix [rows, all genes]; InvalidInputError for NaN, inf, < 0."""
        values = block.data
        bad = ~np.isfinite(values) | (values < 0)
        if bad.any():
            value = values[bad][0]
            hint = ("" if not np.isfinite(value) else " (scaled or centred values are no "
                    "expression: name a layer, or 'raw', that holds counts or log1p values)")
            raise invalid("INVALID_VALUE", "adata", f"found the value {value}, expected finite "
                                                    f"values of 0 or more{hint}")
        if values.size:
            self.any = self.any or bool(values.any())
            self.largest = max(self.largest, float(values.max()))
            fractions = values[values != np.floor(values)]
            if fractions.size and self.integers:
                self.integers, self.fraction = False, float(fractions[0])
        first = -self._row % self._stride
        self._row += block.shape[0]
        if first < block.shape[0]:
            self._look(block[first::self._stride])

    def _look(self, rows: Any) -> None:
        values = rows.data.astype(np.float64)
        lengths = np.diff(rows.indptr)

        def sums(of: np.ndarray) -> np.ndarray:
            totals = np.zeros(len(lengths))
            np.add.at(totals, np.repeat(np.arange(len(lengths)), lengths), of)
            return totals
        with np.errstate(over="ignore"):
            linear = np.expm1(values)
            self._sums.append(np.stack(
                [sums(values)] + [sums(np.expm1(values * math.log(b))) for b in _BASES.values()]
                + [sums(np.expm1(linear))]))
        told = (values != 0) & (linear <= 4096)
        self._told += int(told.sum())
        self._told_integers &= bool(np.all(values[told] == np.floor(values[told])))
        whole = told & (np.round(linear) >= 1) & (
            np.abs(linear - np.round(linear)) <= 1e-4 + 2e-6 * linear)
        self._whole += int(whole.sum())
        self._above_one += int((linear[whole] > 1.5).sum())

    def constants(self) -> list[float]:
        """What rows sum to as they are, as logarithms to base e, 2 and 10, and logged twice."""
        if not self._sums:
            return [0.0] * 5
        with np.errstate(invalid="ignore"):
            forms = np.concatenate(self._sums, axis=1)
        found = [constant_of(form[np.isfinite(form)]) for form in forms[:4]]
        count = sum(value > 0 for value in found)
        if count > 1:  # cells that are copies of each other tell nothing
            return [0.0] * 5
        return found + [constant_of(forms[4][np.isfinite(forms[4])]) if count == 0 else 0.0]

    def logged_counts(self) -> bool:
        """Logarithms of whole counts that were not normalised."""
        return (not self._told_integers and self._told >= 20 and self._whole == self._told
                and self._above_one > 0)


def decide_kind(sample: Sample, declared: str, marked: bool) -> str:
    """"counts" or "log1p"; InvalidInputError where values are neither, or not what was declared."""
    if declared not in ("auto", "counts", "log1p"):
        raise invalid("INVALID_OPTION", "matrix",
                      f"found '{declared}', expected auto, counts or log1p")
    constants = sample.constants()
    normalised = not sample.integers and constants[0] > 0
    whole = sample.integers and sample.any
    if declared == "counts":
        if sample.integers or sample.largest > _LARGEST_LOG or normalised:
            return "counts"
        raise invalid("SCALE_MISMATCH", "matrix", f"declared counts, found the fraction "
                      f"{sample.fraction:.6g}; expected integers (log1p values must be declared "
                      "log1p: a second log is refused)")
    if not sample.integers and constants[4] > 0:
        raise invalid("SCALE_MISMATCH", "matrix", "each cell sums to one number where expm1 is "
                      "taken twice: these values were logged twice; name a layer, or 'raw', that "
                      "holds counts or values that were logged once")
    if declared == "log1p":
        if sample.largest <= _LARGEST_LOG and not whole:
            return "log1p"
        raise invalid("SCALE_MISMATCH", "matrix",
                      f"declared log1p, found {'only integers, ' if whole else ''}largest "
                      f"{sample.largest:.6g}; expected logarithms below {_LARGEST_LOG:g} (raw "
                      "counts must be declared counts)")
    if whole or not sample.any:
        return "log1p" if marked and not whole else "counts"
    if normalised:
        raise invalid("SCALE_MISMATCH", "matrix", "found fractions, and each cell sums to one "
                      "number: these are normalised counts that were not logged; give "
                      "matrix='counts' to have them normalised and logged")
    if sample.largest <= _LARGEST_LOG:
        return "log1p"
    raise invalid("SCALE_MISMATCH", "matrix", "values are neither counts nor log1p: found "
                  f"fractions and a largest value of {sample.largest:.6g}; give matrix='counts' "
                  "where they are counts that were corrected or normalised, or name a layer")


@dataclass
class LogScale:
    """The scale of logarithms: base, the sum that cells were normalised to (0: unknown), a remark."""

    base: float = math.e
    target_sum: float = 0.0
    remark: str = ""


def decide_scale(sample: Sample, uns: Any, element: str) -> LogScale:
    """The scale under which cells sum to one number, else the one of the file's own marks."""
    scale = LogScale()
    if element == "X":
        log1p: Any = uns.get("log1p") if hasattr(uns, "get") else None
        base = log1p.get("base") if hasattr(log1p, "get") else None
        if base is not None and np.size(base) == 1:
            scale.base = float(np.ravel(base)[0])
            if not math.isfinite(scale.base) or scale.base <= 1:
                raise invalid("SCALE_MISMATCH", "adata", f"uns['log1p']['base']: found {base}, "
                                                         "expected a number above 1")
        ours: Any = uns.get("unlasting") if hasattr(uns, "get") else None
        if hasattr(ours, "get") and np.size(ours.get("target_sum", 0)) == 1:
            scale.target_sum = float(np.ravel(ours.get("target_sum", 0))[0])
    for (name, base), constant in zip(_BASES.items(), sample.constants()[1:4]):
        if constant <= 0:
            continue
        agrees = _near(scale.base, base, 1e-6)
        if not agrees:
            scale.remark = (f"values are taken for logarithms to base {name}, under which cells "
                            f"sum to {constant:.7g}")
        scale.base = base
        if not agrees or not _near(constant, scale.target_sum, _NEARLY):
            scale.target_sum = constant
    if not scale.remark and not _near(scale.base, math.e, 1e-6):
        scale.remark = (f"values are logarithms to base {scale.base:g} (uns['log1p']['base']), "
                        "converted to natural ones")
    return scale


def rescale(values: np.ndarray, source: float, target: float) -> np.ndarray:
    """Natural logarithms of counts that sum to `source`, as of counts that sum to `target`."""
    if source <= 0 or target <= 0 or _near(target, source, _SAME):
        return values
    return np.log1p(np.expm1(values.astype(np.float64)) * (target / source)).astype(np.float32)
