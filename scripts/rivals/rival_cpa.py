"""CPA (cpa-tools 0.8.8): the settings of its Kang tutorial (drugs and treatments in contexts) or of its Norman tutorial
(genes), negative binomial on counts. Its answer is the mean of that distribution; what is drawn from it, cells that are
not smooth, has a row of its own. Both are normalised as the data are."""
import numpy as np
import pandas as pd
import scipy.sparse as sp
from cells import Task, bare

import anndata
import torch
import cpa

SHARED = dict(recon_loss="nb", doser_type="linear", variational=False, use_batch_norm_encoder=True,
              use_layer_norm_encoder=False, use_batch_norm_decoder=False, dropout_rate_encoder=0.0)
PLAN = dict(n_epochs_kl_warmup=None, n_epochs_pretrain_ae=30, lr=3e-4, wd=4e-7, adv_lr=3e-4, adv_wd=4e-7,
            adv_loss="cce", doser_lr=3e-4, doser_wd=4e-7, use_batch_norm_adv=True, use_layer_norm_adv=False)
KANG = (dict(n_latent=64, n_hidden_encoder=128, n_layers_encoder=2, n_hidden_decoder=512, n_layers_decoder=2,
             use_layer_norm_decoder=True, dropout_rate_decoder=0.1),
        dict(n_epochs_adv_warmup=50, n_epochs_mixup_warmup=0, mixup_alpha=0.0, adv_steps=None, n_hidden_adv=64,
             n_layers_adv=3, dropout_rate_adv=0.3, reg_adv=20.0, pen_adv=5.0, do_clip_grad=True,
             gradient_clip_value=1.0, step_size_lr=10))
NORMAN = (dict(n_latent=128, n_hidden_encoder=512, n_layers_encoder=2, n_hidden_decoder=256, n_layers_decoder=2,
               use_layer_norm_decoder=False, dropout_rate_decoder=0.2),
          dict(n_epochs_adv_warmup=100, n_epochs_mixup_warmup=10, mixup_alpha=0.2, adv_steps=2, n_hidden_adv=128,
               n_layers_adv=2, dropout_rate_adv=0.2, reg_adv=50.0, pen_adv=1.0, do_clip_grad=False,
               gradient_clip_value=5.0, step_size_lr=45))

task = Task(__doc__)
torch.set_num_threads(1)
net, plan = NORMAN if task.info["genes"] else KANG
seen = {gene for condition in task.training.obs["condition"] for gene in bare(condition).split("+")}
groups = []
for condition, cell_type in task.groups:
    if all(gene in seen for gene in bare(condition).split("+")):
        groups.append((condition, cell_type))
    else:
        task.cannot("a gene that training did not have", condition)
if not groups:
    task.save()
counts, _ = task.counts(task.training.obs_names)
control_counts, control_size = task.counts(task.control.obs_names)
# The package wants the control cells that are predicted in the same object, with the wanted condition and the split
# "ood", on which it does not train.
blocks = [(np.flatnonzero(task.control.obs["cell_type"] == cell_type), condition, cell_type)
          for condition, cell_type in groups]
obs = pd.DataFrame({
    "condition": [bare(c) for c in task.training.obs["condition"]] +
                 [bare(c) for rows, c, _ in blocks for _ in rows],
    "cell_type": list(task.training.obs["cell_type"]) + [t for rows, _, t in blocks for _ in rows]})
drawn = np.random.default_rng(task.seed).random(task.training.n_obs) < 0.9
obs["split"] = list(np.where(drawn, "train", "valid")) + ["ood"] * sum(len(b[0]) for b in blocks)
obs["dose"] = ["+".join("1.0" for _ in c.split("+")) for c in obs["condition"]]
obs.index = obs.index.astype(str)
data = anndata.AnnData(sp.csr_matrix(np.vstack([counts] + [control_counts[rows] for rows, _, _ in blocks])),
                       obs=obs, var=task.training.var)
cpa.CPA.setup_anndata(data, perturbation_key="condition", control_group="ctrl", dosage_key="dose",
                      categorical_covariate_keys=["cell_type"], is_count_data=True,
                      max_comb_len=2 if task.info["genes"] else 1)
model = cpa.CPA(adata=data, split_key="split", train_split="train", valid_split="valid", test_split="ood",
                seed=task.seed, **SHARED, **net)
task.lap("load")
model.train(max_epochs=400, use_gpu=False, batch_size=512, plan_kwargs=PLAN | plan, early_stopping_patience=20,
            check_val_every_n_epoch=5, save_path=False, progress_bar_refresh_rate=0)
task.lap("train")
asked = data[task.training.n_obs:].copy()
model.predict(asked, batch_size=2048)
mean = asked.obsm["CPA_pred"]
task.lap("predict")
dispersion = torch.exp(model.module.px_r).detach().numpy()
random = np.random.default_rng(task.seed)
draws = random.poisson(random.gamma(dispersion, np.maximum(mean, 1e-12) / dispersion))
for values, variant in ((mean, ""), (draws, "cpa_drawn")):
    at = 0
    for rows, condition, cell_type in blocks:
        part, at = values[at:at + len(rows)], at + len(rows)
        task.add(np.log1p(part / control_size[rows][:, None] * task.target_sum), condition, cell_type, variant)
task.save()
