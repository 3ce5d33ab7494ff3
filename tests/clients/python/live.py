"""What the tests of clients share: a server on a small bundle, and control cells for it."""

import pathlib
import sys
import warnings

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "clients" / "python"))
sys.path.insert(0, str(ROOT / "tests" / "client"))

import anndata  # noqa: E402
import numpy as np  # noqa: E402
import pandas  # noqa: E402

import programs  # noqa: E402
import unlasting  # noqa: E402

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
GENES = programs.GENES
warnings.simplefilter("ignore", unlasting.UnlastingWarning)


def controls(cells=30, seed=1, genes=GENES, cell_type="T0", **obs):
    """Counts of control cells, [cells, genes]."""
    counts = np.random.default_rng(seed).poisson(2.0, (cells, len(genes))).astype(np.float32)
    frame = pandas.DataFrame({"condition": "ctrl", "cell_type": cell_type, **obs},
                             index=[f"cell{k}" for k in range(cells)])
    return anndata.AnnData(counts, obs=frame,
                           var=pandas.DataFrame(index=pandas.Index(genes, dtype=object)),
                           **({"dtype": np.float32} if anndata.__version__ < "0.10" else {}))


def dense(matrix):
    """A matrix of either kind as numpy."""
    return np.asarray(matrix.todense() if hasattr(matrix, "todense") else matrix)
