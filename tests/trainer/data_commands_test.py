#!/usr/bin/env python3
"""prepare, network and simulate of the built program, their output read by Python's anndata."""
import json
import pathlib
import subprocess
import sys
import tempfile

import anndata
import numpy as np

program, root = sys.argv[1], pathlib.Path(sys.argv[2])
work = pathlib.Path(tempfile.mkdtemp())


def run(*arguments):
    done = subprocess.run([program, *map(str, arguments), "--progress", "none"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refuses(words, *arguments):
    done = subprocess.run([program, *map(str, arguments), "--progress", "none"],
                          capture_output=True, text=True)
    assert done.returncode == 2, (arguments, done.returncode, done.stderr)
    said = [line for line in done.stderr.splitlines() if not line.startswith("warning: ")]
    assert len(said) == 1 and words in said[0], done.stderr


def prepared_equals_scanpy(name):
    source, out = root / f"tests/data/golden/{name}.h5ad", work / "prepared.h5ad"
    golden = json.loads((root / f"tests/golden/{name}.json").read_text())
    run("prepare", "--data", source, "--out", out, "--set", "target_sum=10000",
        "--set", "genes=0", "--set", "split=cells", "--set", "seed=3")
    data, counts = anndata.read_h5ad(out), anndata.read_h5ad(source)
    assert list(data.obs_names) == list(counts.obs_names)
    assert list(data.var_names) == list(counts.var_names)
    sums = np.asarray(data.X.sum(1)).ravel()
    np.testing.assert_allclose(sums[:20], golden["log1p"]["first_20_cell_sums"], rtol=1e-5)
    np.testing.assert_allclose(data.X.sum(dtype=np.float64), golden["log1p"]["total"], rtol=1e-5)
    # scanpy's normalize_total and log1p, on every value.
    raw = counts.X.toarray().astype(np.float64)
    totals = raw.sum(1, keepdims=True)
    totals[totals == 0] = 1
    np.testing.assert_allclose(data.X.toarray(), np.log1p(raw / totals * 1e4), rtol=1e-5, atol=1e-6)
    assert set(data.obs["split"]) == {"train", "test"} and data.uns["log1p"]["base"] > 2.7
    assert data.uns["unlasting"]["target_sum"] == 10000
    assert data.uns["unlasting"]["split"]["kind"] == "cells"
    assert data.uns["unlasting"]["settings"]["target_sum"] == "10000"
    assert set(data.obs.columns) >= set(counts.obs.columns)
    # The same split again from the column that was written, and no second logarithm.
    run("prepare", "--data", out, "--out", work / "again.h5ad", "--set", "genes=0",
        "--set", "split_column=split")
    again = anndata.read_h5ad(work / "again.h5ad")
    assert (again.X != data.X).nnz == 0
    assert (again.obs["split"].astype(str) == data.obs["split"].astype(str)).all()
    refuses("declared counts", "prepare", "--data", out, "--out", work / "no.h5ad",
            "--set", "matrix=counts", "--set", "split=cells")


def variable_genes_and_library_sizes():
    source = root / "tests/data/golden/papalexi2021_eccite_thp1_303g.h5ad"
    for flavor in ("seurat", "seurat_v3"):
        out = work / f"{flavor}.h5ad"
        run("prepare", "--data", source, "--out", out, "--set", "genes=100",
            "--set", f"hvg_flavor={flavor}", "--library-size-column", "n_umis_all_genes")
        data = anndata.read_h5ad(out)
        measured = {"STAT1", "JAK2", "IRF1"} & set(anndata.read_h5ad(source).var_names)
        assert 100 <= data.n_vars <= 120 and measured <= set(data.var_names)
    # A panel whose cells' whole counts stand in obs: the column is named.
    for column, warned in (("", True), ("n_umis_all_genes", False)):
        done = subprocess.run([program, "prepare", "--data", source, "--out", work / "panel.h5ad",
                               "--set", f"library_size_column={column}", "--progress", "none"],
                              capture_output=True, text=True, check=True)
        named = "--set library_size_column=n_umis_all_genes" in done.stderr
        assert named == warned, done.stderr
    counts = anndata.read_h5ad(source)[data.obs_names, data.var_names]
    sizes = counts.obs["n_umis_all_genes"].to_numpy(np.float64)[:, None]
    expected = np.log1p(counts.X.toarray() / sizes * data.uns["unlasting"]["target_sum"])
    np.testing.assert_allclose(data.X.toarray(), expected, rtol=1e-5, atol=1e-6)


def layouts():
    subprocess.run([sys.executable, root / "tests/core/anndata/make_fixtures.py", work], check=True)
    out = work / "layout.h5ad"
    run("prepare", "--data", work / "layout_chemcpa.h5ad", "--layout", "chemcpa", "--out", out,
        "--set", "genes=0", "--set", "split_column=split_ood_finetuning")
    data = anndata.read_h5ad(out)
    assert data.obs["condition"].tolist() == ["ctrl", "Sodium_drug", "Sodium_drug", "ctrl"]
    assert data.obs["SMILES"].tolist() == ["", "CC(=O)O", "CC(=O)O", ""], data.obs["SMILES"]
    np.testing.assert_allclose(data.obs["dose_val"], [0, 0.01, 10, 0])
    assert data.obs["dose_unit"].tolist() == ["uM"] * 4
    for name in ("gears", "scperturb"):
        run("prepare", "--data", work / f"layout_{name}.h5ad", "--out", out, "--set", "genes=0",
            "--set", "split=doubles")
        assert anndata.read_h5ad(out).obs["split"].tolist().count("test") == 1, name
        description = json.loads(subprocess.run(
            [program, "inspect", "--json", work / f"layout_{name}.h5ad"],
            capture_output=True, check=True).stdout)
        assert description["layout"] == name
    refuses("layout (--layout): found 'geras'", "prepare", "--data", work / "layout_gears.h5ad", "--out", out,
            "--layout", "geras")
    refuses("crashes", "prepare", "--data", work / "bad_heap.h5ad", "--out", out)


def simulated():
    out, tsv = work / "simulated.h5ad", work / "grn.tsv"
    run("simulate", "--out", out, "--cells", 1500, "--genes", 120, "--perturbations", 8,
        "--doubles", 3, "--molecules", 4, "--doses", "0.1,10", "--cell-types", 2, "--seed", 5)
    data = anndata.read_h5ad(out)
    assert data.shape == (1500, 120) and data.varp["network"].shape == (120, 120)
    assert data.varm["effects"].shape[1] == len(data.uns["simulation"]["conditions"])
    assert (data.layers["unperturbed"] != data.X)[~data.obs["responder"].to_numpy()].nnz == 0
    assert "drug003" in set(data.obs["condition"]) and set(data.obs["dose_val"]) == {0, 0.1, 10}
    run("network", "--data", out, "--out", tsv, "--set", "genes=0", "--set",
        "grn.threshold=0.2")
    lines = tsv.read_text().splitlines()
    assert lines[0] == "source\ttarget\tstrength" and len(lines) > 3
    assert all(float(line.split("\t")[2]) >= 0.2 for line in lines[1:])
    # It can be given back as a prior.
    run("network", "--data", out, "--out", work / "prior.tsv", "--set", "genes=0", "--set",
        "grn.threshold=1", "--set", f"grn.prior={tsv}")
    ends = {tuple(line.split("\t")[:2]) for line in lines[1:]}
    prior = (work / "prior.tsv").read_text().splitlines()[1:]
    assert {tuple(line.split("\t")[:2]) for line in prior} == ends
    # Genes on a circle of vectors: a higher cosine leaves fewer edges.
    table, edges = work / "genes.tsv", {}
    angles = np.linspace(0, np.pi, 120)
    table.write_text("".join(f"{gene}\t{np.cos(a)}\t{np.sin(a)}\t{0}\n"
                             for gene, a in zip(data.var_names, angles)))
    for cosine in (0.5, 0.9):
        run("network", "--data", out, "--out", work / "cosine.tsv", "--set", "genes=0", "--set",
            "grn.threshold=1", "--set", f"grn.prior={table}", "--set",
            f"grn.embedding_threshold={cosine}", "--set", "grn.max_in_degree=0")
        edges[cosine] = len((work / "cosine.tsv").read_text().splitlines()) - 1
        near = np.cos(angles[:, None] - angles) >= cosine
        assert edges[cosine] == near.sum() - 120, (cosine, edges)
    refuses("grn.embedding_threshold: found 2", "network", "--data", out, "--out",
            work / "no.tsv", "--set", "grn.embedding_threshold=2")
    refuses("--perturbations: found 500", "simulate", "--out", work / "no.h5ad", "--perturbations",
            500, "--genes", 100)
    refuses("/nowhere/", "simulate", "--out", "/nowhere/x.h5ad", "--cells", 50)
    refuses("grn.prior", "network", "--data", out, "--out", work / "no.tsv", "--set",
            "grn.prior=absent.tsv")
    refuses("absent.h5ad", "network", "--data", "absent.h5ad", "--out", work / "no.tsv")
    assert not list(work.glob("no.*"))


def networks_of_ids_are_their_own_priors():
    data = anndata.read_h5ad(work / "simulated.h5ad")
    data.var["gene_name"] = data.var_names.to_numpy()
    data.var_names = [f"ENSG{k:05d}" for k in range(data.n_vars)]
    source, tsv, again = work / "ids.h5ad", work / "ids.tsv", work / "again.tsv"
    data.write_h5ad(source)
    settings = ["--set", "genes=0", "--set", "grn.max_in_degree=3"]
    run("network", "--data", source, "--out", tsv, "--set", "grn.threshold=0.15", *settings)
    lines = tsv.read_text().splitlines()
    assert len(lines) > 10 and lines[1].startswith("ENSG"), lines[:3]
    run("network", "--data", source, "--out", again, "--set", "grn.threshold=1.1",
        "--set", f"grn.prior={tsv}", *settings)
    assert again.read_text() == tsv.read_text()
    # The same edges by symbol, as lists of the field have them.
    symbols = dict(zip(data.var_names, data.var["gene_name"]))
    (work / "symbols.tsv").write_text("".join(
        "\t".join([symbols[a], symbols[b], strength]) + "\n" if a in symbols else line + "\n"
        for line in lines for a, b, strength in [line.split("\t")]))
    run("network", "--data", source, "--out", again, "--set", "grn.threshold=1.1",
        "--set", f"grn.prior={work / 'symbols.tsv'}", *settings)
    assert again.read_text() == tsv.read_text()
    (work / "mouse.tsv").write_text("source\ttarget\nStat1\tIrf1\n")
    refuses("no edge joins two of the data's genes; found 'Stat1', expected names like 'ENSG00000'",
            "network", "--data", source, "--out", work / "no.tsv", "--set",
            f"grn.prior={work / 'mouse.tsv'}", *settings)


def panels_too_wide_for_partial_correlations_keep_the_threshold():
    source, tsv = work / "wide.h5ad", work / "wide.tsv"
    run("simulate", "--out", source, "--cells", 200, "--genes", 6001, "--perturbations", 2,
        "--density", 0.05, "--seed", 1)
    done = subprocess.run([program, "network", "--data", source, "--out", tsv, "--set", "genes=0",
                           "--progress", "none"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "found 6001 genes, more than the 6000" in done.stderr, done.stderr
    strengths = [float(line.split("\t")[2]) for line in tsv.read_text().splitlines()[1:]]
    assert strengths and min(strengths) >= 0.3


prepared_equals_scanpy("papalexi2021_eccite_thp1_303g")
prepared_equals_scanpy("zhao2021_glioblastoma_panobinostat_300g")
variable_genes_and_library_sizes()
layouts()
simulated()
networks_of_ids_are_their_own_priors()
panels_too_wide_for_partial_correlations_keep_the_threshold()
print("all checks passed")
