"""A bundle on disk: its manifest, its control cells and tables, each file checked by its hash."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from unlasting.errors import InvalidInputError, invalid, not_found

SCHEMA_VERSION = 2
# What a reader has to know of: docs/bundle.md. The networks themselves have the first of these
# inside; the last change what is done with their answer.
FEATURES = {"covariates", "expected_response", "grn_propagation", "molecule_descriptors",
            "molecule_embeddings", "sigmoid_dose_gate", "treatments", "meet_means",
            "condition_vector"}


def _damaged(message: str) -> InvalidInputError:
    return InvalidInputError(message, code="FAILED_PRECONDITION", reason="INVALID_BUNDLE")


class Bundle:
    """Reads and verifies a bundle. InvalidInputError with reason INVALID_BUNDLE names the file."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        path = self.folder / "manifest.json"
        if not path.is_file():
            raise not_found("INVALID_BUNDLE", "bundle", f"found no {path}, expected the folder of a "
                                                        "trained model")
        data = path.read_bytes()
        try:
            self.manifest: dict[str, Any] = json.loads(data)
            version, features = self.manifest["schema_version"], self.manifest["features"]
        except (ValueError, KeyError, TypeError) as error:
            raise _damaged(f"{path}: not a manifest: {error}") from None
        if version != SCHEMA_VERSION:
            raise _damaged(f"{path}: schema_version: found {version}, expected {SCHEMA_VERSION}")
        unknown = sorted(set(features) - FEATURES)
        if unknown:
            raise _damaged(f"{path}: features: found {', '.join(unknown)}, which this version of "
                           "the package does not know; a newer one does, or a server")
        self.hash = hashlib.sha256(data).hexdigest()
        self._weights: dict[str, np.ndarray] | None = None
        self._panel: Any = None

    def verified(self, name: str) -> Path:
        """The path of a file of the bundle, once its hash is found to be the manifest's."""
        listed = self.manifest["files"].get(name)
        path = self.folder / name
        if listed is None or not path.is_file():
            raise _damaged(f"{path}: not there")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != listed["sha256"]:
            raise _damaged(f"{path}: its SHA-256 is not the manifest's: the file is damaged, or of "
                           "another bundle")
        return path

    @property
    def genes(self) -> list[str]:
        """The genes of a profile."""
        return list(self.manifest["genes"])

    @property
    def panel(self) -> Any:
        """Control cells that ship with the model, as AnnData, log1p."""
        if self._panel is None:
            import anndata

            self._panel = anndata.read_h5ad(self.verified("reference.h5ad"))
        return self._panel

    def weights(self) -> dict[str, np.ndarray]:
        """weights.safetensors as arrays by name."""
        if self._weights is None:
            data = self.verified("weights.safetensors").read_bytes()
            length = struct.unpack_from("<Q", data)[0]
            header = json.loads(data[8:8 + length])
            types: dict[str, Any] = {"F32": np.dtype("<f4"), "I64": np.dtype("<i8")}
            self._weights = {}
            for name, entry in header.items():
                if name == "__metadata__":
                    continue
                first, last = (8 + length + offset for offset in entry["data_offsets"])
                self._weights[name] = np.frombuffer(
                    data[first:last], types[entry["dtype"]]).reshape(entry["shape"])
        return self._weights

    def table(self, name: str) -> dict[str, np.ndarray]:
        """molecules.tsv or treatments.tsv: vectors by name; empty where the bundle has none."""
        if name not in self.manifest["files"]:
            return {}
        rows = {}
        for line in self.verified(name).read_text().splitlines():
            cells = line.split("\t")
            rows[cells[0]] = np.array(cells[1:], np.float32)
        return rows

    def cell_type(self, name: str) -> int:
        """The index of a cell type."""
        if name not in self.manifest["cell_types"]:
            raise not_found("UNKNOWN_CELL_TYPE", "cell_type", f"found '{name}', which the model "
                            f"'{self.manifest['name']}' does not know; expected one of "
                            + ", ".join(self.manifest["cell_types"]))
        return int(self.manifest["cell_types"].index(name))

    def panel_rows(self, cell_type: str) -> np.ndarray:
        """Rows of the panel that are of a type."""
        return np.flatnonzero(np.asarray(self.panel.obs["cell_type"].astype(str)) == cell_type)

    def take_panel(self, cell_type: str, count: int, seed: int) -> np.ndarray:
        """Rows of the panel, drawn as a server draws them: the same seed gives the same cells."""
        self.cell_type(cell_type)
        rows = list(self.panel_rows(cell_type))
        if not 0 <= count <= len(rows) or not rows:
            raise invalid("INVALID_OPTION", "panel",
                          f"found {count} cells, expected 0 to {len(rows)}")
        if 0 < count < len(rows):
            random = MersenneTwister64(seed)
            for k in range(len(rows), 1, -1):
                other = random() % k
                rows[k - 1], rows[other] = rows[other], rows[k - 1]
            rows = sorted(rows[:count])
        return np.array(rows, int)


class MersenneTwister64:
    """The generator of C++'s std::mt19937_64, by which a server draws."""

    _MASK = (1 << 64) - 1

    def __init__(self, seed: int) -> None:
        state = [seed & self._MASK]
        for k in range(1, 312):
            last = state[-1]
            state.append((6364136223846793005 * (last ^ (last >> 62)) + k) & self._MASK)
        self._state, self._place = state, 312

    def __call__(self) -> int:
        if self._place == 312:
            self._twist()
        x = self._state[self._place]
        self._place += 1
        x ^= (x >> 29) & 0x5555555555555555
        x ^= (x << 17) & 0x71D67FFFEDA60000
        x ^= (x << 37) & 0xFFF7EEE000000000
        return (x ^ (x >> 43)) & self._MASK

    def _twist(self) -> None:
        state = self._state
        for k in range(312):
            x = (state[k] & 0xFFFFFFFF80000000) | (state[(k + 1) % 312] & 0x7FFFFFFF)
            odd = 0xB5026F5AA96619E9 if x & 1 else 0
            state[k] = state[(k + 156) % 312] ^ (x >> 1) ^ odd
        self._place = 0
