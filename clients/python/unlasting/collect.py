"""Puts the parts of a response together: rows may come in any order."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from unlasting import messages
from unlasting.errors import IncompleteError

_SPARSE_BELOW = 0.5  # CSR takes 8 bytes a value and dense 4


def decode(matrix: Any) -> np.ndarray:
    """A Matrix message as float32 [rows, columns]. IncompleteError where its parts do not fit."""
    shape = (matrix.rows, matrix.columns)
    kind = matrix.WhichOneof("encoding")
    try:
        if kind == "raw":
            word = messages.ELEMENT_TYPES.word(matrix.raw.element_type)
            if word == "bfloat16":
                bits = np.frombuffer(matrix.raw.data, "<u2").astype(np.uint32) << 16
                return bits.view(np.float32).reshape(shape)
            types = {"float32": "<f4", "float16": "<f2"}
            return np.frombuffer(matrix.raw.data, types[word]).astype(np.float32).reshape(shape)
        if kind == "packed":
            return np.array(matrix.packed.values, np.float32).reshape(shape)
        if kind == "sparse":
            part = matrix.sparse
            return np.asarray(sparse.csr_matrix(
                (np.array(part.values, np.float32), np.array(part.column_indices, np.int64),
                 np.array(part.row_offsets, np.int64)), shape=shape).todense())
    except (KeyError, ValueError) as error:
        raise IncompleteError(f"response: a matrix of {shape[0]} x {shape[1]} does not fit its "
                              f"values: {error}", code="DATA_LOSS") from None
    return np.zeros(shape, np.float32)


class Collector:
    """One whole answer of Predict.

    `header` has all perturbations once the stream is through; `profiles[p]` is [cells, genes] of
    perturbation p, dense or scipy CSR, whichever is smaller; `summaries[p]` its summary or None.
    """

    def __init__(self) -> None:
        self.header: Any = None
        self.profiles: list[Any] = []
        self.summaries: list[Any] = []
        self.cell_ids: list[str] = []
        self.finished: Any = None
        self._arrived: list[Any] = []

    def add(self, part: Any) -> None:
        """Takes a PredictResponse."""
        kind = part.WhichOneof("part")
        if kind == "header":
            self._add_header(part.header)
        elif kind is None or kind == "progress":
            return  # also a part that this version does not know
        elif self.header is None:
            raise IncompleteError("response: found another message before the header",
                                  code="DATA_LOSS")
        elif kind == "perturbations":
            if part.perturbations.first != len(self.header.perturbations):
                raise IncompleteError("response: perturbations out of order", code="DATA_LOSS")
            self.header.perturbations.extend(part.perturbations.perturbations)
            self._resize()
        elif kind == "profiles":
            self._add_rows(part.profiles)
        elif kind == "summary":
            self.summaries[part.summary.perturbation_index] = part.summary
        elif kind == "finished":
            self.finished = part.finished

    @property
    def cells(self) -> int:
        """Number of control cells."""
        return len(self.header.controls.cell_type_indices)

    def check(self) -> None:
        """IncompleteError unless everything has arrived."""
        if self.finished is None:
            raise IncompleteError("the response ended before its last message", code="DATA_LOSS")
        for number, arrived in enumerate(self._arrived):
            if arrived is not None and not (arrived is True or arrived.all()):
                raise IncompleteError(f"response: perturbation {number} has {int(arrived.sum())} of "
                                      f"{self.cells} cells", code="DATA_LOSS")

    def _add_header(self, header: Any) -> None:
        self.header = messages.PredictHeader()
        self.header.CopyFrom(header)
        self.cell_ids = list(header.controls.cell_ids)
        self.cell_ids += [""] * (self.cells - len(self.cell_ids))
        self._resize()

    def _resize(self) -> None:
        more = len(self.header.perturbations) - len(self.profiles)
        self.profiles += [None] * more
        self.summaries += [None] * more
        self._arrived += [None] * more

    def _add_rows(self, chunk: Any) -> None:
        values = decode(chunk.matrix)
        perturbations = np.array(chunk.perturbation_indices, int)
        rows = np.array(chunk.control_indices, int)
        if not (len(perturbations) == len(rows) == len(values)
                and values.shape[1] == len(self.header.genes)):
            raise IncompleteError("response: a chunk whose indices do not fit its rows",
                                  code="DATA_LOSS")
        if chunk.cell_ids:
            for row, name in zip(rows, chunk.cell_ids):
                self.cell_ids[row] = name
        for number in np.unique(perturbations):
            mine = perturbations == number
            if self._arrived[number] is None:
                self.profiles[number] = np.zeros((self.cells, values.shape[1]), np.float32)
                self._arrived[number] = np.zeros(self.cells, bool)
            if self._arrived[number] is True or self._arrived[number][rows[mine]].any():
                raise IncompleteError(f"response: a row of perturbation {number} came twice",
                                      code="DATA_LOSS")
            self.profiles[number][rows[mine]] = values[mine]
            self._arrived[number][rows[mine]] = True
            if self._arrived[number].all():
                self._arrived[number] = True
                dense = self.profiles[number]
                if np.count_nonzero(dense) < _SPARSE_BELOW * dense.size:
                    self.profiles[number] = sparse.csr_matrix(dense)
