"""Control cells as the service takes them: in a request, as an upload, and on the model's scale."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Iterator

import numpy as np
from scipy import sparse

from unlasting import genes as gene_names
from unlasting import messages, scale

_VALUES_PER_CHUNK = 1 << 17  # about 1 MB


@dataclass
class Controls:
    """Control cells as they are sent: [cells, genes that the model knows].

    `values` are raw counts, or natural log1p values of counts that sum to `target_sum` (0: not
    known). `library_sizes` are the counts of each cell over all measured genes.
    """

    values: Any  # scipy CSR, float32
    genes: list[str]
    kind: str  # counts or log1p
    cell_types: list[str]
    barcodes: list[str]
    missing_genes: str = "error"
    library_sizes: np.ndarray | None = None
    target_sum: float = 0.0
    new_context: str = ""  # a cell type that the model was not trained on: that of all cells
    _digest: str = field(default="", repr=False)

    def digest(self) -> str:
        """Equal for equal cells."""
        if not self._digest:
            state = hashlib.sha256()
            for part in (self.values.data, self.values.indices, self.values.indptr,
                         self.library_sizes if self.library_sizes is not None else np.zeros(0)):
                state.update(np.ascontiguousarray(part).tobytes())
            for texts in (self.genes, self.cell_types, self.barcodes):
                state.update("\x1f".join(texts).encode())
            state.update(f"{self.kind} {self.missing_genes} {self.target_sum} {self.new_context}".encode())
            self._digest = state.hexdigest()
        return self._digest

    def encoded_bytes(self) -> int:
        """About how long the cells are on the wire."""
        return int(8 * self.values.nnz + sum(map(len, self.barcodes)))

    def message(self) -> Any:
        """All cells as ControlCells."""
        cells = messages.ControlCells()
        self._header(cells)
        self._rows(cells, 0, self.values.shape[0])
        return cells

    def upload(self) -> Iterator[Any]:
        """The messages of RegisterControls: the header, then chunks of about 1 MB."""
        request = messages.RegisterControlsRequest()
        self._header(request.header)
        yield request
        indptr, first = self.values.indptr, 0
        while first < self.values.shape[0]:
            last = int(np.searchsorted(indptr, indptr[first] + _VALUES_PER_CHUNK, "right")) - 1
            last = min(max(last, first + 1), self.values.shape[0])
            request = messages.RegisterControlsRequest()
            self._rows(request.chunk, first, last)
            yield request
            first = last

    def _header(self, message: Any) -> None:
        message.genes.names.extend(self.genes)
        message.value_kind = messages.VALUE_KINDS[self.kind]
        message.missing_genes = messages.MISSING_GENES[self.missing_genes]
        message.target_sum = self.target_sum
        if self.new_context:
            message.new_context = self.new_context

    def _rows(self, message: Any, first: int, last: int) -> None:
        part = self.values[first:last]
        message.matrix.rows, message.matrix.columns = part.shape
        message.matrix.sparse.row_offsets.extend(part.indptr.tolist())
        message.matrix.sparse.column_indices.extend(part.indices.tolist())
        message.matrix.sparse.values.extend(part.data.tolist())
        types = self.cell_types[first:last]
        message.cell_types.extend(types[:1] if len(set(types)) == 1 else types)
        message.cell_ids.extend(self.barcodes[first:last])
        if self.library_sizes is not None:
            message.library_sizes.extend(self.library_sizes[first:last].tolist())

    def model_units(self, model: Any) -> Any:
        """The cells as the model takes them: log1p values [cells, Model.genes], scipy CSR.

        Genes that the cells lack are zero here.
        """
        index: dict[str, int] = {}
        known = gene_names.GeneIndex(self.genes)
        for column, gene in enumerate(self.genes):
            index.setdefault(gene, column)
        source, target = [], []
        for position, gene in enumerate(model.genes):
            name = known.exact(gene) or known.exact(model.gene_symbols.get(gene, "\0"))
            if name is not None:
                source.append(index[name])
                target.append(position)
        values = self.values.astype(np.float32)
        if self.kind == "counts":
            sizes = self.library_sizes
            totals = np.asarray(values.sum(axis=1, dtype=np.float64)).ravel()
            library = (totals if sizes is None else sizes).astype(np.float32)
            with np.errstate(divide="ignore"):
                factor = np.where(library > 0, np.minimum(
                    np.float32(1) / (library / np.float32(model.target_sum)), np.float32(1e30)), 0)
            scaled = np.log1p(values.data * np.repeat(factor.astype(np.float32),
                                                      np.diff(values.indptr)))
        else:
            scaled = scale.rescale(values.data, self.target_sum, model.target_sum)
        values = sparse.csr_matrix((scaled, values.indices, values.indptr), shape=values.shape)
        spread = sparse.csr_matrix((np.ones(len(source), np.float32), (source, target)),
                                   shape=(len(self.genes), len(model.genes)))
        return (values @ spread).tocsr()
