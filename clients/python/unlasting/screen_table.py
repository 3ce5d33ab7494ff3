"""The table of a screen: one perturbation per row, as people and spreadsheets write them."""

from __future__ import annotations

import csv
import hashlib
import io
import os
from dataclasses import dataclass, field
from typing import Any, Mapping

from unlasting import perturbations
from unlasting.errors import UnlastingError, invalid
from unlasting.genes import GeneIndex

_KINDS = ("gene", "smiles", "molecule", "treatment")


@dataclass
class Row:
    """A row that can be asked for. `key` tells rows apart that ask for different things."""

    line: int
    name: str
    message: Any  # Perturbation
    key: str


@dataclass
class BadRow:
    """A row that cannot be predicted."""

    line: int
    name: str
    reason: str
    message: str


@dataclass
class Table:
    """All rows of a screen's table."""

    rows: list[Row] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)


def _decode(data: bytes) -> str:
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
                           (b"\xef\xbb\xbf", "utf-8-sig")):
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _records(table: Any) -> list[tuple[int, dict[str, str]]]:
    """Line number and cells by column, in lower case."""
    if isinstance(table, (str, os.PathLike)):
        with open(table, "rb") as stream:
            return _lines(_decode(stream.read()))
    if hasattr(table, "to_dict"):  # a pandas DataFrame
        rows = table.to_dict("records")
    elif isinstance(table, Mapping):
        raise invalid("INVALID_OPTION", "table", "found a mapping, expected a path, a DataFrame or "
                                                 "a list of rows")
    else:
        rows = [{"gene": row} if isinstance(row, str) else dict(row) for row in table]
    return [(number, {str(key).strip().lower(): "" if value is None or value != value
                      else str(value).strip() for key, value in row.items()})
            for number, row in enumerate(rows, start=1)]


def _lines(text: str) -> list[tuple[int, dict[str, str]]]:
    columns: list[str] = []
    records = []
    separator = "\t"
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if not columns:
            separator = next((each for each in "\t;," if each in line), "\t")
        cells = [cell.strip() for cell in next(csv.reader(io.StringIO(line), delimiter=separator))]
        if not columns:
            columns = [cell.lower() for cell in cells]
            continue
        record = dict(zip(columns, cells))
        if len(cells) > len(columns):
            record["\0"] = f"found {len(cells)} columns, expected at most the {len(columns)}"
        records.append((number, record))
    return records


def parse(table: Any, index: GeneIndex | None = None) -> Table:
    """Reads a screen's table.

    `table`: a path to TSV or CSV, a pandas DataFrame, a list of mappings or a list of genes. Columns:
    `gene` (A or A+B), or `smiles` or `molecule` with `dose` (0.2uM, or several as 0.1uM,1uM: each is
    a row), or `treatment`; with `hours` and `covariate` (NAME=NUMBER), and `name`. A row that cannot
    be read is bad and the others go on. InvalidInputError where no column is known.
    """
    records = _records(table)
    known = {column for _, record in records for column in record} & set(_KINDS)
    if not known:
        raise invalid("INVALID_ROW", "table", "found none of the columns gene, treatment, smiles "
                                              "and molecule, or no row")
    parsed = Table()
    times: dict[str, int] = {}
    for line, record in records:
        name = record.get("name", "")
        try:
            for message in _messages(record, index):
                key = hashlib.sha256(message.SerializeToString(deterministic=True)).hexdigest()
                count = times[key] = times.get(key, -1) + 1
                parsed.rows.append(Row(line, name, message, f"{key}-{count}" if count else key))
        except UnlastingError as error:
            parsed.bad.append(BadRow(line, name, "INVALID_ROW", str(error)))
    return parsed


def _messages(record: dict[str, str], index: GeneIndex | None) -> list[Any]:
    if "\0" in record:
        raise invalid("INVALID_ROW", "table", record["\0"])
    filled = [kind for kind in _KINDS if record.get(kind)]
    if len(filled) != 1:
        raise invalid("INVALID_ROW", "table", "found none or several of the columns gene, smiles, "
                      "molecule and treatment filled, expected one of them")
    kind = filled[0]
    covariates = {}
    if record.get("covariate"):
        name, _, number = record["covariate"].partition("=")
        covariates[name] = _number(number, "covariate")
    more: dict[str, Any] = {"covariates": covariates}
    if record.get("hours"):
        more["hours"] = _number(record["hours"], "hours")
    if record.get("dose"):
        more["dose"] = record["dose"]
    more["genes" if kind == "gene" else kind] = record[kind]
    return perturbations.build(index=index, **more)


def _number(text: str, column: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise invalid("INVALID_ROW", column, f"found '{text}', expected a number") from None
