#!/usr/bin/env python3
"""Opens with anndata what tests/core/anndata/writer_test.cc wrote: read_back.py FILE."""
import sys

import anndata
import h5py
import numpy as np

data = anndata.read_h5ad(sys.argv[1])
expected = np.array([[1, 0, 2], [0, 3, 0]], np.float32)
assert (np.asarray(data.X.todense()) == expected).all()
assert list(data.obs_names) == ["a", "b"] and list(data.var_names) == ["G0", "G1", "G2"]
assert list(data.obs.columns) == ["condition", "text", "number", "whole", "flag"]
assert list(data.obs["condition"].cat.categories) == ["ctrl", "K"]
assert data.obs["condition"].isna().tolist() == [False, True]
assert data.obs["text"].tolist() == ["x", "\u00e9"] and data.obs["number"].tolist() == [0.5, -1.0]
assert data.obs["whole"].tolist() == [7, 8] and data.obs["flag"].tolist() == [True, False]
assert (data.layers["dense"] == expected * 2).all()
assert data.varm["loadings"].shape == (3, 2) and data.varp["network"].nnz == 1
assert data.uns["nested"]["word"] == "w" and data.uns["nested"]["list"].tolist() == [1, 2]
assert data.uns["flag"] and data.uns["scalar"] == 2.5 and data.uns["names"].tolist() == ["p", "q"]


def check(name, item):
    if isinstance(item, h5py.Dataset):
        assert h5py.h5g.get_objinfo(item.id).mtime == 0, name


with h5py.File(sys.argv[1]) as file:
    file.visititems(check)
