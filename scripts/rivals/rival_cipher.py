"""CIPHER (cipher-perturb 0.1.0): the mean change under a measured target is a multiple of the target's column of the
controls' covariance; the factor is fitted on the training cells of the condition. It gives a mean, which is added to
each control cell. It knows seen conditions of one measured gene alone."""
import numpy as np

from cells import Task, dense, genes_of

import cipher

task = Task(__doc__)
values, conditions = dense(task.training).astype(float), np.asarray(task.training.obs["condition"])
task.lap("load")
control = values[conditions == "ctrl"]
covariance = cipher.compute_covariance(control)
change = {}
for condition in sorted(set(conditions) - {"ctrl"}):
    genes = genes_of(condition)
    if len(genes) == 1 and genes[0] in task.genes:
        column = covariance[:, task.genes.index(genes[0])]
        seen = values[conditions == condition].mean(0) - control.mean(0)
        change[condition] = cipher.forward_fit(column, seen)[0] * column
task.lap("train")
for condition, cell_type in task.groups:
    if condition in change:
        task.add(dense(task.controls(cell_type)) + change[condition], condition, cell_type)
    else:
        task.cannot("not a seen condition of one measured gene", condition)
task.lap("predict")
task.save()
