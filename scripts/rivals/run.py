#!/usr/bin/python3
"""Trains and runs us and our rivals on the same cells, scores all by `unlasting-train metrics`, and prints the tables.

    scripts/rivals/run.py                                 everything that is not done yet, then its tables on stdout
    scripts/rivals/run.py --only gears,cpa --task norman --seed 1
    scripts/rivals/run.py --kang kang.h5ad                with Kang's five cell types (GPL-3: a file of yours)
    scripts/rivals/run.py --docs                          adds what is done to docs/rivals.jsonl, and writes
                                                          docs/rivals.md and README's table of all rows there

Needs the built programs (build/release/bin), Debian's python3-anndata, python3-venv, Python 3.10 and 3.12 (pyenv has
them), 20 GB below --out and PyPI. Each rival gets an environment of its own, made by this command from pinned
requirements; nothing else needs them. A rival that fails, or runs out of time or memory, keeps a row with the last line
of its log.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

import anndata

import cells
import environments
import ours
import record
import report
import scores
import tasks
import vcc
import watched

HERE = pathlib.Path(__file__).resolve().parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="names of methods, separated by commas (ours, cpa, ...); all")
    parser.add_argument("--task", default="", help="names of tasks, separated by commas (thp1, norman, PW034, ...); all")
    parser.add_argument("--seed", default="1,2", help="seeds of split and training, separated by commas")
    parser.add_argument("--kang", help="file of Kang and others' interferon-beta cells, 1,267 genes")
    parser.add_argument("--out", type=pathlib.Path, default=tasks.REPOSITORY / "build" / "rivals")
    parser.add_argument("--bin", type=pathlib.Path, default=tasks.REPOSITORY / "build" / "release" / "bin")
    parser.add_argument("--max-cells", type=int, default=500, help="of a group, predicted and true")
    parser.add_argument("--seconds", type=int, default=900, help="processor seconds of one method on one task")
    parser.add_argument("--memory", type=int, default=8000, help="MB of one method")
    parser.add_argument("--force", action="store_true", help="run again what is done")
    parser.add_argument("--rescore", action="store_true", help="score again what has been predicted, and stop")
    parser.add_argument("--environments", action="store_true", help="make the environments and stop")
    parser.add_argument("--table", action="store_true", help="print the tables and stop")
    parser.add_argument("--docs", action="store_true", help="keep what is done in docs/rivals.jsonl, write docs/rivals.md and README's table, and stop")
    return parser.parse_args()


def rows_of(name):
    """The methods whose rows a run of `name` makes: itself, and those whose cells it writes as well."""
    return [name, *[rival.name for rival in tasks.RIVALS if rival.run_of == name]]


class Comparison:
    def __init__(self, given):
        self.given = given
        self.out, self.binaries = given.out.absolute(), given.bin.absolute()
        self.only = set(filter(None, given.only.split(",")))
        self.out.mkdir(parents=True, exist_ok=True)

    def wants(self, name):
        return not self.only or name in self.only

    def environment(self, rival):
        """Makes what `rival` runs in where it is not there yet: its Python, and what it is told of its surroundings."""
        with open(self.out / f"environment-{rival.environment or rival.name}.log", "w") as log:
            if rival.commit:
                return "/usr/bin/python3", {"UNLASTING_BIN": str(environments.programs(rival.commit, self.out, log))}
            python = environments.make(rival.environment, rival.python, self.out, log)
            if rival.name == "gears":
                return python, {"RIVALS_GO": str(environments.gene_ontology(self.out, log))}
            return python, {}

    def prepare(self, task, seed):
        """The task's folder with its cells. They are what our own training holds out, so that it comes first."""
        folder = self.out / "runs" / task.name / f"seed{seed}"
        if (folder / "task.json").exists() and not (self.given.force and self.wants("ours")):
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        command = ours.fit_command(self.binaries, task.data, folder / "bundle", [f"seed={seed}", *task.settings])
        fit = watched.run(command, folder / "fit.log", self.given.seconds, self.given.memory)
        if fit.reason:
            raise RuntimeError(f"our own training: {fit.reason}")
        export = watched.run(ours.export_command(self.binaries, task, folder / "bundle", folder, self.given.max_cells),
                             folder / "export.log", self.given.seconds, self.given.memory)
        if export.reason:
            raise RuntimeError(f"export: {export.reason}")
        trained = anndata.read_h5ad(folder / "training.h5ad", backed="r").obs["condition"].astype(str)
        singles = sorted({cells.bare(c) for c in trained if "+" not in cells.bare(c)} - {"ctrl"})
        software = subprocess.run([self.binaries / "unlasting-train", "--version"], capture_output=True, text=True)
        (folder / "task.json").write_text(json.dumps(
            {"software": software.stdout.strip(), "data": str(task.data), "genes": task.genes, "counts_layer": task.counts_layer,
             "library_size_column": task.library_size_column, "family": task.family, "train": fit.seconds,
             "memory_mb": fit.memory_mb, "singles": singles}) + "\n")
        return folder

    def method(self, folder, seed, name, command, environment):
        """Runs one method on one task, and writes its row, and those of the methods whose cells this run makes."""
        row_file = folder / f"{name}.row.json"
        if row_file.exists() and not self.given.force:
            return
        print(f"{folder.relative_to(self.out / 'runs')}: {name}", file=sys.stderr, flush=True)
        out = folder / name
        names = rows_of(name)
        for each in names:
            for suffix in (".h5ad", ".cost.json"):
                out.with_name(each + suffix).unlink(missing_ok=True)
        outcome = watched.run([*command, folder, out, "--seed", seed], folder / f"{name}.log", self.given.seconds,
                              self.given.memory, env=os.environ | environment)
        for each in names:
            row = {"method": each, "machine": record.machine(), "reason": outcome.reason, "seconds": outcome.seconds,
                   "memory_mb": outcome.memory_mb}
            if outcome.reason == cells.CANNOT:
                row["reason"] = cells.why_not(out.with_name(name + ".log"))
            if not outcome.reason:
                row |= json.loads(out.with_name(each + ".cost.json").read_text())
                self.score(folder, each, row)
            out.with_name(each + ".row.json").write_text(json.dumps(row) + "\n")

    def score(self, folder, name, row):
        """Adds to a row what its predictions score."""
        predicted = folder / f"{name}.h5ad"
        try:
            row["groups"] = scores.score(self.binaries, folder, predicted)
            row["vcc"] = vcc.score(self.binaries, folder, predicted, json.loads((folder / "task.json").read_text()))
        except Exception as error:  # whatever a method has written, the others go on
            row["reason"] = f"{type(error).__name__}: {error}".splitlines()[0]

    def rescore(self, names):
        for row_file in sorted((self.out / "runs").glob("*/seed*/*.row.json")):
            row = json.loads(row_file.read_text())
            asked = not names or row_file.parent.parent.name in names
            if asked and self.wants(row["method"]) and (row.get("groups") or not row["reason"]):
                row["reason"] = ""
                self.score(row_file.parent, row["method"], row)
                row_file.write_text(json.dumps(row) + "\n")

    def rival(self, folder, seed, rival):
        environment = {"RIVALS_RULE": rival.rule, "TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1",
                       "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
        try:
            python, found = self.environment(rival)
        except RuntimeError as error:
            for each in rows_of(rival.name):
                (folder / f"{each}.row.json").write_text(json.dumps({"method": each, "reason": str(error)}) + "\n")
            return
        self.method(folder, seed, rival.name, [python, HERE / rival.script], environment | found |
                    ({"RIVALS_MAX_CONTROLS": str(rival.max_controls)} if rival.max_controls else {}))

    def task(self, task, seed):
        try:
            folder = self.prepare(task, seed)
        except RuntimeError as error:
            print(f"{task.name}, seed {seed}: {error}", file=sys.stderr, flush=True)
            return
        if self.wants("ours"):
            self.method(folder, seed, "ours", ["/usr/bin/python3", HERE / "ours.py"],
                        {"UNLASTING_BIN": str(self.binaries)})
        for rival in tasks.RIVALS:
            if rival.script and self.wants(rival.name):
                self.rival(folder, seed, rival)


def main():
    given = arguments()
    comparison = Comparison(given)
    names = set(filter(None, given.task.split(",")))
    rivals = [rival for rival in tasks.RIVALS if rival.script and comparison.wants(rival.name)]
    if given.environments:
        for rival in rivals:
            comparison.environment(rival)
        return
    if given.rescore:
        comparison.rescore(names)
        return
    if given.docs:
        report.write_docs(record.keep(record.rows_of(comparison.out / "runs")))
        return
    if not given.table:
        for seed in given.seed.split(","):
            for task in tasks.tasks(given.kang):
                if not names or task.name in names:
                    comparison.task(task, seed)
    print(report.markdown(record.rows_of(comparison.out / "runs")), end="")


if __name__ == "__main__":
    main()
