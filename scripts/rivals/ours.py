"""Our own row: trains as docs/study.md says, exports the cells that all methods get, and predicts through a server with
the command-line client, as a user does."""
import json
import os
import pathlib
import subprocess

import anndata

FIT = ["dim=32", "hidden=256", "steps=1500", "mask_steps=600", "learning_rate=1e-3", "threads=1"]


def binaries():
    return pathlib.Path(os.environ["UNLASTING_BIN"])


def fit_command(programs, data, bundle, settings):
    arguments = [argument for setting in [*FIT, *settings] for argument in ("--set", setting)]
    return [programs / "unlasting-train", "fit", "--force", "--progress", "none", "--data", data, "--out", bundle,
            *arguments]


def export_command(programs, task, bundle, folder, max_cells):
    return [programs / "unlasting-train", "evaluate", "--bundle", bundle, "--data", task.data, "--export", folder,
            "--max-cells", max_cells, "--progress", "none", "--threads", "1"]


def questions(truth, named):
    """Arguments of `unlasting predict` for the groups of the true cells. `named`: the flag of what is no molecule."""
    arguments = []
    for _, row in truth.obs.astype(str).drop_duplicates("condition").iterrows():
        condition = row["condition"]
        if condition == "ctrl":
            continue
        if row.get("SMILES", "") not in ("", "nan"):
            arguments += ["--smiles", row["SMILES"], "--dose", f"{float(row['dose_val']):g}{row['dose_unit']}"]
        else:
            arguments += [named, "+".join(part for part in condition.split("+") if part != "ctrl")]
    return arguments


def predict(task, bundle, named):
    """Predicts the groups of `task` (cells.Task) through a server, writes them and what they cost."""
    truth = anndata.read_h5ad(task.folder / "truth.h5ad")
    task.lap("load")
    server = subprocess.Popen([binaries() / "unlasting-server", "--bundle", f"m={bundle}", "--listen",
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
        done = subprocess.run([binaries() / "unlasting", "predict", "--server", address, "--control",
                               task.folder / "control.h5ad", "--seed", str(task.seed), "--progress", "none", "--out",
                               task.out + ".h5ad", *questions(truth, named)])
    finally:
        server.terminate()
        server.stderr.read()
        server.wait()
    if done.returncode:
        raise SystemExit("predict failed")
    task.lap("predict")
    predicted = anndata.read_h5ad(task.out + ".h5ad", backed="r").n_obs
    pathlib.Path(task.out + ".cost.json").write_text(json.dumps(task.cost | {"cells": predicted}) + "\n")


if __name__ == "__main__":
    from cells import Task

    asked = Task(__doc__)
    predict(asked, asked.folder / "bundle", "--gene" if asked.info["genes"] else "--treatment")
