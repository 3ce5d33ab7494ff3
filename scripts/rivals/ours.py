"""Our own row: trains as docs/study.md says, exports the cells that all methods get, and predicts through a server with
the command-line client, as a user does."""
import json
import os
import pathlib
import subprocess

FIT = ["dim=32", "hidden=256", "steps=1500", "mask_steps=600", "learning_rate=1e-3", "threads=1"]


def fit_command(binaries, task, bundle, seed):
    settings = [argument for setting in [*FIT, f"seed={seed}", *task.settings] for argument in ("--set", setting)]
    return [binaries / "unlasting-train", "fit", "--force", "--progress", "none", "--data", task.data, "--out", bundle,
            *settings]


def export_command(binaries, task, bundle, folder, max_cells):
    return [binaries / "unlasting-train", "evaluate", "--bundle", bundle, "--data", task.data, "--export", folder,
            "--max-cells", max_cells, "--progress", "none", "--threads", "1"]


def questions(truth):
    """Arguments of `unlasting predict` for the groups of the true cells."""
    arguments = []
    for _, row in truth.obs.astype(str).drop_duplicates("condition").iterrows():
        condition = row["condition"]
        if condition == "ctrl":
            continue
        if row.get("SMILES", "") not in ("", "nan"):
            arguments += ["--smiles", row["SMILES"], "--dose", f"{float(row['dose_val']):g}{row['dose_unit']}"]
        elif INFO["genes"]:
            arguments += ["--gene", "+".join(gene for gene in condition.split("+") if gene != "ctrl")]
        else:
            arguments += ["--treatment", condition]
    return arguments


def predict(task):
    binaries = pathlib.Path(os.environ["UNLASTING_BIN"])
    server = subprocess.Popen([binaries / "unlasting-server", "--bundle", f"m={task.folder / 'bundle'}", "--listen",
                               "127.0.0.1:0", "--admin-listen", "", "--threads", "1", "--log-format", "json"],
                              stderr=subprocess.PIPE, text=True)
    address = None
    for event in map(json.loads, server.stderr):
        if event["event"] == "listening":
            address = f"127.0.0.1:{event['port']}"
            break
    if address is None:
        raise SystemExit("the server did not start")
    try:
        done = subprocess.run([binaries / "unlasting", "predict", "--server", address, "--control",
                               task.folder / "control.h5ad", "--seed", str(task.seed), "--progress", "none", "--out",
                               task.out + ".h5ad", *questions(task.truth_file)])
    finally:
        server.terminate()
        server.stderr.read()
        server.wait()
    if done.returncode:
        raise SystemExit("predict failed")


if __name__ == "__main__":
    import anndata

    from cells import Task

    asked = Task(__doc__)
    INFO = asked.info
    asked.truth_file = anndata.read_h5ad(asked.folder / "truth.h5ad")
    asked.lap("load")
    predict(asked)
    asked.lap("predict")
    cells = anndata.read_h5ad(asked.out + ".h5ad", backed="r").n_obs
    pathlib.Path(asked.out + ".cost.json").write_text(json.dumps(asked.cost | {"cells": cells}) + "\n")
