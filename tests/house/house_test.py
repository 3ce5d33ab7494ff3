"""Checks that the walls between rooms stand: README's table, CMake's link graph and the #includes.

Usage: house_test.py TARGETS_TSV, the file that unlasting_write_targets() of
cmake/UnlastingRooms.cmake makes.
"""

import collections
import pathlib
import re
import sys
import unittest

import lengths
import tree

PROGRAMS = ("trainer", "server", "client")
OPTIONAL = ("core/model/cuda",)  # configured only with UNLASTING_CUDA


def folder_of(file):
    return file.rpartition("/")[0]


def without_checks(folder):
    """tests/core/cells -> core/cells: a test sees what the room that it tests may see."""
    return re.sub(r"^(tests|bench)/", "", folder)


def below(folder, parent):
    return folder == parent or folder.startswith(parent + "/")


class House(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.targets = tree.targets_of(pathlib.Path(TARGETS).read_text(), tree.ROOT)
        cls.folder_of_target = {target.name: target.folder for target in cls.targets}
        cls.links = collections.defaultdict(set)  # folder -> folders that its targets link
        cls.outside = collections.defaultdict(set)  # folder -> targets from outside
        for target in cls.targets:
            for link in target.links:
                # The root's own targets stand for outside libraries.
                if cls.folder_of_target.get(link):
                    cls.links[target.folder].add(cls.folder_of_target[link])
                else:
                    cls.outside[target.folder].add(link)
        cls.files = set(tree.sources(*tree.PROGRAM_FOLDERS, *tree.CHECK_FOLDERS))
        cls.rooms = tree.rooms_of(tree.text_of("README.md"))
        cls.order = {room.folder: number for number, room in enumerate(cls.rooms)}
        cls.room_folders = {
            target.folder for target in cls.targets
            if target.folder.split("/")[0] in tree.PROGRAM_FOLDERS and "LIBRARY" in target.type}

    def none(self, problems, rule):
        self.assertEqual(sorted(set(problems)), [], rule)

    # --- README's table ---------------------------------------------------------------------------

    def test_readme_lists_every_room_once(self):
        self.assertGreater(len(self.rooms), 20, "README.md has no table below 'The rooms'")
        names = [room.folder for room in self.rooms]
        self.assertEqual(sorted(names), sorted(set(names)))
        # A program's own folder (the main and what puts the rooms together) is no row of its own.
        self.assertEqual(sorted(name for name in names if not (tree.ROOT / name).is_dir()), [],
                         "README.md lists rooms that are no folder")
        unlisted = self.room_folders - set(names) - set(PROGRAMS)
        self.assertEqual(sorted(unlisted), [], "README.md lacks rooms")
        self.assertEqual(sorted(set(names) - self.room_folders - set(OPTIONAL)), [],
                         "README.md lists folders that are no CMake target")

    def test_rooms_link_what_readme_says_they_may(self):
        problems = []
        for room in self.rooms:
            allowed = self.allowed(room)
            for other in self.links[room.folder] - {room.folder, ""}:
                if other not in allowed:
                    problems.append(f"{room.folder} links {other}, which README does not allow it")
        self.none(problems, "CMake's links against README's column 'may use'")

    def allowed(self, room):
        """The folders that a row may use, by name and by what those may use."""
        allowed = {"core/base"}
        words = [word for use in room.may_use for word in tree.expand(use)]
        program = room.folder.split("/")[0]
        if program in PROGRAMS + ("proto",):  # its rooms may use one another, in no circle
            words.append(program)
        for word in words:
            # "model/torch" stands for core/model/torch, "core" for every room of core.
            for other in self.rooms:
                if other.folder == room.folder:
                    continue
                if any(below(other.folder, name) for name in (word, f"core/{word}")):
                    allowed.add(other.folder)
                    if other.folder.split("/")[0] not in PROGRAMS + ("proto",):
                        allowed |= self.allowed(other)
        return allowed

    def test_rooms_of_core_use_only_rows_above_theirs(self):
        problems = [
            f"{room.folder} links {other}, which stands below it in README"
            for room in self.rooms for other in self.links[room.folder]
            if room.folder.startswith("core/") and other != room.folder
            and self.order.get(other, len(self.order)) > self.order[room.folder]]
        self.none(problems, "a row uses the rows above it")

    # --- CMake and folders ------------------------------------------------------------------------

    def test_every_folder_with_sources_is_a_target_named_after_it(self):
        problems = []
        for folder in {folder_of(file) for file in tree.sources(*tree.PROGRAM_FOLDERS)}:
            cmake = tree.ROOT / folder / "CMakeLists.txt"
            name = folder.replace("/", "_")
            text = cmake.read_text() if cmake.exists() else ""
            if not re.search(rf"(unlasting_room\({name}|add_\w+\((unlasting_{name}|unlasting))\b",
                             text):
                problems.append(f"{folder} has sources and no target unlasting_{name}")
        self.none(problems, "folders are targets")

    def test_targets_compile_files_of_their_own_folder(self):
        # Tests may compile a room's code in another way, but no tests of another folder.
        problems = [
            f"{target.name} of {target.folder} compiles {source}"
            for target in self.targets for source in target.sources
            if source in self.files and folder_of(source) != target.folder
            and (not source.startswith(tree.PROGRAM_FOLDERS)
                 or target.folder.startswith(tree.PROGRAM_FOLDERS))
            and not source.startswith("tests/support/")]
        self.none(problems, "folders are targets")

    def test_tests_mirror_the_rooms(self):
        problems = [
            f"{target.folder} tests no room: there is no {without_checks(target.folder)}"
            for target in self.targets
            if target.folder.startswith("tests/") and target.name.endswith("_test")
            and not (tree.ROOT / without_checks(target.folder)).is_dir()]
        tested = {without_checks(target.folder) for target in self.targets
                  if target.name.endswith("_test")}
        self.assertGreater(len(tested), 15)
        self.none(problems, "tests/ mirrors the rooms")

    def test_programs_know_nothing_of_one_another(self):
        problems = [
            f"{include.file}:{include.line} includes {include.header}"
            for file in tree.sources(*PROGRAMS) for include in tree.includes_of(file)
            if include.header.split("/")[0] in set(PROGRAMS) - {file.split("/")[0]}]
        problems += [
            f"{folder} links {other}" for folder, others in self.links.items() for other in others
            if folder.split("/")[0] in PROGRAMS
            and other.split("/")[0] in set(PROGRAMS) - {folder.split("/")[0]}]
        self.none(problems, "server, client and trainer never include one another")

    # --- #includes --------------------------------------------------------------------------------

    def test_rooms_include_only_rooms_in_their_uses(self):
        problems = []
        checked = 0
        for file in tree.sources(*tree.PROGRAM_FOLDERS):
            folder = folder_of(file)
            if folder not in {target.folder for target in self.targets}:
                continue  # reported as a folder without a target, or not configured here
            for include in tree.includes_of(file):
                other = tree.folder_of_header(include.header)
                if other is None or other == folder or other in set(OPTIONAL) - self.room_folders:
                    continue
                checked += 1
                if other not in self.links[folder]:
                    problems.append(f"{folder} includes {other} without USES (e.g. {file})")
        self.assertGreater(checked, 300)
        first = {}
        for problem in sorted(problems):
            first.setdefault(problem.split(" (")[0], problem)
        self.none(first.values(), "a room lists in USES what it includes")

    def test_no_circle_between_rooms(self):
        self.assertEqual(tree.circles(
            {folder: others - {folder} for folder, others in self.links.items()}), [])
        edges = collections.defaultdict(set)
        for file in tree.sources(*tree.PROGRAM_FOLDERS):
            for include in tree.includes_of(file):
                other = tree.folder_of_header(include.header)
                if other and other != folder_of(file):
                    edges[folder_of(file)].add(other)
        self.assertEqual(tree.circles(edges), [], "folders include one another in a circle")

    def test_no_circle_inside_a_room(self):
        # A header and its source file count as one: x.cc that includes y.h while y.cc includes x.h
        # is an arrow back. An x-inl.h is a piece of the source file that includes it.
        problems = []
        files = tree.sources(*tree.PROGRAM_FOLDERS)
        owner = {include.header: file.rpartition(".")[0]
                 for file in files if not file.endswith(".h")
                 for include in tree.includes_of(file) if include.header.endswith("-inl.h")}
        edges = collections.defaultdict(lambda: collections.defaultdict(set))
        for file in files:
            folder, unit = folder_of(file), owner.get(file, file.rpartition(".")[0])
            for include in tree.includes_of(file):
                other = owner.get(include.header, include.header.rpartition(".")[0])
                if folder_of(include.header) == folder and other != unit:
                    edges[folder][unit].add(other)
        self.assertGreater(len(edges), 15)
        for folder, inner in edges.items():
            problems += [
                f"{folder}: " + ", ".join(unit.rpartition("/")[2] for unit in circle)
                for circle in tree.circles(inner)]
        self.none(problems, "no arrow back inside a room")

    def test_outside_libraries_stay_in_their_rooms(self):
        by_folder = {room.folder: room for room in self.rooms}
        # `server`, `client`: gRPC is for the whole program.
        allowed = {library: {room.folder for room in self.rooms if library in room.may_use}
                   for library in tree.LIBRARIES}
        allowed["gRPC"] |= {"server", "client"} | {
            folder for folder in by_folder if folder.split("/")[0] in ("server", "client")}
        problems = []
        for library, (targets, headers) in tree.LIBRARIES.items():
            self.assertTrue(allowed[library], f"README lets no room use {library}")
            seen = 0
            for file in tree.sources(*tree.PROGRAM_FOLDERS, *tree.CHECK_FOLDERS):
                folder = without_checks(folder_of(file))
                for include in tree.includes_of(file):
                    if not re.fullmatch(headers, include.header):
                        continue
                    seen += 1
                    if not (tree.ROOT / folder).is_dir():
                        continue  # what tests share mirrors no room
                    if not any(below(folder, room) or below(room, folder) and folder != "core"
                               and file.startswith(tree.CHECK_FOLDERS) for room in allowed[library]):
                        problems.append(f"{file}:{include.line} includes {include.header}")
            self.assertGreater(seen, 0, f"no header of {library} was found")
            problems += [
                f"{folder} links {link}" for folder, links in self.outside.items()
                for link in links
                if folder.split("/")[0] in tree.PROGRAM_FOLDERS and re.fullmatch(targets, link)
                and folder not in allowed[library] | {"proto"}]
        self.none(problems, "HDF5, RDKit, LibTorch, gRPC and prometheus-cpp stay in their rooms")

    # --- CONTRIBUTING's answers -------------------------------------------------------------------

    def test_the_places_that_contributing_names_are_there(self):
        text = tree.text_of("CONTRIBUTING.md")
        table = text[text.index("## Where is"):text.index("Every answer is checked")]
        named = re.findall(r"(?:core|trainer|server|client)/[\w/]+\.\w+", table)
        self.assertGreaterEqual(len(named), 20)
        self.none([path for path in named if not (tree.ROOT / path).is_file()],
                  "every answer to 'Where is ...?' is a file")

    # --- sizes ------------------------------------------------------------------------------------

    def test_files_and_functions_are_short_or_say_why_not(self):
        problems = []
        files = tree.sources(*tree.PROGRAM_FOLDERS, *tree.CHECK_FOLDERS)
        counted = 0
        for file in files:
            counted += len(lengths.functions(tree.text_of(file)))
            problems += [f"{file}:{problem}" for problem in lengths.too_long(tree.text_of(file))]
        self.assertGreater(counted, 2000)
        self.none(problems, "shorten it, or say '// Long because ...' above it")


if __name__ == "__main__":
    TARGETS = sys.argv.pop(1)
    unittest.main()
