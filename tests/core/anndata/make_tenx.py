#!/usr/bin/env python3
"""Writes files in the layout of Cell Ranger's .h5, and broken ones: make_tenx.py DIR.

Four features in four cells, the last feature a guide:
    X = [[1, 0, 2, 0], [0, 3, 0, 7], [0, 0, 0, 0], [4, 5, 6, 9]]
"""
import pathlib
import shutil
import sys

import h5py
import numpy as np
import scipy.sparse

X = scipy.sparse.csr_matrix(np.array([[1, 0, 2, 0], [0, 3, 0, 7], [0, 0, 0, 0], [4, 5, 6, 9]],
                                     dtype=np.int32))
BARCODES = [b"a-1", b"b-1", b"c-1", b"d-1"]
IDS = [b"E0", b"E1", b"E2", b"guide"]
NAMES = [b"G0", b"G1", b"G1", b"guide"]


def matrix(group):
    group["barcodes"] = np.array(BARCODES)
    group.create_dataset("data", data=X.data, compression="gzip", chunks=(4,))
    group.create_dataset("indices", data=X.indices.astype(np.int64), compression="gzip")
    group["indptr"] = X.indptr.astype(np.int64)
    group["shape"] = np.array([4, 4], dtype=np.int32)


def main(folder):
    with h5py.File(folder / "v3.h5", "w") as file:
        file.attrs["chemistry_description"] = "Single Cell 3' v3"
        matrix(file.create_group("matrix"))
        features = file["matrix"].create_group("features")
        features["id"], features["name"] = np.array(IDS), np.array(NAMES)
        features["feature_type"] = np.array([b"Gene Expression"] * 3 + [b"CRISPR Guide Capture"])
        features["genome"] = np.array([b"GRCh38"] * 3 + [b""])
    (folder / "v3.obs.tsv").write_text("barcode\tcondition\n" + "".join(
        f"{barcode.decode()}\t{condition}\n"
        for barcode, condition in zip(BARCODES, ("ctrl", "K", "K", "ctrl"))))
    with h5py.File(folder / "v2.h5", "w") as file:
        matrix(file.create_group("GRCh38"))
        file["GRCh38/genes"], file["GRCh38/gene_names"] = np.array(IDS), np.array(NAMES)

    def edit(name, change):
        shutil.copy(folder / "v3.h5", folder / f"bad_{name}.h5")
        with h5py.File(folder / f"bad_{name}.h5", "r+") as file:
            change(file["matrix"])

    def replace(group, name, values):
        del group[name]
        group[name] = values

    edit("shape", lambda m: replace(m, "shape", np.array([3, 4])))
    edit("no_shape", lambda m: m.__delitem__("shape"))
    edit("index", lambda m: replace(m, "indices", np.array([0, 2, 1, 3, 0, 1, 2, 9])))
    edit("indptr", lambda m: replace(m, "indptr", np.array([0, 2, 1, 4, 8])))
    edit("names", lambda m: replace(m, "features/name", np.array(NAMES[:3])))
    edit("types", lambda m: replace(m, "features/feature_type", np.arange(4)))
    edit("no_names", lambda m: m.__delitem__("features/name"))
    edit("obs", lambda m: None)
    (folder / "bad_obs.obs.tsv").write_text("barcode\tcondition\na-1\tK\n")
    with h5py.File(folder / "bad_genomes.h5", "w") as file:
        for genome in ("hg19", "mm10"):
            matrix(file.create_group(genome))

    # A string that claims to be object 2^31 - 1 of its heap: HDF5 1.10 does not look before it reads.
    def heap(group):
        del group["barcodes"]
        group.create_dataset("barcodes", data=np.array([b.decode() for b in BARCODES], dtype=object),
                             dtype=h5py.string_dtype())
    edit("heap", heap)
    with h5py.File(folder / "bad_heap.h5") as file:
        at = file["matrix/barcodes"].id.get_offset()
    damaged = bytearray((folder / "bad_heap.h5").read_bytes())
    damaged[at + 12:at + 16] = (2**31 - 1).to_bytes(4, "little")
    (folder / "bad_heap.h5").write_bytes(damaged)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
