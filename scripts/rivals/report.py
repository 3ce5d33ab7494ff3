"""The tables of docs/rivals.md, from the rows of record.py."""
import collections

import record
import tasks
import vcc

TABLES = {
    "thp1-strong": "Knockouts that training saw, other cells (THP-1): six strong",
    "thp1-weak": "The same: six weak knockouts",
    "norman-seen": "Pairs of genes, each seen alone (Norman)",
    "norman-unseen": "Pairs with a gene that training never saw (Norman)",
    "glioblastoma": "A drug on a patient that training never saw treated (glioblastoma, five patients, each left out)",
    "kang": "A cytokine on a cell type that training never saw treated (Kang, five types, each left out)",
}
# Lower is nearer but for those; kNN is best at .5.
COLUMNS = ["E20", "EMD", "rmse", "r", "corr_r", "kNN"]
TITLES = {"ours": "**ours**"} | {rival.name: rival.title for rival in tasks.RIVALS}
RULES = {rival.name for rival in tasks.RIVALS if rival.rule}


def number(value, places=3):
    if value is None or value != value:
        return "-"
    text = f"{value:.{places}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def mean(values):
    values = [value for value in values if value is not None and value == value]
    return sum(values) / len(values) if values else None


def keys_of(by_seed):
    return {(seed, group["condition"], group["cell_type"]): group["E"] for seed in by_seed for group in by_seed[seed]}


class Results:
    """Rows by what the tables ask: scores[table][method][seed] are groups, rows[method] the rows as they are."""

    def __init__(self, rows):
        self.scores = collections.defaultdict(lambda: collections.defaultdict(lambda: collections.defaultdict(list)))
        self.rows = collections.defaultdict(list)
        self.software = {row["software"] for row in rows if row["method"] == "ours"}
        self.machines = {row["machine"] for row in rows if "machine" in row}
        self.vcc = collections.defaultdict(lambda: collections.defaultdict(dict))  # task, method, seed: vcc.score
        self.asked = collections.defaultdict(lambda: collections.defaultdict(set))  # table, seed: groups
        for row in rows:
            self.rows[row["method"]].append(row)
            if row.get("vcc"):
                self.vcc[row["task"]][row["method"]][row["seed"]] = row["vcc"]
            for group in row.get("groups", []):
                self.scores[group["table"]][row["method"]][row["seed"]].append(group)
                self.asked[group["table"]][row["seed"]].add((group["condition"], group["cell_type"]))

    def part(self, table, method):
        """"" where `method` has all groups that ours has, else how many, and our E on these."""
        ours, has = (keys_of(self.scores[table].get(name, {})) for name in ("ours", method))
        shared = [ours[key] for key in has if key in ours]
        if len(shared) == len(ours) or not shared:
            return ""
        return f" ({len(shared)} of {len(ours)}, ours there {number(mean(shared))})"


def score_table(results, table):
    seeds = sorted(results.asked[table])
    lines = [f"## {TABLES[table]}", ""]
    if not seeds:
        return lines + ["Not run.", ""]
    counts = {seed: len(results.asked[table][seed]) for seed in seeds}
    groups = ", ".join(f"seed {seed}: {counts[seed]}" for seed in seeds)
    lines += [f"Groups: {groups}. Means over groups; of E each seed apart, else their mean.", "",
              "| method | E | " + " | ".join(COLUMNS) + " |", "|---|---|" + "---|" * len(COLUMNS)]
    rows = []
    for method, by_seed in results.scores[table].items():
        averages = [{c: mean([g.get(c) for g in by_seed[seed]]) for c in ["E", *COLUMNS]}
                    for seed in sorted(by_seed)]
        values = {c: mean([average[c] for average in averages]) for c in averages[0]}
        apart = ", ".join(number(average["E"]) for average in averages)
        rows.append((values["E"], f"| {TITLES[method]}{results.part(table, method)} | {apart} | " +
                     " | ".join(number(values[c]) for c in COLUMNS) + " |"))
    lines += [line for _, line in sorted(rows, key=lambda row: row[0] if row[0] is not None else 1e9)]
    best = [g["ceiling"] for seed in seeds for g in results.scores[table]["ours"][seed]]
    if best:
        values = {c: mean([ceiling.get(c) for ceiling in best]) for c in ["E", *COLUMNS]}
        lines.append("| ceiling: half of the true cells against the other | " +
                     " | ".join(number(value) for value in values.values()) + " |")
    missing = [rival for rival in tasks.RIVALS if rival.name not in results.scores[table]]
    for rival in missing:
        lines.append(f"| {rival.title} | {reason_of(results, table, rival)} |" + " |" * len(COLUMNS))
    return lines + [""]


def tasks_of(table):
    return {"thp1": ["thp1"], "norman": ["norman"], "glioblastoma": tasks.PATIENTS}.get(table.split("-")[0])


def reason_of(results, table, rival):
    """Why a method has no scores in a table."""
    if rival.absent:
        return "not tried, see the end"
    names = tasks_of(table)
    rows = [row for row in results.rows[rival.name]
            if (row["task"] in names if names else row["task"].startswith("kang"))]
    reasons = [row["reason"] for row in rows if row["reason"]]
    if reasons:
        return reasons[0]
    return "cannot: no group of this kind" if rows else "not run"


def vcc_table(results, task):
    """The members of vcc2026, means over seeds, the nearest `pds` first."""
    of_task = results.vcc[task]
    if not of_task:
        return []
    columns = list(vcc.MEMBERS.values())
    lines = ["## THP-1's twelve knockouts by the members of vcc2026", "",
             "As docs/scores.md has them: higher is better but for mse and lfc. b is what the mean response gets, r one half",
             "of the true cells against the other. The file is a panel of 303 genes, some 400 counts a cell, on which the",
             "rule's own scale breaks: read each member beside b and r. Methods that predict all twelve.", "",
             "| method | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    rows = {TITLES[method]: list(by_seed.values()) for method, by_seed in of_task.items()}
    averages = {title: {c: mean([each["members"][c] for each in rows[title]]) for c in columns} for title in rows}
    for key, title in (("b", "b: the mean response"), ("r", "r: half of the true cells")):
        any_method = [each[key] for each in of_task.get("ours", next(iter(of_task.values()))).values()]
        averages[title] = {c: mean([each[c] for each in any_method]) for c in columns}
    for title, values in sorted(averages.items(), key=lambda item: -(item[1]["pds"] or 0)):
        lines.append(f"| {title} | " + " | ".join(number(values[c]) for c in columns) + " |")
    return lines + [""]


def cost_table(results):
    lines = ["## What each costs", "", "Processor seconds of one thread; memory is the most that all processes of a "
             "method held together. Means over the tasks that it has done.", "",
             "| method | training | 1,000 predicted cells | memory, MB | what it asks of its user |", "|---|---|---|---|---|"]
    asks = {rival.name: rival.asks for rival in tasks.RIVALS} | {"ours": "two commands; a C++ build"}
    for method in ["ours", *[rival.name for rival in tasks.RIVALS if not rival.rule and not rival.absent]]:
        done = [row for row in results.rows[method] if row.get("groups")]
        if not done:
            lines.append(f"| {TITLES[method]} | not done | | | {asks[method]} |")
            continue
        memory = max(row["memory_mb"] for row in done)
        each = mean([1000 * row["predict"] / row["cells"] for row in done])
        lines.append(f"| {TITLES[method]} | {mean([row['train'] for row in done]):.0f} | {each:.1f} | {memory} | "
                     f"{asks[method]} |")
    return lines + [""]


def failure_table(results):
    lines = ["## What did not run", "", "The last line of the log, or the limit that was met.", "",
             "| method | where | reason |", "|---|---|---|"]
    for rival in tasks.RIVALS:
        if rival.absent:
            lines.append(f"| {rival.title} | nowhere | not tried: {rival.absent} |")
        reasons = collections.defaultdict(list)
        for row in results.rows[rival.name]:
            if row["reason"] and not row["reason"].startswith("cannot: "):
                reasons[row["reason"]].append(f"{row['task']} (seed {row['seed']})")
        for reason, where in reasons.items():
            everywhere = len(where) == len(results.rows[rival.name]) > 1
            lines.append(f"| {rival.title} | {'everywhere' if everywhere else ', '.join(where)} | {reason} |")
    return lines + [""]


def short(rows):
    """README's table: E of each method, means over groups and seeds. Stands in README between two marks."""
    results = Results(rows)
    columns = {"thp1-strong": "seen knockouts", "norman-seen": "pairs of seen genes", "norman-unseen":
               "pairs with an unseen gene", "glioblastoma": "unseen patient", "kang": "unseen cell type"}
    lines = ["| E-distance | " + " | ".join(columns.values()) + " | training, s |", "|---|" + "---|" * (len(columns) + 1)]
    for method in ["ours", *[rival.name for rival in tasks.RIVALS if not rival.absent]]:
        cells = []
        for table in columns:
            groups = keys_of(results.scores[table].get(method, {})).values()
            cells.append(number(mean(groups)) + results.part(table, method))
        done = [row["train"] for row in results.rows[method] if row.get("groups")]
        if any(cell != "-" for cell in cells):
            seconds = f"{mean(done):.0f}" if done and method not in RULES else ""
            lines.append(f"| {TITLES[method]} | " + " | ".join(cells) + f" | {seconds} |")
    return "\n".join(lines) + "\n"


def markdown(rows):
    results = Results(rows)
    lines = (tasks.REPOSITORY / "scripts" / "rivals" / "head.md").read_text().splitlines()
    lines += ["", f"Machine: {', '.join(sorted(results.machines))}; ours: {', '.join(sorted(results.software))}.", ""]
    for table in TABLES:
        lines += score_table(results, table)
        if table == "thp1-weak":
            lines += vcc_table(results, "thp1")
    return "\n".join(lines + cost_table(results) + failure_table(results)).rstrip() + "\n"


def write_docs(rows):
    (tasks.REPOSITORY / "docs" / "rivals.md").write_text(markdown(rows))
    readme = tasks.REPOSITORY / "README.md"
    before, rest = readme.read_text().split("<!-- rivals: begin -->\n", 1)
    after = rest.split("<!-- rivals: end -->\n", 1)[1]
    readme.write_text(f"{before}<!-- rivals: begin -->\n{short(rows)}<!-- rivals: end -->\n{after}")
