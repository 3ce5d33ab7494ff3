"""CellFlow (cellflow-tools 0.0.9): flow matching in 50 principal components, conditions one-hot (pairs as two columns).
The package's defaults (2,048 to 4,096 wide, batches of 1,024, many thousand iterations) are for an A100 and do not end
on a CPU: 512 wide, batches of 256, 1,200 iterations, Adam 3e-4 without 20-fold accumulation."""
import os

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import anndata
import numpy as np
import pandas as pd
from cells import Task, genes_of

import cellflow.preprocessing
import optax
from cellflow.model import CellFlow

WIDTH, BATCH, ITERATIONS = 512, 256, 1200

task = Task(__doc__)
np.random.seed(task.seed)
training = task.training
names = sorted({gene for condition in training.obs["condition"] for gene in genes_of(condition)})
conditions = list(training.obs["condition"]) + [condition for condition, _ in task.groups]
columns = [f"gene{k}" for k in range(max(len(genes_of(c)) for c in conditions))]


def annotate(data, conditions):
    for k, column in enumerate(columns):
        values = [(genes_of(c) + ["none"] * len(columns))[k] for c in conditions]
        data.obs[column] = pd.Categorical(values, categories=names + ["none"])
    data.obs["control"] = [not genes_of(c) for c in conditions]
    data.obs["context"] = data.obs["cell_type"].astype("category")


one_hot = {name: np.eye(len(names), dtype=np.float32)[k] for k, name in enumerate(names)}
one_hot["none"] = np.zeros(len(names), np.float32)
annotate(training, training.obs["condition"])
training.uns["one_hot"] = one_hot
cellflow.preprocessing.centered_pca(training, n_comps=50)
# The package refuses control populations that have no treated cells: those shape the components only.
both = training.obs.groupby("context", observed=True)["control"].transform(lambda values: not values.all())
fit = training[np.asarray(both)].copy()
fit.obs["context"] = fit.obs["context"].cat.remove_unused_categories()
task.lap("load")
model = CellFlow(fit)
model.prepare_data(sample_rep="X_pca", control_key="control", perturbation_covariates={"gene": columns},
                   perturbation_covariate_reps={"gene": "one_hot"}, split_covariates=["context"])
model.prepare_model(time_encoder_dims=(WIDTH,) * 3, hidden_dims=(WIDTH,) * 3, decoder_dims=(WIDTH,) * 3,
                    optimizer=optax.adam(3e-4), seed=task.seed)
model.train(num_iterations=ITERATIONS, batch_size=BATCH, valid_freq=10**9)
task.lap("train")
for condition, cell_type in task.groups:
    if any(gene not in names for gene in genes_of(condition)):
        task.cannot("one-hot, and a gene that training did not have", condition)
        continue
    control = task.controls(cell_type)
    control.uns["one_hot"] = one_hot
    annotate(control, ["ctrl"] * control.n_obs)
    cellflow.preprocessing.project_pca(query_adata=control, ref_adata=training)
    query = anndata.AnnData(obs=control.obs.iloc[:1].copy())
    annotate(query, [condition])
    query.obs["control"], query.obs["id"] = False, condition
    predicted = model.predict(control, covariate_data=query.obs, sample_rep="X_pca", condition_id_key="id")
    control.obsm["predicted"] = np.asarray(next(iter(predicted.values())))
    cellflow.preprocessing.reconstruct_pca(query_adata=control, use_rep="predicted", ref_adata=training,
                                           layers_key_added="values")
    task.add(np.asarray(control.layers["values"]), condition, cell_type)
task.lap("predict")
task.save(iterations=ITERATIONS)
