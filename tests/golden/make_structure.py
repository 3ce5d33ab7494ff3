"""Writes structure.json: structure scores of the published data by numpy and scipy.

Usage: make_structure.py SCIENCE.PY, a module with corr, off, pearson, welch and c2st (their formulas
stand in docs/scores.md); from the root of the project. Predicted cells are the first 325 control
cells, true ones those of the condition, values log1p of counts scaled to 10,000, rounded to float32.
"""
import importlib.util, json, os, sys
import anndata, numpy as np

spec = importlib.util.spec_from_file_location("science", sys.argv[1])
science = importlib.util.module_from_spec(spec)
spec.loader.exec_module(science)
KEYS = {"corr": "correlation_error.top50", "corr_r": "correlation_agreement.top50", "cosil": "co_silence_error.top50",
        "act_mean": "active_genes_mean.all", "act_sd": "active_genes_spread.all", "lr": "auc_logistic.all", "knn": "auc_knn.all"}
golden = {}
for name, condition in (("papalexi2021_eccite_thp1_303g", "STAT1+ctrl"), ("zhao2021_glioblastoma_panobinostat_300g", "Panobinostat")):
    data = anndata.read_h5ad(f"tests/data/golden/{name}.h5ad")
    counts = data.X.toarray().astype(np.float64)
    values = np.log1p(counts / counts.sum(1, keepdims=True) * 1e4).astype(np.float32).astype(np.float64)
    label = data.obs["condition"].astype(str).to_numpy()
    control, truth = values[label == "ctrl"], values[label == condition]
    scores = science.scores(control[:325], truth[:400], control)
    golden[name] = {KEYS[key]: float(scores[key]) for key in KEYS}
with open(os.path.join("tests", "golden", "structure.json"), "w") as file:
    json.dump(golden, file, indent=1)
    file.write("\n")
