#!/usr/bin/env python3
"""Cuts two published data sets down to what the golden numbers need.

    tests/golden/make_cutdowns.py SOURCE_FOLDER tests/data/golden

All cells and genes are kept, since the normalisation, gene selection and co-expression goldens
are sums over them; layers, most annotations and `uns` are dropped, counts are stored as the
narrowest integers and every array is shuffled and gzipped. Running it twice gives equal files.
"""

import pathlib
import sys

import anndata
import h5py
import numpy as np
import pandas

KEPT_OBS = {
    "papalexi2021_eccite_thp1_303g": ["condition", "cell_type", "n_umis_all_genes"],
    "zhao2021_glioblastoma_panobinostat_300g": [
        "condition", "cell_type", "SMILES", "dose_val", "dose_unit"],
}


def narrowest(values):
    for kind in (np.uint8, np.uint16, np.int32):
        if values.max() <= np.iinfo(kind).max and np.array_equal(values, values.astype(kind)):
            return values.astype(kind)
    raise ValueError("counts are not integers")


def write_array(group, name, values):
    data = group.create_dataset(name, data=values, compression="gzip", compression_opts=9,
                                shuffle=True, track_times=False)
    data.attrs["encoding-type"] = "array"
    data.attrs["encoding-version"] = "0.2.0"


def write_strings(group, name, values):
    # Short tables of names are smallest without chunks; long ones compress well.
    extra = {"compression": "gzip", "compression_opts": 9} if len(values) > 1000 else {}
    data = group.create_dataset(name, data=np.array(list(values), dtype=object),
                                dtype=h5py.string_dtype(), track_times=False, **extra)
    data.attrs["encoding-type"] = "string-array"
    data.attrs["encoding-version"] = "0.2.0"


def write_frame(file, name, index, columns):
    group = file.create_group(name)
    group.attrs["encoding-type"] = "dataframe"
    group.attrs["encoding-version"] = "0.2.0"
    group.attrs["_index"] = "_index"
    group.attrs.create("column-order", list(columns), dtype=h5py.string_dtype())
    write_strings(group, "_index", index)
    for column, values in columns.items():
        if pandas.api.types.is_numeric_dtype(values):
            write_array(group, column, values.to_numpy())
            continue
        categories = values.astype(str).astype("category").cat
        part = group.create_group(column)
        part.attrs["encoding-type"] = "categorical"
        part.attrs["encoding-version"] = "0.2.0"
        part.attrs["ordered"] = False
        write_array(part, "codes", categories.codes.to_numpy())
        write_strings(part, "categories", categories.categories)


def write(data, kept, path):
    matrix = data.X.tocsr()
    matrix.sort_indices()
    with h5py.File(path, "w") as file:
        file.attrs["encoding-type"] = "anndata"
        file.attrs["encoding-version"] = "0.1.0"
        x = file.create_group("X")
        x.attrs["encoding-type"] = "csr_matrix"
        x.attrs["encoding-version"] = "0.1.0"
        x.attrs["shape"] = np.array(matrix.shape, dtype=np.int64)
        for name, values in (("data", narrowest(matrix.data)),
                             ("indices", matrix.indices.astype(np.int32)),
                             ("indptr", matrix.indptr.astype(np.int32))):
            x.create_dataset(name, data=values, compression="gzip", compression_opts=9,
                             shuffle=True, track_times=False)
        write_frame(file, "obs", data.obs_names, {name: data.obs[name] for name in kept})
        write_frame(file, "var", data.var_names, {})


def main():
    source, target = map(pathlib.Path, sys.argv[1:3])
    target.mkdir(parents=True, exist_ok=True)
    for name, kept in KEPT_OBS.items():
        path = target / f"{name}.h5ad"
        write(anndata.read_h5ad(source / f"{name}.h5ad"), kept, path)
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
