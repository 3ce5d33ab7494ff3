"""The members of vcc2026 (docs/scores.md) for a task whose conditions are single genes and whose file holds counts. The
rule takes counts on both sides: a predicted cell gets the depth of a control cell, in turn, and its expected counts are
rounded up or down at random such that their mean is kept."""
import json
import subprocess
import tempfile

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

from cells import bare, dense

MEMBERS = {"pds_cosine": "pds", "expr_mse_unbiased_capped_norm": "mse",
           "de_wilcoxon_direction_fidelity_yield_raw": "yield", "de_wilcoxon_direction_reach_raw": "reach",
           "de_wilcoxon_sig_jaccard": "jaccard", "de_wilcoxon_lfc_nmae": "lfc"}


def counts_of(data, size, random):
    """Counts of log1p values at these library sizes, [cells, genes]; the exact ones where the values come from them."""
    expected = np.expm1(dense(data).astype(float)) * (size / float(data.uns["unlasting"]["target_sum"]))[:, None]
    # A count that went through float32 logarithms and back is within a thousandth of itself.
    expected = np.where(np.abs(expected - np.rint(expected)) < 1e-3, np.rint(expected), expected)
    low = np.floor(expected)
    return sp.csr_matrix((low + (random.random(expected.shape) < expected - low)).astype(np.float32))


def write(parts, genes, path):
    labels = [label for values, label in parts for _ in range(values.shape[0])]
    anndata.AnnData(sp.vstack([values for values, _ in parts]).tocsr(),
                    obs=pd.DataFrame({"gene": labels}, index=[f"cell{k}" for k in range(len(labels))]),
                    var=pd.DataFrame(index=genes)).write_h5ad(path)


def by_condition(data):
    for condition in sorted(set(data.obs["condition"].astype(str)) - {"ctrl"}):
        yield bare(condition), data[np.asarray(data.obs["condition"].astype(str) == condition)]


def score(binaries, folder, predicted, info):
    """The members, with what the mean response (b) and half of the truth (r) get; None where the rule does not apply.
    RuntimeError with metrics' own words."""
    truth, control, cells = (anndata.read_h5ad(path) for path in
                             (folder / "truth.h5ad", folder / "control.h5ad", predicted))
    conditions = {bare(condition) for condition in truth.obs["condition"].astype(str)} - {"ctrl"}
    asked = {bare(condition) for condition in cells.obs["condition"].astype(str)} - {"ctrl"}
    if not info["genes"] or any("+" in condition for condition in conditions) or asked != conditions:
        return None
    cells.uns["unlasting"] = truth.uns["unlasting"]  # all are log1p values of one scale
    random = np.random.default_rng(0)
    depth = control.obs["library_size"].to_numpy(float)
    controls = (counts_of(control, depth, random), "ctrl")
    with tempfile.TemporaryDirectory(dir=folder) as work:
        write([controls, *((counts_of(part, part.obs["library_size"].to_numpy(float), random), gene)
                           for gene, part in by_condition(truth))], truth.var_names, f"{work}/truth.h5ad")
        write([controls, *((counts_of(part, np.resize(depth, part.n_obs), random), gene)
                           for gene, part in by_condition(cells))], cells.var_names, f"{work}/predicted.h5ad")
        done = subprocess.run([binaries / "unlasting-train", "metrics", "--rule", "vcc2026", "--truth",
                               f"{work}/truth.h5ad", "--predicted", f"{work}/predicted.h5ad", "--groupby", "gene",
                               "--control-label", "ctrl", "--threads", "1", "--json"], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError("metrics: " + (done.stderr.strip().splitlines() or ["no output"])[-1])
    found = json.loads(done.stdout)
    return {key: {short: found[source].get(member) for member, short in MEMBERS.items()}
            for key, source in (("members", "aggregate"), ("b", "baseline"), ("r", "replicate"))}
