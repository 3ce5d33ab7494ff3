"""Simulates a truth and a prediction for measuring `metrics --rule`, a thousand cells at a time.

Usage: make_counts.py FOLDER [cells genes perturbations controls]; default 120000 18533 300 20000.
Writes truth.h5ad and predicted.h5ad: CSR float32 counts, about 1,600 genes per cell, obs `target`,
control `non-targeting`; 2 % of the genes change under a perturbation. Then measure, for example,
  /usr/bin/time -v unlasting-train metrics --rule vcc2026 --truth FOLDER/truth.h5ad \\
      --predicted FOLDER/predicted.h5ad --groupby target --control-label non-targeting --json
"""
import os, sys

import h5py
import numpy as np

TEXT = h5py.string_dtype()


def table(file, name, index, columns):
    group = file.create_group(name)
    group.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index",
                        "column-order": np.array(columns, dtype=TEXT)})
    strings(group, "_index", index)
    return group


def strings(group, name, values):
    data = group.create_dataset(name, data=np.array(values, dtype=object), dtype=TEXT)
    data.attrs.update({"encoding-type": "string-array", "encoding-version": "0.2.0"})


def write(path, seed, cells, genes, perturbations, controls):
    random = np.random.default_rng(seed)
    mean = np.random.default_rng(1).lognormal(-3.4, 1.6, genes)
    change = np.random.default_rng(2).normal(0, 0.5, (perturbations, genes))
    change *= np.random.default_rng(3).random((perturbations, genes)) < 0.02
    change = np.vstack([change, np.zeros(genes)])
    labels = np.full(cells, perturbations)
    labels[controls:] = np.arange(cells - controls) % perturbations
    np.random.default_rng(4).shuffle(labels)
    with h5py.File(path, "w") as file:
        file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        x = file.create_group("X")
        x.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0",
                        "shape": np.array([cells, genes])})
        data = x.create_dataset("data", (0,), "f4", maxshape=(None,), chunks=(1 << 20,))
        indices = x.create_dataset("indices", (0,), "i4", maxshape=(None,), chunks=(1 << 20,))
        ends = [0]
        for first in range(0, cells, 1000):
            block = labels[first:first + 1000]
            depth = random.lognormal(0, 0.35, (len(block), 1))
            counts = random.poisson(mean * np.exp(change[block]) * depth)
            rows, columns = np.nonzero(counts)
            stored = data.shape[0]
            for part, values in ((data, counts[rows, columns]), (indices, columns)):
                part.resize((stored + len(rows),))
                part[stored:] = values
            ends += list(stored + np.cumsum((counts > 0).sum(1)))
        x.create_dataset("indptr", data=np.array(ends, "i8"))
        obs = table(file, "obs", [f"cell{i}" for i in range(cells)], ["target"])
        target = obs.create_group("target")
        target.attrs.update({"encoding-type": "categorical", "encoding-version": "0.2.0", "ordered": False})
        target.create_dataset("codes", data=labels.astype("i2"))
        names = [f"G{i:05d}" for i in range(genes)]
        strings(target, "categories",
                [names[i * (genes // perturbations)] for i in range(perturbations)] + ["non-targeting"])
        table(file, "var", names, [])
        print(path, ends[-1], "values")


if __name__ == "__main__":
    sizes = [int(value) for value in sys.argv[2:6]] or [120000, 18533, 300, 20000]
    os.makedirs(sys.argv[1], exist_ok=True)
    write(os.path.join(sys.argv[1], "truth.h5ad"), 10, *sizes)
    write(os.path.join(sys.argv[1], "predicted.h5ad"), 11, *sizes)
