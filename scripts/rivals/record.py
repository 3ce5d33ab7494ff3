"""The rows that docs/rivals.md is made of, kept beside it in docs/rivals.jsonl: a line for each task, seed and method.

The comparison takes hours. Kept so, every number of the page can be traced to its groups, and a run here or elsewhere adds
to what is known, or replaces it, row by row.
"""
import json
import os
import platform

import tasks

PATH = tasks.REPOSITORY / "docs" / "rivals.jsonl"
STRONG = {"IFNGR1", "IFNGR2", "IRF1", "JAK2", "SMAD4", "STAT1"}
DIGITS = 4  # significant ones of a kept number


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
                 platform.machine())
    return f"{model}, {os.cpu_count()} cores"


def table_of(family, condition, singles):
    """The table that a group is averaged in; a pair's by whether training saw each of its genes alone."""
    if family == "THP-1":
        return "thp1-strong" if condition in STRONG else "thp1-weak"
    if family == "Norman":
        return "norman-seen" if all(gene in singles for gene in condition.split("+")) else "norman-unseen"
    return family.lower()


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if value == value else None
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    return [rounded(each) for each in value] if isinstance(value, list) else value


def row_of(path, runs):
    """The row that run.py has left in `path`, with what its task says of itself."""
    row, task = json.loads(path.read_text()), json.loads((path.parent / "task.json").read_text())
    # No folders of this machine or of the task, and no bar that would end a cell.
    for folder, name in ((path.parent, "TASK"), (runs.parent, "OUT"), (tasks.REPOSITORY, ".")):
        row["reason"] = row["reason"].replace(str(folder), name)
    row["reason"] = row["reason"].replace("|", "\\|")[:160]
    if row["method"] == "ours":
        row["train"], row["memory_mb"] = task["train"], max(row["memory_mb"], task["memory_mb"])
    for group in row.get("groups", []):
        group["table"] = table_of(task["family"], group["condition"], set(task["singles"]))
        if row["method"] != "ours":  # the same for all
            group.pop("ceiling", None)
    names = {"task": path.parent.parent.name, "seed": path.parent.name.removeprefix("seed"),
             "software": task["software"]}
    return rounded(names | row)


def rows_of(runs):
    return [row_of(path, runs) for path in sorted(runs.glob("*/seed*/*.row.json"))]


def key(row):
    return row["task"], row["seed"], row["method"]


def kept():
    return [json.loads(line) for line in PATH.read_text().splitlines()] if PATH.exists() else []


def keep(rows):
    """Adds `rows` to the kept ones, in place of those of the same task, seed and method. All that are kept now."""
    both = {key(row): row for row in [*kept(), *rows]}
    together = [both[each] for each in sorted(both)]
    PATH.write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in together))
    return together
