"""State (arc-state 0.11.1), its transition model, through its own command line; state_sm scaled down for a CPU (hidden
256, 4 layers, sets of 64 cells, 4 sets a step, 500 steps). A label that training did not have gets a default vector
there without a word, so that it is not asked."""
import os
import pathlib
import shutil
import subprocess
import sys

import anndata
import pandas as pd
from cells import Task, bare, dense

STEPS = 500
SIZE = ["hidden_dim=256", "cell_set_len=64", "transformer_backbone_kwargs.intermediate_size=1024",
        "transformer_backbone_kwargs.num_attention_heads=4", "transformer_backbone_kwargs.num_key_value_heads=4",
        "transformer_backbone_kwargs.head_dim=64"]

task = Task(__doc__)
state = pathlib.Path(sys.executable).with_name("state")
work = pathlib.Path(task.out + ".work").absolute()
shutil.rmtree(work, ignore_errors=True)
(work / "data").mkdir(parents=True)


def prepared(data, conditions):
    data = data.copy()
    data.obs["target"] = pd.Categorical([bare(c) for c in conditions])
    data.obs["cell_type"] = data.obs["cell_type"].astype("category")
    data.obs["lane"] = pd.Categorical(["one"] * data.n_obs)
    data.obsm["X_hvg"] = dense(data)
    return data


def run(*arguments):
    done = subprocess.run([state, *arguments], stdout=sys.stdout, stderr=subprocess.STDOUT)
    if done.returncode:
        raise SystemExit(done.returncode)


known = {bare(c) for c in task.training.obs["condition"]}
groups = [group for group in task.groups if bare(group[0]) in known]
for condition, _ in set(task.groups) - set(groups):
    task.cannot("a label that training did not have", condition)
if not groups:
    task.save()
prepared(task.training, task.training.obs["condition"]).write_h5ad(work / "data" / "training.h5ad")
(work / "split.toml").write_text(f'[datasets]\nset = "{work}/data"\n\n[training]\nset = "train"\n')
task.lap("load")
run("tx", "train", f"data.kwargs.toml_config_path={work}/split.toml", "data.kwargs.embed_key=X_hvg",
    "data.kwargs.output_space=gene", "data.kwargs.pert_col=target", "data.kwargs.cell_type_key=cell_type",
    "data.kwargs.batch_col=lane", "data.kwargs.control_pert=ctrl", "data.kwargs.num_workers=0",
    "data.kwargs.pin_memory=false", "model=state_sm", "model.device=cpu",
    *["model.kwargs." + size for size in SIZE], f"training.max_steps={STEPS}", "training.batch_size=4",
    f"training.val_freq={STEPS}", f"training.ckpt_every_n_steps={STEPS}", f"training.train_seed={task.seed}",
    "use_wandb=false", "overwrite=true", f"output_dir={work}", "name=run")
task.lap("train")
query = [prepared(task.control, task.control.obs["condition"])]
query += [prepared(k, [condition] * k.n_obs) for condition, cell_type in groups
          for k in (task.controls(cell_type),)]
joined = anndata.concat(query, index_unique="-")
joined.obs["lane"] = "one"
joined.write_h5ad(work / "query.h5ad")
run("tx", "infer", "--model-dir", work / "run", "--adata", work / "query.h5ad", "--pert-col", "target",
    "--celltype-col", "cell_type", "--embed-key", "X_hvg", "--output", work / "answer.h5ad", "--quiet")
values, at = anndata.read_h5ad(work / "answer.h5ad").obsm["X_hvg"], task.control.n_obs
for part, (condition, cell_type) in zip(query[1:], groups):
    task.add(values[at:at + part.n_obs], condition, cell_type)
    at += part.n_obs
task.lap("predict")
shutil.rmtree(work)
task.save(steps=STEPS)
