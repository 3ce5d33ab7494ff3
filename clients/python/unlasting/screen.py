"""A screen: thousands of perturbations of the same control cells, that can be stopped and resumed.

What is predicted is kept in a folder beside the output, OUT.parts, one file for each request,
written whole or not at all. A screen that was interrupted, or whose table was mended, goes on where
it was; the output is complete or not there.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import struct
from pathlib import Path
from typing import Any, Iterator

import numpy as np

from unlasting import messages, results
from unlasting.collect import Collector
from unlasting.errors import IncompleteError, UnlastingError, invalid
from unlasting.questions import Question
from unlasting.screen_table import BadRow, Row, Table

_ROW_FIELD = re.compile(r"^perturbations\[(\d+)\]")


class Parts:
    """The folder of finished requests."""

    def __init__(self, out: Path, fingerprint: str, resume: bool) -> None:
        self.folder = out.with_name(out.name + ".parts")
        mark = self.folder / "screen.json"
        if mark.exists():
            found = json.loads(mark.read_text()).get("fingerprint")
            if found != fingerprint:
                raise invalid("INVALID_OPTION", "out", f"{self.folder} holds parts of another "
                              "screen (other cells, model or options); remove it, or choose "
                              "another out")
            if not resume:
                raise invalid("INVALID_OPTION", "resume", f"{self.folder} holds parts of this "
                              "screen; give resume=True to go on, or remove it")
        self.folder.mkdir(parents=True, exist_ok=True)
        if not mark.exists():
            _write(mark, json.dumps({"fingerprint": fingerprint}).encode())
        self.keys: dict[str, Path] = {}
        for path in sorted(self.folder.glob("*.part")):
            for key in self._header(path):
                self.keys[key] = path

    @staticmethod
    def _header(path: Path) -> list[str]:
        try:
            with open(path, "rb") as stream:
                length = struct.unpack("<I", stream.read(4))[0]
                return list(json.loads(stream.read(length)))
        except (OSError, ValueError, struct.error):
            raise IncompleteError(f"{path} is damaged; remove it to have its rows predicted again",
                                  code="DATA_LOSS") from None

    def write(self, keys: list[str], answer: list[bytes]) -> None:
        """Keeps a complete answer."""
        head = json.dumps(keys).encode()
        data = b"".join([struct.pack("<I", len(head)), head,
                         *(struct.pack("<I", len(part)) + part for part in answer)])
        path = self.folder / f"{hashlib.sha256(head).hexdigest()[:24]}.part"
        _write(path, data)
        for key in keys:
            self.keys[key] = path

    def read(self, path: Path) -> Collector:
        """The answer that a part holds."""
        data = path.read_bytes()
        place = 4 + struct.unpack_from("<I", data)[0]
        collector = Collector()
        while place < len(data):
            length = struct.unpack_from("<I", data, place)[0]
            collector.add(messages.PredictResponse.FromString(data[place + 4:place + 4 + length]))
            place += 4 + length
        collector.check()
        return collector


def _write(path: Path, data: bytes) -> None:
    beside = path.with_name(path.name + f".tmp{os.getpid()}")
    beside.write_bytes(data)
    os.replace(beside, path)


class Screen:
    """One screen. A client asks for `batches()`, answers with `done` or `failed`, then `finish()`."""

    def __init__(self, question: Question, table: Table, out: str | os.PathLike[str], *,
                 batch: int, resume: bool) -> None:
        if not str(out).endswith(".h5ad"):
            raise invalid("INVALID_OPTION", "out", f"found '{out}', expected a path that ends in "
                                                   ".h5ad")
        if batch < 1:
            raise invalid("INVALID_OPTION", "batch", f"found {batch}, expected 1 row or more")
        self.question, self.table, self.out = question, table, Path(out)
        self.out.parent.mkdir(parents=True, exist_ok=True)
        self.bad: list[BadRow] = list(table.bad)
        self._batch = batch
        plain = messages.PredictRequest()
        plain.CopyFrom(question.request)
        del plain.perturbations[:]
        state = hashlib.sha256(plain.SerializeToString(deterministic=True))
        state.update(question.model.summary.bundle_hash.encode())
        state.update(question.controls.digest().encode() if question.controls else b"")
        self.parts = Parts(self.out, state.hexdigest(), resume)

    @property
    def rows(self) -> int:
        """All rows that could be read."""
        return len(self.table.rows)

    @property
    def rows_done(self) -> int:
        """Rows that are predicted, now or before."""
        return sum(row.key in self.parts.keys for row in self.table.rows)

    def batches(self) -> Iterator[list[Row]]:
        """The rows that are still to be asked for, a request at a time."""
        left = [row for row in self.table.rows if row.key not in self.parts.keys]
        for first in range(0, len(left), self._batch):
            yield left[first:first + self._batch]

    def request(self, rows: list[Row]) -> Any:
        """The request for some rows."""
        request = messages.PredictRequest()
        request.CopyFrom(self.question.request)
        del request.perturbations[:]
        request.perturbations.extend(row.message for row in rows)
        return request

    def done(self, rows: list[Row], answer: list[bytes]) -> None:
        """Keeps the answer of a request: its serialised responses."""
        self.parts.write([row.key for row in rows], answer)

    def failed(self, rows: list[Row], error: UnlastingError) -> list[Row]:
        """The rows to try again without those that the server refused; raises where the error is
        not about rows."""
        refused: dict[int, tuple[str, str]] = {}
        for violation in error.violations:
            match = _ROW_FIELD.match(violation.field)
            if not match or int(match.group(1)) >= len(rows):
                raise error
            refused.setdefault(int(match.group(1)),
                               (violation.reason or error.reason, violation.description))
        if not refused:
            raise error
        for number, (reason, text) in refused.items():
            self.bad.append(BadRow(rows[number].line, rows[number].name, reason, text))
        return [row for number, row in enumerate(rows) if number not in refused]

    def finish(self) -> Any:
        """Writes OUT, OUT.ranking.tsv and OUT.errors.tsv, and returns the ranking as a DataFrame."""
        import pandas

        rows = [row for row in self.table.rows if row.key in self.parts.keys]
        stem = str(self.out)[:-len(".h5ad")]
        errors = pandas.DataFrame([vars(row) for row in sorted(self.bad, key=lambda r: r.line)],
                                  columns=["line", "name", "reason", "message"])
        _replace(f"{stem}.errors.tsv", errors)
        if not rows:
            raise invalid("INVALID_ROW", "table", f"no row could be predicted; {stem}.errors.tsv "
                                                  "says why")
        whole = self._collect(rows)
        predicted = results.to_anndata(self.question, whole)
        self._add_names(predicted, rows, whole)
        beside = f"{self.out}.tmp{os.getpid()}"
        predicted.write_h5ad(beside)
        os.replace(beside, self.out)
        ranking = _ranking(rows, whole)
        _replace(f"{stem}.ranking.tsv", ranking)
        shutil.rmtree(self.parts.folder)
        return ranking

    def _add_names(self, predicted: Any, rows: list[Row], whole: Collector) -> None:
        import pandas

        if any(row.name for row in rows):
            names = [row.name for row in rows for _ in range(whole.cells)]
            predicted.obs["name"] = pandas.Categorical(names)

    def _collect(self, rows: list[Row]) -> Collector:
        whole = Collector()
        kept: dict[Path, tuple[Collector, list[str]]] = {}
        for row in rows:
            path = self.parts.keys[row.key]
            if path not in kept:
                kept[path] = (self.parts.read(path), Parts._header(path))
            part, keys = kept[path]
            place = keys.index(row.key)
            if whole.header is None:
                whole.header = messages.PredictHeader()
                whole.header.CopyFrom(part.header)
                del whole.header.perturbations[:]
                whole.cell_ids = part.cell_ids
            elif whole.header.bundle_hash != part.header.bundle_hash:
                raise IncompleteError("the server's model changed during the screen; remove "
                                      f"{self.parts.folder} and start again", code="DATA_LOSS")
            whole.header.perturbations.append(part.header.perturbations[place])
            whole.profiles.append(part.profiles[place])
            whole.summaries.append(part.summaries[place])
        return whole


def _ranking(rows: list[Row], whole: Collector) -> Any:
    import pandas

    filled = set(whole.header.controls.missing_genes)
    own = np.array([gene not in filled for gene in whole.header.genes])
    columns = results.perturbation_columns(whole)
    change, top = [], []
    for summary in whole.summaries:
        difference = np.array(summary.mean) - np.array(summary.control_mean)
        change.append(float(np.linalg.norm(difference[own])))
        top.append(" ".join(f"{gene.gene}({gene.log2_fold_change:+.2f})"
                            for gene in list(summary.ranked_genes)[:10]))
    frame = pandas.DataFrame({
        "line": [row.line for row in rows], "name": [row.name for row in rows],
        "perturbation": columns.pop("label"), "condition": columns.pop("condition"),
        "dose_um": columns.pop("dose_um"), "change": change, "top_genes": top,
        "condition_seen": np.where(columns.pop("seen_in_training"), "yes", "no"),
        **{name: values for name, values in columns.items() if name != "smiles"}})
    frame = frame.sort_values("change", ascending=False, kind="stable").reset_index(drop=True)
    frame.insert(0, "rank", np.arange(1, len(frame) + 1))
    return frame


def _replace(path: str, frame: Any) -> None:
    beside = f"{path}.tmp{os.getpid()}"
    frame.to_csv(beside, sep="\t", index=False)
    os.replace(beside, path)
