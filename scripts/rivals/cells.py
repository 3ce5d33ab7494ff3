"""What all rivals share: the cells of a task as `unlasting-train evaluate --export` wrote them, and how predictions and
their cost are written. numpy, scipy, pandas and anndata of any version from 0.9 on; read by Python 3.10 to 3.12.

A script of a rival is started as `python rival_NAME.py TASK_FOLDER OUT --seed N`. TASK_FOLDER holds training.h5ad,
control.h5ad and truth.h5ad (log1p values) and task.json (run.py writes it); predictions go to OUT.h5ad, processor
seconds and memory to OUT.cost.json. What the method cannot predict is left out, and said on standard output.
"""
import argparse
import collections
import json
import os
import pathlib
import resource

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import anndata  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import scipy.sparse as sp  # noqa: E402

# Text is written as every version of anndata reads it.
if int(pd.__version__.split(".")[0]) >= 3:
    pd.set_option("future.infer_string", False)

CANNOT = "cannot predict any of these conditions"


def why_not(log):
    """The reason in the first line of Task.cannot."""
    lines = [line for line in pathlib.Path(log).read_text(errors="replace").splitlines() if line.startswith("cannot: ")]
    return "cannot: " + lines[0].split(": ", 2)[2] if lines else CANNOT


def dense(data):
    return np.asarray(data.X.todense() if sp.issparse(data.X) else data.X, dtype=np.float32)


def genes_of(condition):
    """The perturbed genes of a condition such as A+ctrl or A+B, sorted; a drug is its own only gene."""
    return sorted(gene for gene in condition.split("+") if gene != "ctrl")


def bare(condition):
    return "+".join(genes_of(condition)) or "ctrl"


def processor_seconds():
    """Of this process and of the children that have ended."""
    return sum(use.ru_utime + use.ru_stime for use in
               map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def clean(data):
    """X in CSR, and the two columns that every method needs."""
    obs = pd.DataFrame({name: np.asarray(data.obs[name].astype(str))
                        for name in ("condition", "cell_type")}, index=data.obs_names.astype(str))
    return anndata.AnnData(sp.csr_matrix(dense(data)), obs=obs,
                           var=pd.DataFrame(index=data.var_names.astype(str)))


class Task:
    """`training`, `control` and `truth` hold the cells; `groups` the (condition, cell type) pairs to predict."""

    def __init__(self, description):
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("folder", type=pathlib.Path)
        parser.add_argument("out")
        parser.add_argument("--seed", type=int, default=1)
        arguments = parser.parse_args()
        self.folder, self.out, self.seed = arguments.folder, arguments.out, arguments.seed
        self.info = json.loads((self.folder / "task.json").read_text())
        read = {name: anndata.read_h5ad(self.folder / f"{name}.h5ad")
                for name in ("training", "control", "truth")}
        self.target_sum = float(read["training"].uns["unlasting"]["target_sum"]) or 1e4
        # Every column of a group's true cells, such as its dose, is given to its predicted cells.
        self._columns = read["truth"].obs.astype(str).drop_duplicates(["condition", "cell_type"])
        self._columns = self._columns.set_index(["condition", "cell_type"], drop=False)
        self._numbers = [name for name in read["truth"].obs
                         if pd.api.types.is_numeric_dtype(read["truth"].obs[name])]
        self.training, self.control, self.truth = (
            clean(read[name]) for name in ("training", "control", "truth"))
        most = int(os.environ.get("RIVALS_MAX_CONTROLS", "0"))
        if most:  # for slow methods: the first of each cell type
            number = self.control.obs.groupby("cell_type").cumcount()
            self.control = self.control[np.asarray(number < most)].copy()
        self.genes = list(self.training.var_names)
        self.groups = [key for key in self._columns.index if key[0] != "ctrl"]
        self.cost, self._parts, self._last = {}, collections.defaultdict(list), processor_seconds()

    def controls(self, cell_type):
        return self.control[np.asarray(self.control.obs["cell_type"] == cell_type)].copy()

    def counts(self, names):
        """The raw counts of those cells, [cells, genes], and each cell's library size."""
        data = anndata.read_h5ad(self.info["data"])
        data.obs_names = data.obs_names.astype(str)
        layer, library = self.info.get("counts_layer"), self.info.get("library_size_column")
        values = sp.csr_matrix(data.layers[layer] if layer else data.X)
        rows = data.obs_names.get_indexer(names)
        columns = data.var_names.astype(str).get_indexer(self.genes)
        if (rows < 0).any() or (columns < 0).any():
            raise SystemExit(f"{self.info['data']}: lacks cells or genes of {self.folder}")
        size = (np.asarray(data.obs[library], float) if library
                else np.asarray(values.sum(1)).ravel())
        return values[rows][:, columns].toarray().astype(np.float32), size[rows]

    def lap(self, name):
        """Processor seconds since the last lap are those of `name`: load, train or predict."""
        now = processor_seconds()
        self.cost[name], self._last = round(now - self._last, 2), now

    def add(self, values, condition, cell_type, variant=""):
        """Predicted cells of a group; `variant`: those of a method that has a row of its own but is made by this run."""
        self._parts[variant].append((np.asarray(values, dtype=np.float32), condition, cell_type))

    def cannot(self, reason, condition):
        print(f"cannot: {condition}: {reason}", flush=True)

    def save(self, **notes):
        if not self._parts:
            raise SystemExit(CANNOT)
        for variant, parts in self._parts.items():
            out = pathlib.Path(self.out).with_name(variant) if variant else self.out
            self._write(parts, f"{out}.h5ad")
            cost = self.cost | {"cells": sum(len(values) for values, _, _ in parts), "groups": len(parts), **notes}
            pathlib.Path(f"{out}.cost.json").write_text(json.dumps(cost) + "\n")

    def _write(self, parts, path):
        obs = pd.DataFrame([self._columns.loc[(condition, cell_type)]
                            for values, condition, cell_type in parts for _ in values])
        for name in self._numbers:
            obs[name] = obs[name].astype(float)
        obs.index = [f"p{k}" for k in range(len(obs))]
        values = np.maximum(np.vstack([part[0] for part in parts]), 0)
        anndata.AnnData(sp.csr_matrix(values), obs=obs, var=pd.DataFrame(index=self.genes)).write_h5ad(path)
