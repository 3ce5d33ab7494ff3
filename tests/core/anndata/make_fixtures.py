#!/usr/bin/env python3
"""Writes .h5ad files in the encodings of anndata 0.6 to 0.12 and broken ones: make_fixtures.py DIR.

The same four cells and three genes stand in every good file:
    X = [[1, 0, 2], [0, 3, 0], [0, 0, 0], [4, 5, 6]]
"""
import pathlib
import shutil
import struct
import sys
import zlib

import anndata
import h5py
import numpy as np
import pandas as pd
import scipy.sparse

X = np.array([[1, 0, 2], [0, 3, 0], [0, 0, 0], [4, 5, 6]], dtype=np.float32)
CELLS = ["a", "b", "c", "d"]
GENES = ["G0", "G1", "G2"]
TEXT = h5py.string_dtype()


def annotated(x):
    obs = pd.DataFrame({"condition": pd.Categorical(["ctrl", "K", None, "ctrl"]),
                        "text": ["w", "x", "y", "z\u00e9"], "number": [0.5, 1.5, np.nan, 2.5],
                        "whole": [1, 2, 3, 4], "flag": [True, False, True, True]}, index=CELLS)
    data = anndata.AnnData(x, obs=obs, var=pd.DataFrame(index=GENES), dtype=x.dtype)
    data.layers["counts"] = x * 2
    data.obsm["X_pca"] = np.arange(8, dtype=np.float64).reshape(4, 2)
    data.uns = {"nested": {"list": np.array([1, 2, 3]), "word": "w"}, "scalar": 2.5,
                "names": np.array(["p", "q"], dtype=object)}
    return data


def frame(file, name, index, columns):
    """A data frame as anndata 0.7 wrote it: codes beside __categories."""
    group = file.create_group(name)
    group.attrs["encoding-type"] = "dataframe"
    group.attrs["encoding-version"] = "0.1.0"
    group.attrs["_index"] = "index"
    group.attrs["column-order"] = np.array(list(columns), dtype=TEXT)
    group.create_dataset("index", data=np.array(index, dtype=object), dtype=TEXT)
    for column, (codes, categories) in columns.items():
        dataset = group.create_dataset(column, data=np.array(codes, dtype=np.int8))
        levels = group.require_group("__categories").create_dataset(
            column, data=np.array(categories, dtype=object), dtype=TEXT)
        dataset.attrs["categories"] = levels.ref
    return group


def legacy(path, write_x):
    with h5py.File(path, "w") as file:
        write_x(file)
        frame(file, "obs", CELLS, {"condition": ([0, 1, -1, 0], ["ctrl", "K"])})
        frame(file, "var", GENES, {})


def sparse(file, matrix, attributes, index_type=np.int32):
    group = file.create_group("X")
    group.attrs.update(attributes)
    group.create_dataset("data", data=matrix.data)
    group.create_dataset("indices", data=matrix.indices.astype(index_type))
    group.create_dataset("indptr", data=matrix.indptr.astype(index_type))


def good(folder):
    for name, x in (("csr", scipy.sparse.csr_matrix(X)), ("csc", scipy.sparse.csc_matrix(X)),
                    ("dense", X), ("dense64", X.astype(np.float64))):
        annotated(x).write_h5ad(folder / f"{name}.h5ad", compression="gzip")
    csr = scipy.sparse.csr_matrix(X)
    legacy(folder / "legacy_dense.h5ad", lambda f: f.create_dataset("X", data=X.astype(np.int32)))
    legacy(folder / "legacy_h5sparse.h5ad", lambda f: sparse(
        f, csr, {"h5sparse_format": "csr", "h5sparse_shape": [4, 3]}))
    legacy(folder / "legacy_int64.h5ad", lambda f: sparse(
        f, csr.astype(np.uint16), {"encoding-type": "csr_matrix", "encoding-version": "0.1.0",
                                   "shape": [4, 3]}, np.int64))
    # Columns out of order and one entry stored in two parts.
    shuffled = scipy.sparse.csr_matrix((np.array([2, 1, 3, 6, 5, 1, 3], np.float32),
                                        np.array([2, 0, 1, 2, 1, 0, 0]), np.array([0, 2, 3, 3, 7])),
                                       shape=(4, 3))
    legacy(folder / "legacy_shuffled.h5ad", lambda f: sparse(
        f, shuffled, {"encoding-type": "csr_matrix", "shape": [4, 3]}))
    # Fixed-length strings, and the nullable columns of newer versions.
    shutil.copy(folder / "csr.h5ad", folder / "nullable.h5ad")
    with h5py.File(folder / "nullable.h5ad", "r+") as file:
        obs = file["obs"]
        obs.attrs["column-order"] = np.array(["fixed", "int", "bool", "string"], dtype=TEXT)
        obs.create_dataset("fixed", data=np.array([b"w", b"xx", b"y", b"z"]))
        for name, kind, values in (("int", "nullable-integer", np.array([1, 2, 3, 4])),
                                   ("bool", "nullable-boolean", np.array([True, False] * 2)),
                                   ("string", "nullable-string-array",
                                    np.array(["w", "x", "y", "z"], dtype=object))):
            group = obs.create_group(name)
            group.attrs["encoding-type"] = kind
            dtype = TEXT if name == "string" else None
            group.create_dataset("values", data=values, dtype=dtype)
            group.create_dataset("mask", data=np.array([False, True, False, False]))


def numbers(folder):
    """X and its index arrays in every type of number, and columns of every kind of category."""
    csr = scipy.sparse.csr_matrix(X)
    attributes = {"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": [4, 3]}
    kinds = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "f16", ">i4", ">f4")
    for kind in kinds + ("?", "c8"):
        name = {"?": "bool", "c8": "complex"}.get(kind, kind.replace(">", "big_endian_"))
        legacy(folder / f"number_dense_{name}.h5ad",
               lambda f: f.create_dataset("X", data=X.astype(kind)))
        legacy(folder / f"number_sparse_{name}.h5ad",
               lambda f: sparse(f, csr.astype(np.float64), attributes) or replace_data(f, kind))
    for kind in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i8"):
        name = kind.replace(">", "big_endian_")
        legacy(folder / f"number_index_{name}.h5ad", lambda f: sparse(f, csr, attributes, kind))
    shutil.copy(folder / "csr.h5ad", folder / "categories.h5ad")
    with h5py.File(folder / "categories.h5ad", "r+") as file:
        obs = file["obs"]
        for name, codes, categories in (
                ("of_integers", np.array([0, 1, -1, 0], "i1"), np.array([3, 7])),
                ("of_floats", np.array([0, 1, 1, 0], "i2"), np.array([0.5, 1.5])),
                ("of_booleans", np.array([0, 1, 1, 0], "i4"), np.array([False, True])),
                ("by_unsigned_codes", np.array([0, 1, 1, 0], "u1"), np.array([b"a", b"b"])),
                ("of_nothing", np.array([-1, -1, -1, -1], "i1"), np.array([b"a"]))):
            group = obs.create_group(name)
            group.attrs.update({"encoding-type": "categorical", "encoding-version": "0.2.0",
                                "ordered": False})
            group["codes"], group["categories"] = codes, categories
        for name, values in (("half", np.array([1, 2, 3, 4.5], "f2")),
                             ("big_endian", np.array([1, 2, 3, 4], ">i4"))):
            obs[name] = values
        obs.attrs["column-order"] = np.array(
            ["of_integers", "of_floats", "of_booleans", "by_unsigned_codes", "of_nothing", "half",
             "big_endian"], dtype=TEXT)


def replace_data(file, kind):
    values = file["X/data"][...].astype(kind)
    del file["X/data"]
    file["X/data"] = values


def old_tables(folder):
    """obs, var and obsm as compound datasets, as anndata 0.6 wrote them; levels lie in uns."""
    obs = np.zeros(4, dtype=[("index", "S1"), ("condition", "i1"), ("number", "f4"), ("flag", "?")])
    obs["index"], obs["condition"] = [b"a", b"b", b"c", b"d"], [0, 1, -1, 0]
    obs["number"], obs["flag"] = [0.5, 1.5, 2.5, 3.5], [True, False, True, True]
    var = np.array(list(zip(GENES, [7, 8, 9])), dtype=[("index", TEXT), ("length", "i8")])
    with h5py.File(folder / "compound.h5ad", "w") as file:
        sparse(file, scipy.sparse.csr_matrix(X), {"h5sparse_format": "csr",
                                                  "h5sparse_shape": [4, 3]})
        file.create_dataset("obs", data=obs)
        file.create_dataset("var", data=var, dtype=var.dtype)
        file.create_dataset("uns/condition_categories",
                            data=np.array(["ctrl", "K"], dtype=object), dtype=TEXT)
    shutil.copy(folder / "legacy_dense.h5ad", folder / "reference.h5ad")
    with h5py.File(folder / "reference.h5ad", "r+") as file:
        file["levels"] = file["obs/__categories/condition"][...]
        file["levels"].attrs["ordered"] = True
        file["obs/condition"].attrs["categories"] = file["levels"].ref
        del file["obs/__categories"]


def odd(folder):
    """Files that open, with members no careful program writes."""
    shutil.copy(folder / "csr.h5ad", folder / "odd.h5ad")
    with h5py.File(folder / "odd.h5ad", "r+") as file:
        for k in range(3):
            file["uns"][f"loop{k}"] = file["uns"]
    shutil.copy(folder / "csr.h5ad", folder / "uns.h5ad")
    with h5py.File(folder / "uns.h5ad", "r+") as file:
        uns = file["uns"]
        uns.create_dataset("no_columns", shape=(2**40, 0), dtype="f4", chunks=(1, 1),
                           maxshape=(None, None))
        uns.create_dataset("promise", shape=(2**40,), dtype="i1", chunks=(1000,))
        uns.create_dataset("wide", data=np.zeros(2**25, np.int8), compression="gzip")
        uns["table"] = np.array([(b"x", 1.5), (b"y", 2.5)], dtype=[("name", "S1"), ("score", "f4")])
        uns["latin"] = np.array([b"\xb5M"])
        uns["other"] = h5py.ExternalLink(str(folder / "dense.h5ad"), "/X")
        uns["nothing"] = h5py.Empty("f4")
        file["obs"].create_dataset("unit", data=np.array([b"\xb5M"] * 4))
        file["obs"].attrs["column-order"] = np.array(["unit"], dtype=TEXT)


def complete(folder):
    """What else the field's files hold: LZF, raw, varp, rank_genes_groups, no encoding attributes."""
    data = annotated(scipy.sparse.csr_matrix(X))
    data.varp["near"] = scipy.sparse.csr_matrix(np.eye(3, dtype=np.float32))
    wide = anndata.AnnData(np.hstack([X, X[:, :1]]), obs=data.obs,
                           var=pd.DataFrame({"gene_name": ["A", "B", "C", "D"]},
                                            index=GENES + ["G3"]), dtype=np.float32)
    data.raw = wide
    # As GEARS and scanpy write it: one field per condition.
    names = np.array([("G2", "G0"), ("G1", "G2")], dtype=[("T_K", object), ("T_L", object)])
    scores = np.array([(2.5, -1.0), (1.5, 0.5)], dtype=[("T_K", np.float32), ("T_L", np.float32)])
    data.uns["rank_genes_groups_cov_all"] = {"T_K_1": np.array(["G2", "G0"], dtype=object)}
    data.uns["rank_genes_groups"] = {"names": names, "scores": scores,
                                     "params": {"method": "t-test", "use_raw": False}}
    data.uns["log1p"] = {}
    data.uns["matrix"] = np.arange(4.0).reshape(2, 2)
    data.write_h5ad(folder / "lzf.h5ad", compression="lzf")
    shutil.copy(folder / "csr.h5ad", folder / "bare.h5ad")
    with h5py.File(folder / "bare.h5ad", "r+") as file:
        file.visititems(lambda name, item: [item.attrs.pop(key, None) for key in
                                            ("encoding-type", "encoding-version")] and None)
        file["X"].attrs["h5sparse_format"] = "csr"
        file["layers/counts"].attrs["h5sparse_format"] = "csr"
    many = scipy.sparse.random(3000, 40, 0.2, "csr", np.float32, np.random.RandomState(1))
    for name, x in (("many_csr", many), ("many_csc", many.tocsc()), ("many_dense", many.toarray())):
        anndata.AnnData(x, dtype=np.float32).write_h5ad(folder / f"{name}.h5ad", compression="gzip")
    # Row indices of a column in any order, and every tenth value as two halves.
    csc = many.tocsc()
    order = np.concatenate([begin + np.random.RandomState(begin).permutation(end - begin)
                            for begin, end in zip(csc.indptr, csc.indptr[1:])])
    halves = np.where(np.arange(csc.nnz) % 10 == 0, 2, 1)
    shutil.copy(folder / "many_csc.h5ad", folder / "many_csc_shuffled.h5ad")
    with h5py.File(folder / "many_csc_shuffled.h5ad", "r+") as file:
        for name, values in (("indices", np.repeat(csc.indices[order], halves)),
                             ("data", np.repeat(csc.data[order] / halves, halves)),
                             ("indptr", np.concatenate([[0], np.cumsum(halves)])[csc.indptr])):
            del file["X"][name]
            file["X"][name] = values


def unread(folder):
    """Columns of kinds that no column of ours holds, and R's logicals, which one does."""
    shutil.copy(folder / "csr.h5ad", folder / "unread.h5ad")
    with h5py.File(folder / "unread.h5ad", "r+") as file:
        obs = file["obs"]
        obs.attrs["column-order"] = np.array(
            ["condition", "logical", "colour", "plane", "awkward"], dtype=TEXT)
        logical = h5py.enum_dtype({"FALSE": 0, "TRUE": 1, "NA": -128}, basetype="i1")
        obs.create_dataset("logical", data=np.array([0, 1, -128, 1], "i1"), dtype=logical)
        colour = h5py.enum_dtype({"red": 0, "green": 1, "blue": 2}, basetype="i1")
        obs.create_dataset("colour", data=np.array([0, 1, 2, 1], "i1"), dtype=colour)
        obs["plane"] = np.zeros((4, 2))
        obs.create_group("awkward").attrs["encoding-type"] = "awkward-array"
        file["obsm"].create_dataset("volume", data=np.zeros((4, 2, 2)))
    shutil.copy(folder / "csr.h5ad", folder / "x_none.h5ad")
    with h5py.File(folder / "x_none.h5ad", "r+") as file:
        del file["X"]
        file["X"] = h5py.Empty("f4")
        file["layers/other"] = X
    shutil.copy(folder / "x_none.h5ad", folder / "x_none_bare.h5ad")
    with h5py.File(folder / "x_none_bare.h5ad", "r+") as file:
        del file["X"], file["layers"]


def layouts(folder):
    """The obs and var columns of the publishers, on four cells."""
    def write(name, obs, var=None, x=X, index=GENES):
        anndata.AnnData(scipy.sparse.csr_matrix(x), obs=pd.DataFrame(obs, index=CELLS),
                        var=pd.DataFrame(var or {}, index=index),
                        dtype=np.float32).write_h5ad(folder / f"layout_{name}.h5ad")

    logged = np.log1p(X)
    ids = ["ENSG00000000001", "ENSG00000000002", "ENSG00000000003"]
    gears = {"condition": ["ctrl", "G0+ctrl", "ctrl", "G0+G2"], "cell_type": ["K562"] * 4,
             "dose_val": ["1", "1+1", "1", "1+1"], "control": [1, 0, 1, 0],
             "condition_name": ["K562_ctrl_1", "K562_G0+ctrl_1+1", "K562_ctrl_1", "K562_G0+G2_1+1"]}
    write("gears", gears, {"gene_name": GENES}, logged, ids)
    screen = {"perturbation": ["control", "G0", "G1_G2", "G1_pDS258"], "nperts": [0, 1, 2, 1],
              "celltype": ["T cell"] * 4, "perturbation_type": ["CRISPR"] * 4,
              "ncounts": [3.0, 3.0, 0.0, 15.0], "ngenes": [2, 1, 0, 3]}
    write("scperturb", screen, {"ensembl_id": ids})
    drugs = {"perturbation": ["control", "aspirin", "aspirin", "control"], "nperts": [0, 1, 1, 0],
             "cell_line": ["A549"] * 4, "perturbation_type": ["drug"] * 4,
             "dose_value": [np.nan, 0.2, 200.0, np.nan], "dose_unit": ["nan", "uM", "nM", "nan"]}
    write("scperturb_drugs", drugs)
    sciplex = {"condition": ["control", "Sodium_drug", "Sodium_drug", "control"],
               "SMILES": ["CS(C)=O", "CC(=O)[O-].[Na+] |r|", "CC(=O)[O-].[Na+] |r|", "CS(C)=O"],
               "dose": [0.0, 10.0, 10000.0, 0.0], "dose_val": [1.0, 0.001, 1.0, 1.0],
               "cell_type": ["A549"] * 4, "control": [1, 0, 0, 1],
               "cov_drug_dose_name": ["A549_control_1.0", "A549_Sodium_drug_0.001",
                                      "A549_Sodium_drug_1.0", "A549_control_1.0"],
               "split_ood_finetuning": ["train", "train", "ood", "test"]}
    write("chemcpa", sciplex, {"gene_short_name": GENES}, X, ids)


def broken(folder):
    def edit(name, change):
        shutil.copy(folder / "csr.h5ad", folder / f"bad_{name}.h5ad")
        with h5py.File(folder / f"bad_{name}.h5ad", "r+") as file:
            change(file)

    def replace(file, path, values, fresh=False, **options):
        if not fresh:
            del file[path]
        file.create_dataset(path, data=values, **options)

    edit("indptr_falls", lambda f: replace(f, "X/indptr", np.array([0, 3, 2, 3, 6])))
    edit("indptr_short", lambda f: replace(f, "X/indptr", np.array([0, 2, 6])))
    edit("indptr_end", lambda f: replace(f, "X/indptr", np.array([0, 2, 3, 3, 5])))
    edit("index_range", lambda f: replace(f, "X/indices", np.array([0, 2, 1, 0, 1, 3])))
    edit("index_negative", lambda f: replace(f, "X/indices", np.array([0, 2, 1, 0, -1, 2])))
    edit("lengths", lambda f: replace(f, "X/data", np.ones(5, np.float32)))
    edit("strings", lambda f: replace(f, "X/data", np.array([b"1"] * 6)))
    edit("huge", lambda f: f["X"].attrs.modify("shape", [10**9, 10**9]))
    edit("shape", lambda f: f["X"].attrs.modify("shape", [4, 2]))
    edit("obsm", lambda f: replace(f, "obsm/X_pca", np.ones((3, 2))))
    edit("obsp", lambda f: replace(f, "obsp/near", np.ones((4, 3)), fresh=True))
    edit("varm", lambda f: replace(f, "varm/loadings", np.ones((4, 2)), fresh=True))
    edit("no_obs", lambda f: f.__delitem__("obs"))
    edit("codes", lambda f: replace(f, "obs/condition/codes", np.array([0, 1, 7, 0], np.int8)))
    edit("column", lambda f: replace(f, "obs/whole", np.array([1, 2, 3])))
    edit("no_column", lambda f: f.__delitem__("obs/whole"))

    edit("index_fraction", lambda f: replace(f, "X/indices", np.array([0, 2, 1, 0, 1, 2.7])))
    edit("twice", lambda f: f["obs"].attrs.__setitem__(
        "column-order", np.array(["whole", "whole"], dtype=TEXT)))

    def unknown_filter(file, path, values, number):
        """One chunk that claims a filter nobody has."""
        parent, name = path.rsplit("/", 1)
        del file[path]
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk(values.shape)
        plist.set_filter(number, h5py.h5z.FLAG_OPTIONAL, ())
        dataset = h5py.h5d.create(file[parent].id, name.encode(), h5py.h5t.NATIVE_FLOAT,
                                  h5py.h5s.create_simple(values.shape), plist)
        dataset.write_direct_chunk((0,) * values.ndim, values.tobytes(), 0)

    # 300 is in the range of numbers for tests: no plugin has it, whatever is installed.
    edit("layer", lambda f: unknown_filter(f, "layers/counts", X, 300))
    edit("filter", lambda f: unknown_filter(f, "X/data", np.arange(6, dtype=np.float32), 300))
    # Data that are not what the filter wrote: zstd is always there, lz4 maybe.
    edit("zstd", lambda f: unknown_filter(f, "X/data", np.arange(6, dtype=np.float32), 32015))
    edit("lz4", lambda f: unknown_filter(f, "X/data", np.arange(6, dtype=np.float32), 32004))

    def damaged_lzf(file):
        replace(file, "X/data", np.zeros(6, np.float32), chunks=(6,), compression="lzf")
        file["X/data"].id.write_direct_chunk((0,), b"\xff" * 7, 0)
    edit("lzf", damaged_lzf)

    def long_column(file):
        del file["obs/text"]
        file["obs"].create_dataset("text", shape=(2**36,), dtype="S100", chunks=(1000,))
    edit("long_column", long_column)

    def elsewhere(file):
        del file["X/data"]
        file["X"].create_dataset("data", shape=(6,), dtype=np.float32,
                                 external=[("/etc/hostname", 0, 24)])
    edit("external", elsewhere)

    def promise(file):
        del file["X"]
        file.create_dataset("X", shape=(10**6, 10**6), dtype=np.float32, chunks=(1000, 1000))
    edit("promise", promise)
    content = (folder / "csr.h5ad").read_bytes()

    # A string that claims to be object 2^31 - 1 of its heap: HDF5 1.10 does not look before it reads.
    def contiguous(file):
        replace(file, "obs/text", np.array(["w", "x", "y", "z"], dtype=object), dtype=TEXT)
    edit("heap", contiguous)
    with h5py.File(folder / "bad_heap.h5ad") as file:
        at = file["obs/text"].id.get_offset()
    content_of_heap = (folder / "bad_heap.h5ad").read_bytes()
    damaged = bytearray(content_of_heap)
    damaged[at + 12:at + 16] = (2**31 - 1).to_bytes(4, "little")
    (folder / "bad_heap.h5ad").write_bytes(damaged)

    def patched(name, source, find, replacement):
        assert source.count(find) == 1, name
        (folder / f"bad_{name}.h5ad").write_bytes(source.replace(find, replacement))

    # A string of 4 GiB in the same place: HDF5 asks for the memory before it looks for the string.
    length = damaged[at:at + 4]
    damaged[at:at + 4] = (2**32 - 1).to_bytes(4, "little")
    damaged[at + 12:at + 16] = content_of_heap[at + 12:at + 16]
    assert length == (1).to_bytes(4, "little")
    (folder / "bad_long_string.h5ad").write_bytes(damaged)

    # A chunk whose record says that it takes 4 GiB of the file.
    edit("chunk_record", lambda f: replace(f, "X/data", np.arange(6, dtype=np.float32),
                                           chunks=(6,), compression="gzip"))
    with h5py.File(folder / "bad_chunk_record.h5ad") as file:
        chunk = file["X/data"].id.get_chunk_info(0)
    record = struct.pack("<IIQQQ", chunk.size, 0, 0, 0, chunk.byte_offset)
    patched("chunk_record", (folder / "bad_chunk_record.h5ad").read_bytes(), record,
            struct.pack("<I", 2**32 - 1) + record[4:])

    def wide_chunk(file):
        """A chunk of 2 GiB of which a few bytes are stored."""
        replace(file, "X/data", None, shape=(6,), maxshape=(None,), chunks=(2**29,),
                dtype=np.float32, compression="gzip")
        file["X/data"].id.write_direct_chunk((0,), zlib.compress(b"\0" * 24), 0)
    edit("wide_chunk", wide_chunk)
    (folder / "bad_truncated.h5ad").write_bytes(content[:len(content) // 2])
    (folder / "bad_text.h5ad").write_text("gene,count\n")


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1])
    good(target)
    numbers(target)
    old_tables(target)
    odd(target)
    complete(target)
    unread(target)
    layouts(target)
    broken(target)
