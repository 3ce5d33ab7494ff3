#!/usr/bin/env python3
"""Writes tests/golden/seurat_v3.json: make_seurat_v3.py tests/data/golden OUT.json

scanpy 1.9's highly_variable_genes(flavor="seurat_v3"), step by step, with the loess of scikit-misc
that scanpy calls (Debian's python3-skmisc).
"""
import json
import pathlib
import sys

import anndata
import numpy as np
from skmisc.loess import loess

TOP = 100


def variances(counts):
    """Variance of every gene's standardised clipped counts."""
    x = counts.toarray().astype(np.float64)
    cells = x.shape[0]
    mean, variance = x.mean(0), x.var(0, ddof=1)
    varying = variance > 0
    estimate = np.zeros(x.shape[1])
    model = loess(np.log10(mean[varying]), np.log10(variance[varying]), span=0.3, degree=2)
    model.fit()
    estimate[varying] = model.outputs.fitted_values
    deviation = np.sqrt(10**estimate)
    x = np.minimum(x, deviation * np.sqrt(cells) + mean)
    return ((cells * mean**2 + (x**2).sum(0) - 2 * x.sum(0) * mean) /
            ((cells - 1) * deviation**2))


def main(folder, out):
    result = {}
    for path in sorted(pathlib.Path(folder).glob("*.h5ad")):
        data = anndata.read_h5ad(path)
        v = variances(data.X)
        rank = np.argsort(np.argsort(-v))
        result[path.stem] = {"n_top_genes": TOP,
                             "genes": sorted(data.var_names[rank < TOP]),
                             "variances_norm_first_20": [float(value) for value in v[:20]]}
    pathlib.Path(out).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
