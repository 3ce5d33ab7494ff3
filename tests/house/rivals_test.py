"""Checks that docs/rivals.md and README's table are what the kept rows make, and that a method that fails keeps a row."""

import dataclasses
import json
import os
import pathlib
import sys
import tempfile
import types
import unittest
from unittest import mock

import tree

sys.path.insert(0, str(tree.ROOT / "scripts" / "rivals"))
import record  # noqa: E402
import report  # noqa: E402
import run  # noqa: E402
import tasks  # noqa: E402
import watched  # noqa: E402


def row(task="PW030", seed="1", method="ours", reason="", **scores):
    group = {"condition": "drug", "cell_type": task, "table": "glioblastoma", "ceiling": {}, **scores}
    return {"task": task, "seed": seed, "method": method, "software": "unlasting-train 9", "reason": reason, "train": 1.0,
            "predict": 1.0, "cells": 10, "memory_mb": 1} | ({"groups": [group]} if scores else {})


class Page(unittest.TestCase):

    def test_the_page_is_made_of_the_kept_rows(self):
        self.assertTrue(record.kept())
        self.assertEqual((tree.ROOT / "docs/rivals.md").read_text(), report.markdown(record.kept()))

    def test_the_readme_has_the_table_of_the_kept_rows(self):
        before = (tree.ROOT / "README.md").read_text().split("<!-- rivals: end -->\n")[0]
        self.assertEqual(before.split("<!-- rivals: begin -->\n")[1], report.short(record.kept()))

    def test_no_row_names_a_folder_of_a_machine(self):
        self.assertNotRegex(record.PATH.read_text(), r"[\" ]/\w+/\w+")

    def test_a_method_that_has_part_of_the_groups_says_so_with_ours_on_the_same(self):
        page = report.markdown([row(E=1.0), row("PW032", E=3.0), row(method="cpa", E=2.0)])
        self.assertIn("| CPA 0.8.8 (1 of 2, ours there 1.000) | 2.000 |", page)
        self.assertIn("| **ours** | 2.000 |", page)

    def test_the_page_names_the_program_of_our_own_rows(self):
        page = report.markdown([row(E=1.0), row(method="cpa", E=2.0) | {"software": "unlasting-train 8"}])
        self.assertIn("ours: unlasting-train 9.\n", page)

    def test_a_method_without_scores_keeps_its_row_with_the_reason(self):
        page = report.markdown([row(E=1.0), row(method="gears", reason="MemoryError: 9 GB")])
        self.assertIn("| GEARS 0.1.2 | MemoryError: 9 GB |", page)
        self.assertIn("| GEARS 0.1.2 | PW030 (seed 1) | MemoryError: 9 GB |", page)
        self.assertIn("| State 0.11.1 | not run |", page)

    def test_a_reason_that_holds_everywhere_is_not_listed_by_task(self):
        page = report.markdown([row(E=1.0), row(method="pie", reason="no net"), row("PW032", method="pie", reason="no net")])
        self.assertIn("| PIE 1.0.0 | everywhere | no net |", page)


class Record(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = mock.patch.object(record, "PATH", pathlib.Path(folder.name) / "rows.jsonl")
        path.start()
        self.addCleanup(path.stop)

    def test_a_new_row_replaces_that_of_the_same_task_seed_and_method_alone(self):
        record.keep([row(E=1.0), row(seed="2", E=2.0)])
        record.keep([row(E=3.0), row(method="cpa", E=4.0)])
        self.assertEqual([(each["seed"], each["method"], each["groups"][0]["E"]) for each in record.kept()],
                         [("1", "cpa", 4.0), ("1", "ours", 3.0), ("2", "ours", 2.0)])

    def test_what_is_no_number_is_kept_as_none(self):
        self.assertEqual(record.rounded({"a": [float("nan"), 0.123456], "b": 3}), {"a": [None, 0.1235], "b": 3})

    def test_a_pair_is_seen_where_training_had_both_genes_alone(self):
        self.assertEqual(record.table_of("Norman", "A+B", {"A", "B"}), "norman-seen")
        self.assertEqual(record.table_of("Norman", "A+B", {"A"}), "norman-unseen")


class Failing(unittest.TestCase):
    """What becomes of a method that fails, with real programs."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name) / "runs" / "PW030" / "seed1"
        self.folder.mkdir(parents=True)
        self.comparison = run.Comparison(types.SimpleNamespace(
            out=pathlib.Path(folder.name), bin=pathlib.Path(folder.name), only="", force=False, seconds=1, memory=200))

    def reason(self, program, method="gears"):
        with mock.patch("sys.stderr"):
            self.comparison.method(self.folder, "1", method, ["sh", "-c", program], {})
        return json.loads((self.folder / f"{method}.row.json").read_text())["reason"]

    def test_the_row_has_the_last_line_of_its_log(self):
        self.assertEqual(self.reason("echo first; echo 'ValueError: bad'; exit 3"), "ValueError: bad")

    def test_a_program_that_writes_nothing_is_named_so(self):
        self.assertEqual(self.reason("exit 3"), "no output")

    def test_the_processor_time_of_all_processes_counts(self):
        self.assertTrue(self.reason("echo at it; while :; do :; done & while :; do :; done")
                        .startswith("out of time: 1 processor seconds; last words: at it"))

    def test_memory_is_limited(self):
        self.comparison.given.seconds = 60
        self.assertTrue(self.reason("exec /usr/bin/python3 -c 'import time; x = b\"1\" * 2**29; time.sleep(60)'")
                        .startswith("out of memory: 200 MB"))

    def test_a_method_that_can_do_nothing_here_says_why(self):
        self.assertEqual(self.reason("echo 'cannot: A+B: a pair'; echo 'cannot predict any of these conditions'; exit 1"),
                         "cannot: a pair")

    def test_a_method_that_another_run_makes_shares_its_reason(self):
        self.reason("echo gone; exit 1", "cpa")
        self.assertEqual(json.loads((self.folder / "cpa_drawn.row.json").read_text())["reason"], "gone")

    def test_an_older_version_that_cannot_be_built_keeps_its_row(self):
        absent = dataclasses.replace(tasks.RIVALS[0], commit="0" * 40)
        self.comparison.rival(self.folder, "1", absent)
        self.assertEqual(json.loads((self.folder / "before.row.json").read_text())["reason"],
                         f"Unlasting at {absent.commit}: git archive failed")

    def test_without_its_environment_a_method_and_what_its_run_makes_keep_their_rows(self):
        cpa = next(rival for rival in tasks.RIVALS if rival.name == "cpa")
        with mock.patch.object(run.environments, "find_python", side_effect=RuntimeError("no Python")):
            self.comparison.rival(self.folder, "1", cpa)
        for name in ("cpa", "cpa_drawn"):
            self.assertEqual(json.loads((self.folder / f"{name}.row.json").read_text())["reason"], "no Python")

    def test_what_it_wrote_before_it_failed_is_not_scored(self):
        self.assertEqual(self.reason(f"touch {self.folder}/gears.h5ad; echo gone; exit 1"), "gone")
        self.assertNotIn("groups", json.loads((self.folder / "gears.row.json").read_text()))


class Watched(unittest.TestCase):

    def setUp(self):
        self.log = tempfile.NamedTemporaryFile()
        self.addCleanup(self.log.close)

    def run_python(self, program):
        return watched.run(["/usr/bin/python3", "-c", program], self.log.name, 60, 500)

    def assert_ends(self, group):
        """Its processes are not children of ours, so that nobody can wait for them."""
        for _ in range(10**4):
            if all(fields[0] in "ZX" for _, fields in watched.processes_of(group)):
                return
        self.fail("still there")

    def test_a_program_that_ends_well_has_no_reason_and_a_cost(self):
        outcome = self.run_python("print(sum(range(10**8)))")
        self.assertEqual(outcome.reason, "")
        self.assertGreater(outcome.memory_mb, 0)

    def test_processes_that_end_while_they_are_looked_at_do_not_matter(self):
        listed = [*os.listdir("/proc"), str(2**31 - 1)]  # the last is no process any more
        with mock.patch("os.listdir", return_value=listed):
            self.assertGreater(watched.usage(os.getpgrp())[1], 0)
            self.assertGreater(watched.held_by(os.getpgrp()), 0)

    def test_what_a_program_leaves_behind_is_ended(self):
        self.assertEqual(watched.run(["sh", "-c", "sleep 1000 & echo $$"], self.log.name, 60, 500).reason, "")
        self.assert_ends(int(pathlib.Path(self.log.name).read_text()))

    def test_an_error_of_the_watching_ends_what_is_watched(self):
        groups = []

        def broken(group):
            groups.append(group)
            raise OSError("no /proc")

        with mock.patch.object(watched, "usage", broken), self.assertRaises(OSError):
            self.run_python("import time; time.sleep(1000)")
        self.assertEqual(list(watched.processes_of(groups[0])), [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
