"""Doses with their units, as people write them."""

from __future__ import annotations

import math
import re

from unlasting.errors import invalid

_MICROMOLAR = {"pM": 1e-6, "nM": 1e-3, "uM": 1.0, "\u00b5M": 1.0, "\u03bcM": 1.0, "mM": 1e3,
               "M": 1e6}


def parse_dose(text: str) -> float:
    """`"0.2uM"` or `"200 nM"` in micromolar.

    InvalidInputError with reason INVALID_DOSE where there is no unit of pM, nM, uM, mM and M, or no
    number above 0.
    """
    if not isinstance(text, str):
        raise invalid("INVALID_DOSE", "dose",
                      f"found {text!r}, expected text with a unit, e.g. '0.2uM'")
    match = re.fullmatch(r"\s*(.*[0-9.])\s*(\D*?)\s*", text)
    try:
        value = float(match.group(1)) if match else math.nan
    except ValueError:
        value = math.nan
    if match is None or math.isnan(value):
        raise invalid("INVALID_DOSE", "dose",
                      f"found '{text}', expected a number and a unit as in 0.2uM")
    if match.group(2) not in _MICROMOLAR:
        raise invalid("INVALID_DOSE", "dose", f"found '{text}' with the unit '{match.group(2)}', "
                                              "expected pM, nM, uM, mM or M")
    micromolar = value * _MICROMOLAR[match.group(2)]
    if not math.isfinite(micromolar) or micromolar <= 0:
        raise invalid("INVALID_DOSE", "dose", f"found '{text}', expected above 0")
    return micromolar
