"""Scores of one method's predictions: those of `unlasting-train metrics`, and the error of the mean."""
import json
import subprocess

import anndata
import numpy as np
import scipy.sparse as sp

from cells import bare

KEYS = {"E": "e_distance.unbiased.all", "E20": "e_distance.unbiased.de20", "EMD": "emd.all",
        "r": "pearson_delta.all", "corr_r": "correlation_agreement.top50", "kNN": "auc_knn.all"}


def key_of(condition, cell_type):
    """A group by the name of its condition alone, without the dose that metrics adds."""
    return bare(str(condition).split("@")[0]), str(cell_type)


def means(path):
    data = anndata.read_h5ad(path)
    values = sp.csr_matrix(data.X)
    keys = [key_of(*pair) for pair in zip(data.obs["condition"], data.obs["cell_type"])]
    return {key: np.asarray(values[[k == key for k in keys]].mean(0)).ravel() for key in set(keys)}


def score(binaries, folder, predicted):
    """One row for each group of `predicted`. RuntimeError with metrics' own words."""
    done = subprocess.run([binaries / "unlasting-train", "metrics", "--predicted", predicted, "--truth",
                           folder / "truth.h5ad", "--control", folder / "control.h5ad", "--training",
                           folder / "training.h5ad", "--resamples", "0", "--threads", "1", "--json"],
                          capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError("metrics: " + (done.stderr.strip().splitlines() or ["no output"])[-1])
    predicted_means, true_means = means(predicted), means(folder / "truth.h5ad")
    rows = []
    for group in json.loads(done.stdout)["groups"]:
        key = key_of(group["key"]["condition"], group["key"]["cell_type"])
        row = {"condition": key[0], "cell_type": key[1]}
        row |= {name: group["scores"].get(score) for name, score in KEYS.items()}
        if key in predicted_means and key in true_means:
            row["rmse"] = float(np.sqrt(np.mean((predicted_means[key] - true_means[key])**2)))
        ceiling = group["baselines"].get("ceiling", {})
        row["ceiling"] = {name: ceiling.get(score) for name, score in KEYS.items()}
        rows.append(row)
    return rows
