"""scGen (scgen 2.1.0) at the settings of its tutorial: 100 epochs, batches of 32, early stopping with patience 25. It
moves the controls of an unseen context by the difference of the latent means of the others."""
from cells import Task

import torch
import scgen
import scvi

task = Task(__doc__)
torch.set_num_threads(1)
scvi.settings.seed = task.seed
task.lap("load")
scgen.SCGEN.setup_anndata(task.training, batch_key="condition", labels_key="cell_type")
model = scgen.SCGEN(task.training)
model.train(max_epochs=100, batch_size=32, early_stopping=True, early_stopping_patience=25,
            use_gpu=False, progress_bar_refresh_rate=0)
task.lap("train")
seen = set(task.training.obs["condition"])
for condition, cell_type in task.groups:
    if condition not in seen:
        task.cannot("a condition that training did not have", condition)
        continue
    predicted, _ = model.predict(ctrl_key="ctrl", stim_key=condition,
                                 adata_to_predict=task.controls(cell_type))
    task.add(predicted.X, condition, cell_type)
task.lap("predict")
task.save(epochs=len(model.history["elbo_train"]))
