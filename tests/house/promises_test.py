"""Checks that every test that docs/security.md and docs/reliability.md name is there, and that no
section of promises in docs/security.md is without one."""

import pathlib
import re
import sys
import unittest

import tree

PAGES = ("docs/security.md", "docs/reliability.md")
# Sections of docs/security.md that promise nothing by themselves.
NO_PROMISES = ("What it defends", "Known faults of what we build on", "What is left to others")
NAME = r"`(test_\w+|[A-Z]\w+\.[A-Z]\w+|\w+_test\.(?:cc|py)|(?:deploy|house|attack)\.\w+)`"


def names_in(text):
    return re.findall(NAME, text)


def tests_of(folder):
    """Names of tests as the pages write them: Suite.Name, test_name, file name, CTest's name."""
    names = set()
    for file in folder.rglob("*"):
        if file.suffix not in (".cc", ".py", ".txt") or not file.is_file():
            continue
        text = file.read_text()
        names.add(file.name)
        names |= {f"{suite}.{name}"
                  for suite, name in re.findall(r"\bTEST(?:_[FP])?\((\w+),\s*(\w+)\)", text)}
        names |= set(re.findall(r"def (test_\w+)\(", text))
        names |= set(re.findall(r"add_test\(NAME (\S+)", text))
    parts = re.search(r"foreach\(part ([^)]*)\)", (folder / "house/CMakeLists.txt").read_text())
    return names | {f"house.{part}" for part in parts[1].split()}


class Promises(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.tests = tests_of(tree.ROOT / "tests")

    def test_every_test_that_is_named_is_there(self):
        for page in PAGES:
            named = set(names_in((tree.ROOT / page).read_text()))
            self.assertGreater(len(named), 5, page)
            self.assertEqual(sorted(named - self.tests), [], page)

    def test_every_section_of_promises_names_a_test(self):
        text = (tree.ROOT / PAGES[0]).read_text()
        sections = re.split(r"^## ", text, flags=re.M)[1:]
        self.assertGreater(len(sections), 5)
        bare = [section.split("\n")[0] for section in sections
                if not names_in(section) and not section.startswith(NO_PROMISES)]
        self.assertEqual(bare, [])

    def test_every_row_of_a_table_of_tests_names_one(self):
        for line in (tree.ROOT / PAGES[0]).read_text().split("| test |")[1:]:
            rows = [row for row in line.split("\n\n")[0].split("\n")[2:] if row.startswith("|")]
            self.assertGreater(len(rows), 2)
            self.assertEqual([row for row in rows if not names_in(row.split("|")[1])], [])

    def test_a_name_that_is_no_test_is_found(self):
        self.assertEqual(names_in("`Suite.Name`, `test_1_a` and `a_test.cc`, not `server.json`"),
                         ["Suite.Name", "test_1_a", "a_test.cc"])
        self.assertNotIn("Suite.Name", self.tests)
        self.assertIn("house.promises", self.tests)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
