"""The version of Unlasting before this one, at the settings of docs/study.md: its own programs, built from its commit,
train on the exported cells and predict through their server. It has no treatments yet, which are genes to it."""
import subprocess

import anndata

import ours
from cells import Task

task = Task(__doc__)
binaries = ours.binaries()
# Held-out cells stand beside the training cells as in the file that both came from, so that no other split is drawn.
parts = {name: anndata.read_h5ad(task.folder / f"{name}.h5ad") for name in ("training", "truth")}
for name, part in parts.items():
    part.obs["split"] = "train" if name == "training" else "test"
data, bundle = f"{task.out}.training.h5ad", f"{task.out}.bundle"
anndata.concat(parts.values(), uns_merge="first").write_h5ad(data)
task.lap("load")
settings = ["genes=0", "split_column=split", f"target_sum={task.target_sum}", f"seed={task.seed}"]
subprocess.run(ours.fit_command(binaries, data, bundle, settings), check=True)
task.lap("train")
ours.predict(task, bundle, "--gene")
