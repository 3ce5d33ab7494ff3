"""Rules without a network, by name: `no_change`, `mean_shift` and `additive` as `metrics` has them (docs/scores.md),
`replay` (the training cells of the condition in its context) and `strongest` (an unseen context borrows from the others:
weights by distance of the controls, slopes, masks and the source of the cells from a list, chosen by leaving training
contexts out). numpy and scipy alone."""
import itertools
import os

import numpy as np
from scipy.spatial.distance import cdist

from cells import Task, bare, dense, genes_of

CHOICES = list(itertools.product((0, 2, 4, 8), (0.6, 0.8, 1.0), (0.35, 0.7, 1.0), ("control", "treated"), (False, True)))


def share_of(cells):
    return ((cells > 0).sum(0) + 1.0) / (len(cells) + 2.0)


def logit(share):
    return np.log(share / (1 - share))


def e_distance(a, b):
    n, m = len(a), len(b)
    return 2 * cdist(a, b).mean() - cdist(a, a).sum() / (n * (n - 1)) - cdist(b, b).sum() / (m * (m - 1))


def masked(values, source, share):
    """As many active cells of each gene as `share` says, those that `source` has active first."""
    result = np.zeros_like(values)
    for gene in range(values.shape[1]):
        count = int(share[gene] * len(values) + 0.5)
        order = np.lexsort((-values[:, gene], source[:, gene] <= 0))[:count]
        result[order, gene] = np.maximum(values[order, gene], 1e-3)
    return result


def borrowed(control, others, choice, random):
    """`others`: pairs of control and treated cells of the contexts to borrow from."""
    power, mean_slope, share_slope, source, meets = choice
    distance = np.array([np.linalg.norm(control.mean(0) - c.mean(0)) for c, _ in others]) + 1e-9
    weight = (distance.min() / distance)**power
    weight /= weight.sum()
    mean = sum(w * (t.mean(0) + mean_slope * (control.mean(0) - c.mean(0)))
               for w, (c, t) in zip(weight, others))
    share = sum(w * (logit(share_of(t)) + share_slope * (logit(share_of(control)) - logit(share_of(c))))
                for w, (c, t) in zip(weight, others))
    share = 1 / (1 + np.exp(-share))
    if source == "control":
        cells, moved = control, control + mean - control.mean(0)
    else:
        drawn = [t[random.choice(len(t), int(round(w * max(len(control), 150))))]
                 for w, (_, t) in zip(weight, others)]
        cells = np.vstack(drawn)
        moved = np.vstack([d + mean - t.mean(0) for d, (_, t) in zip(drawn, others)])
    values = masked(np.maximum(moved, 0), cells, share)
    if not meets:
        return values
    ratio = np.clip(np.maximum(mean, 0) / np.maximum(values.mean(0), 1e-9), 0.3, 3)
    return np.where(values > 0, values * ratio, 0)


def strongest(control, others, random):
    small = [tuple(cells[random.permutation(len(cells))[:100]] for cells in pair) for pair in others]
    unit = [max(e_distance(*pair), 0.05) for pair in small]

    def loss(choice):
        return np.mean([e_distance(borrowed(pair[0], small[:k] + small[k + 1:], choice, random), pair[1]) / unit[k]
                        for k, pair in enumerate(small)])

    losses = [loss(choice) for choice in CHOICES]
    best = int(np.argmin(losses))
    print(f"chosen: {CHOICES[best]}, {losses[best]:.3f} of no change", flush=True)
    return borrowed(control, others, CHOICES[best], random) if losses[best] < 1 else control


def change_of(condition):
    """The mean over the contexts that have both; None without any."""
    changes = []
    for cell_type in sorted(set(types)):
        rows = types == cell_type
        control, treated = rows & (conditions == "ctrl"), rows & (names == bare(condition))
        if control.any() and treated.any():
            changes.append(training[treated].mean(0) - training[control].mean(0))
    return np.mean(changes, 0) if changes else None


def replay(condition, cell_type):
    cells = training[(names == bare(condition)) & (types == cell_type)]
    return cells if len(cells) > 1 else None


def mean_shift(condition, cell_type):
    change = change_of(condition)
    if change is None:
        change = np.mean([change_of(c) for c in sorted(set(names) - {"ctrl"})], 0)
    return controls(cell_type) + change


def additive(condition, cell_type):
    changes = [change_of(gene) for gene in genes_of(condition)]
    if len(changes) < 2 or any(change is None for change in changes):
        return None
    return controls(cell_type) + np.sum(changes, 0)


def strongest_rule(condition, cell_type):
    own = (names == bare(condition)) & (types == cell_type)
    pairs = [(training[(types == t) & (conditions == "ctrl")], training[(types == t) & (names == bare(condition))])
             for t in sorted(set(types) - {cell_type})]
    pairs = [pair for pair in pairs if len(pair[0]) > 10 and len(pair[1]) > 10]
    return None if own.any() or len(pairs) < 2 else strongest(controls(cell_type), pairs, random)


def controls(cell_type):
    return dense(task.controls(cell_type)).astype(float)


RULES = {"no_change": lambda condition, cell_type: controls(cell_type), "mean_shift": mean_shift, "additive": additive,
         "replay": replay, "strongest": strongest_rule}

task = Task(__doc__)
random = np.random.default_rng(task.seed)
training = dense(task.training).astype(float)
conditions, types = (np.asarray(task.training.obs[name]) for name in ("condition", "cell_type"))
names = np.array([bare(condition) for condition in conditions])
task.lap("load")
task.lap("train")
for condition, cell_type in task.groups:
    values = RULES[os.environ["RIVALS_RULE"]](condition, cell_type)
    if values is None:
        task.cannot("the rule does not apply", condition)
    else:
        task.add(values, condition, cell_type)
task.lap("predict")
task.save()
