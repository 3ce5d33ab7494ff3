#!/usr/bin/python3
"""Cuts the two demo files out of the full ones, each under 2 MB.

    scripts/make-demo-data.py INPUT_DIR [OUTPUT_DIR]

INPUT_DIR holds papalexi2021_eccite_thp1_303g.h5ad and
zhao2021_glioblastoma_panobinostat_300g.h5ad (demo/data/README.md says where they come from).
OUTPUT_DIR is demo/data unless given. Needs python3-anndata and python3-h5py of Debian 12. The same
input gives the same bytes.
"""

import argparse
import pathlib
import sys

import anndata
import h5py
import numpy as np
import pandas as pd
import scipy.sparse
from anndata.experimental import write_elem

LIMIT_BYTES = 2_000_000

# The six knockouts that the demo predicts, two weaker ones, and four that are near null.
THP1_CONDITIONS = [
    "ctrl",
    "STAT1+ctrl", "JAK2+ctrl", "IFNGR1+ctrl", "IFNGR2+ctrl", "SMAD4+ctrl", "IRF1+ctrl",
    "BRD4+ctrl", "CUL3+ctrl",
    "ATF2+ctrl", "CAV1+ctrl", "STAT5A+ctrl", "STAT3+ctrl",
]

THP1_ORIGIN = "Papalexi et al. 2021, ECCITE-seq of THP-1 knockouts, 13 of 26 conditions"
GLIOBLASTOMA_ORIGIN = (
    "Zhao et al. 2021, panobinostat and DMSO on glioblastoma slices of five patients")


def cut(source, cells, obs_columns, origin):
    """The chosen cells with their counts, the named obs columns and the gene names."""
    counts = scipy.sparse.csr_matrix(source.X)[cells]
    if not np.array_equal(counts.data, np.round(counts.data)) or counts.data.min() < 0:
        raise SystemExit(f"error: {origin}: X holds values that are not counts")
    counts.sort_indices()
    obs = source.obs.loc[cells, obs_columns].copy()
    for name in obs_columns:
        if isinstance(obs[name].dtype, pd.CategoricalDtype):
            obs[name] = obs[name].cat.remove_unused_categories()
    result = anndata.AnnData(
        X=scipy.sparse.csr_matrix(
            (counts.data.astype(np.float32), counts.indices.astype(np.int32),
             counts.indptr.astype(np.int32)), shape=counts.shape),
        obs=obs,
        var=source.var[["gene_name"]].copy(),
        dtype=np.float32)
    return result


def write(data, origin, path):
    # Byte shuffling before gzip is part of HDF5 itself, so that every reader knows it.
    with h5py.File(path, "w", track_order=False) as file:
        write_elem(file, "/", data,
                   dataset_kwargs={"compression": "gzip", "compression_opts": 9, "shuffle": True})
        write_elem(file["uns"], "source", origin, dataset_kwargs={})  # a scalar takes no filter
    size = path.stat().st_size
    again = anndata.read_h5ad(path)
    if (again.X != data.X).nnz or not again.obs.equals(data.obs):
        raise SystemExit(f"error: {path}: what was read back differs from what was written")
    print(f"{path}: {again.n_obs} cells, {again.n_vars} genes, {size / 1e6:.2f} MB")
    if size >= LIMIT_BYTES:
        raise SystemExit(f"error: {path}: {size} bytes, expected fewer than {LIMIT_BYTES}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("input_dir", type=pathlib.Path)
    parser.add_argument("output_dir", type=pathlib.Path, nargs="?",
                        default=pathlib.Path(__file__).resolve().parent.parent / "demo" / "data")
    arguments = parser.parse_args()
    arguments.output_dir.mkdir(parents=True, exist_ok=True)

    thp1 = anndata.read_h5ad(arguments.input_dir / "papalexi2021_eccite_thp1_303g.h5ad")
    kept = thp1.obs["condition"].isin(THP1_CONDITIONS).to_numpy()
    write(cut(thp1, kept, ["condition", "cell_type", "bio_rep", "n_umis_all_genes"],
              THP1_ORIGIN),
          THP1_ORIGIN, arguments.output_dir / "thp1_knockouts.h5ad")

    glioblastoma = anndata.read_h5ad(
        arguments.input_dir / "zhao2021_glioblastoma_panobinostat_300g.h5ad")
    write(cut(glioblastoma, np.ones(glioblastoma.n_obs, dtype=bool),
              ["condition", "cell_type", "SMILES", "dose_val", "dose_unit"],
              GLIOBLASTOMA_ORIGIN),
          GLIOBLASTOMA_ORIGIN, arguments.output_dir / "glioblastoma_panobinostat.h5ad")


if __name__ == "__main__":
    sys.exit(main())
