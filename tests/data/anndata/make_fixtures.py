#!/usr/bin/env python3
"""Writes the files of one version of anndata, with what that version reads from them.

    python make_fixtures.py OUT        # in an environment with the anndata version to try

Each NAME.h5ad comes with NAME.json: the matrix and the labels as this anndata reads them back, and
`package` where a reader needs an HDF5 filter that is not everywhere. The same four cells and three
genes stand in every file.
"""
import json
import math
import pathlib
import sys
import warnings

import anndata
import h5py
import numpy as np
import pandas as pd
import scipy.sparse

warnings.simplefilter("ignore")
VERSION = anndata.__version__
MINOR = tuple(int(part) for part in VERSION.split(".")[:2])
X = np.array([[1, 0, 2], [0, 3, 0], [0, 0, 0], [4, 5, 6]], dtype=np.float32)
CSR = scipy.sparse.csr_matrix(X)
CONDITION = {"condition": pd.Categorical(["ctrl", "K", None, "ctrl"])}
COLUMNS = dict(CONDITION, text=["w", "x", "y", "z\u00e9"], number=[0.5, 1.5, np.nan, 2.5],
               whole=[1, 2, 3, 4], flag=[True, False, True, True])


def cells(x, columns):
    return anndata.AnnData(x, obs=pd.DataFrame(columns, index=["a", "b", "c", "d"]),
                           var=pd.DataFrame(index=["G0", "G1", "G2"]))


def as_text(value):
    """A label as our reader spells it."""
    if value is None or value is getattr(pd, "NA", None) or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        return repr(float(value)).replace(".0", "") if value == int(value) else repr(float(value))
    return str(value)


def column_texts(column):
    # Nullable booleans and integers arrive as floats, which hold NaN for what is missing.
    if str(column.dtype) == "boolean":
        return ["" if value is pd.NA else str(int(value)) for value in column]
    return [as_text(value) for value in column]


def matrix(x):
    if x is None:
        return None
    x = x.toarray() if scipy.sparse.issparse(x) else np.asarray(x)
    return [[float(value) for value in row] for row in x]


def expect(path, package=None):
    data = anndata.read_h5ad(path)
    frame = lambda f: {"index": [str(name) for name in f.index],
                       "columns": {name: column_texts(f[name]) for name in f.columns}}
    expected = {"anndata": VERSION, "x": matrix(data.X), "obs": frame(data.obs),
                "var": frame(data.var),
                # From 0.13 on, X is the layer None.
                "layers": {name: matrix(x) for name, x in data.layers.items() if name is not None},
                "raw": None if data.raw is None else matrix(data.raw.X)}
    if package:
        expected["package"] = package
    path.with_suffix(".json").write_text(json.dumps(expected) + "\n")


def write(out, name, data, package=None, **options):
    path = out / f"anndata_{VERSION}_{name}.h5ad"
    data.write_h5ad(path, **options)
    expect(path, package)


def write_compressed(path, package, options):
    """X alone is compressed, so that what is tested is the filter."""
    cells(CSR, CONDITION).write_h5ad(path)
    with h5py.File(path, "r+") as file:
        attributes = dict(file["X"].attrs)
        arrays = {key: file["X"][key][()] for key in ("data", "indices", "indptr")}
        del file["X"]
        group = file.create_group("X")
        group.attrs.update(attributes)
        for key, values in arrays.items():
            # Chunks far longer than the values: a filter may pass over a chunk that it cannot shrink.
            group.create_dataset(key, data=values, chunks=(1000,), maxshape=(None,), **options)
    expect(path, package)


def main(out):
    write(out, "csr", cells(CSR, COLUMNS), compression="gzip")
    if MINOR < (0, 7):
        old = cells(CSR, CONDITION)
        old.raw = old.copy()
        write(out, "raw", old)
    if MINOR < (0, 12):
        return
    no_x = cells(CSR, CONDITION)
    no_x.layers["counts"] = no_x.X.copy()
    no_x.X = None
    write(out, "x_none", no_x)
    nullable = cells(CSR, {
        "condition": pd.Categorical(pd.array(["ctrl", "K", None, "ctrl"], dtype="string")),
        "text": pd.array(["w", None, "y", "z"], dtype="string"),
        "flag": pd.array([True, None, False, True], dtype="boolean"),
        "whole": pd.array([1, None, 3, 4], dtype="Int64")})
    anndata.settings.allow_write_nullable_strings = True
    write(out, "nullable", nullable)
    if MINOR < (0, 13):
        return
    write(out, "csc", cells(scipy.sparse.csc_matrix(X), CONDITION), compression="lzf")
    logged = cells(X.copy(), CONDITION)
    logged.raw = logged.copy()
    logged.X = np.log1p(logged.X)
    logged.uns["log1p"] = {"base": None}
    write(out, "raw_log1p_dense", logged)
    import hdf5plugin
    for name, package, options in (
            ("zstd", None, hdf5plugin.Zstd(clevel=9)),
            ("lz4", "hdf5-filter-plugin", hdf5plugin.LZ4()),
            ("blosc", "hdf5-filter-plugin-blosc-serial", hdf5plugin.Blosc()),
            ("bitshuffle", "hdf5plugin", hdf5plugin.Bitshuffle()),
            ("bzip2", "hdf5-filter-plugin", hdf5plugin.BZip2()),
            ("zfp", "hdf5-filter-plugin-zfp-serial", hdf5plugin.Zfp(reversible=True)),
            ("blosc2", "hdf5plugin", hdf5plugin.Blosc2()),
            ("szip", None, {"compression": "szip", "compression_opts": ("nn", 8)})):
        write_compressed(out / f"anndata_{VERSION}_{name}.h5ad", package, options)
    anndata.settings.write_csr_csc_indices_with_min_possible_dtype = True
    write(out, "min_index", cells(CSR, CONDITION))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
