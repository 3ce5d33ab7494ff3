#!/usr/bin/env python3
"""Whether predicted errors cover, and whether the model knows where it is wrong.

Trains bundles (one step of each network, which leaves the expected response alone), predicts what
they never saw and compares the predicted E-distances with the true ones: per kind of query the share
of intervals that hold the true one, with its 95 % binomial interval, and the mean error of all
answers beside that of the seven in ten of which the model is surest.

    scripts/error_coverage.py --train build/release/bin/unlasting-train --work /tmp/coverage \\
        --simulate "--cells 30000 --genes 80 --perturbations 75 --contexts 12 --seed 1" ...
    scripts/error_coverage.py --train ... --work ... --file thp1.h5ad "--set split=cells" ...

A simulated file is split by itself: a third of the contexts and of the perturbations are new, and of
the rest a third of the cells is held out, so that all four kinds are asked.
"""
import argparse
import collections
import json
import math
import os
import shlex
import subprocess

import anndata
import numpy as np

FIT = ["--set", "steps=1", "--set", "mask_steps=1", "--set", "dim=32", "--set", "hidden=64",
       "--set", "seed=1", "--progress", "none"]


def tail(n, k, p):
    """Probability of k or more of n."""
    return sum(math.comb(n, i) * p**i * (1 - p)**(n - i) for i in range(k, n + 1))


def binomial_interval(n, k):
    """Clopper and Pearson, 95 %."""
    def solve(above):
        low, high = 0.0, 1.0
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (low, middle) if above(middle) else (middle, high)
        return (low + high) / 2
    return (0.0 if k == 0 else solve(lambda p: tail(n, k, p) > 0.025),
            1.0 if k == n else solve(lambda p: 1 - tail(n, k + 1, p) < 0.025))


def split_by_kind(path, seed):
    """Adds obs/part: train, or what is held out."""
    data = anndata.read_h5ad(path)
    random = np.random.default_rng(seed)
    condition, context = (np.asarray(data.obs[name].astype(str)) for name in ("condition", "cell_type"))
    perturbed = sorted(set(condition) - {"ctrl"})
    contexts = sorted(set(context))
    new_conditions = set(random.choice(perturbed, len(perturbed) // 3, replace=False))
    new_contexts = set(random.choice(contexts, len(contexts) // 3, replace=False))
    held_out = random.random(data.n_obs) < 1 / 3
    held_out |= np.isin(condition, list(new_conditions)) | np.isin(context, list(new_contexts))
    held_out &= condition != "ctrl"
    data.obs["part"] = np.where(held_out, "test", "train")
    # What a simulation says of its truth is not needed and large.
    data.layers.clear()
    data.write_h5ad(path, compression="gzip")


def run(command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def groups_of(train, data, settings, bundle, flags):
    threads = flags.threads
    if not os.path.exists(os.path.join(bundle, "manifest.json")):
        run([train, "fit", "--data", data, "--out", bundle, "--set", f"threads={threads}", *FIT,
             *settings])
    scores = json.loads(run([train, "evaluate", "--bundle", bundle, "--data", data, "--max-cells",
                             str(flags.max_cells), "--resamples", "0", "--threads", str(threads), "--progress", "none",
                             "--json"]))
    return [g for g in scores["groups"] if g["scores"]["e_distance.unbiased.all"] is not None]


def row(name, groups):
    asked = [(g["scores"]["e_distance.unbiased.all"], g["predicted_error"]) for g in groups
             if "predicted_error" in g]
    sure = [(error, p) for error, p in asked if p["calibrated"]]
    covered = sum(p["interval"][0] <= error <= p["interval"][1] for error, p in sure)
    cells = [name, str(len(groups))]
    if sure:
        low, high = binomial_interval(len(sure), covered)
        cells += [f"{covered} of {len(sure)}, {covered / len(sure):.2f} ({low:.2f} to {high:.2f})"]
        middle, low, high = (np.median([value(p) for _, p in sure]) for value in
                             (lambda p: p["expected"], lambda p: p["interval"][0],
                              lambda p: p["interval"][1]))
        cells += [f"{middle:.3g} ({low:.3g} to {high:.3g})"]
    else:
        cells += ["not calibrated", ""]
    if asked:
        asked.sort(key=lambda pair: pair[1]["expected"])
        errors = np.array([error for error, _ in asked])
        kept = errors[:math.ceil(0.7 * len(errors))].mean()
        best = np.sort(errors)[:math.ceil(0.7 * len(errors))].mean()
        cells += [f"{errors.mean():.4f}", f"{kept:.4f} ({100 * (kept / errors.mean() - 1):+.0f} %)",
                  f"{best:.4f}"]
    return "| " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True, help="the program unlasting-train")
    parser.add_argument("--work", required=True, help="folder for files and bundles")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--max-cells", type=int, default=300, help="of a side of each group")
    parser.add_argument("--simulate", nargs="*", default=[], metavar="FLAGS",
                        help="flags of `unlasting-train simulate` of a file, with --contexts")
    parser.add_argument("--file", nargs=2, action="append", default=[], metavar=("FILE", "SETTINGS"),
                        help="a file, and flags of `fit`")
    flags = parser.parse_args()
    os.makedirs(flags.work, exist_ok=True)
    groups = collections.defaultdict(list)
    for number, options in enumerate(flags.simulate):
        data = os.path.join(flags.work, f"simulated{number}.h5ad")
        if not os.path.exists(data):
            run([flags.train, "simulate", "--out", data, "--progress", "none", *shlex.split(options)])
            split_by_kind(data, number)
        groups["simulated"] += groups_of(
            flags.train, data, ["--set", "genes=0", "--set", "split_column=part"],
            os.path.join(flags.work, f"simulated{number}"), flags)
    for number, (data, settings) in enumerate(flags.file):
        name = f"{os.path.basename(data).split('.')[0]} {settings}"
        groups[name] = groups_of(flags.train, data, shlex.split(settings),
                                 os.path.join(flags.work, f"file{number}"), flags)
    header = ["queries", "groups", "intervals that cover", "median prediction", "mean error",
              "without the 30 % least sure", "at best"]
    print("| " + " | ".join(header) + " |\n|" + "---|" * len(header))
    kinds = collections.defaultdict(list)
    for group in groups.pop("simulated", []):
        kinds[group.get("predicted_error", {}).get("kind", "no kind")].append(group)
    for kind in sorted(kinds):
        print(row(f"simulated: {kind}", kinds[kind]))
    if kinds:
        print(row("simulated: all", sum(kinds.values(), [])))
    for name, those in groups.items():
        print(row(name, those))
    if groups:
        print(row("real: all", sum(groups.values(), [])))


if __name__ == "__main__":
    main()
