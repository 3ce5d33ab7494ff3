"""Checks that all programs and their library are hardened, by what readelf finds in them, and that
no file of theirs was compiled without.

Usage: hardening_test.py SOURCES BUILD PROGRAM ...
"""

import json
import os
import platform
import re
import shlex
import subprocess
import sys
import unittest

PROGRAMS = []

# Where a library is entered; a program is entered at main.
ENTRIES = {"libunlasting_torchscript.so": "UnlastingTorchScriptLibraryMakeEngine"}

# The folders of the build that the programs are made in; tests and measurements have others.
ROOMS = ("core/", "trainer/", "server/", "client/", "proto/")
FLAGS = ["-fstack-protector-strong", "-fstack-clash-protection", "-D_FORTIFY_SOURCE=2"]
if platform.machine() == "x86_64":
    FLAGS.append("-fcf-protection=full")


def readelf(option, program):
    return subprocess.run(["readelf", "--wide", option, program], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


class HardeningTest(unittest.TestCase):

    def check(self, found, what):
        for program in PROGRAMS:
            with self.subTest(program):
                self.assertTrue(found(program), f"{program} has no {what}")

    def setUp(self):
        self.assertTrue(PROGRAMS, "expected programs as arguments")

    def test_every_file_is_compiled_so(self):
        with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as stream:
            commands = json.load(stream)
        checked = set()
        for command in commands:
            words = shlex.split(command["command"])
            output = words[words.index("-o") + 1]
            if not output.startswith(ROOMS) or command["file"].endswith(".cu"):
                continue
            checked.add(output.split("/")[0])
            with self.subTest(output):
                self.assertEqual([], [flag for flag in FLAGS if flag not in words])
                if "_torch" in output or output.startswith(("server/", "client/", "proto/")):
                    self.assertIn("-D_GLIBCXX_ASSERTIONS", words)
        self.assertEqual({room[:-1] for room in ROOMS}, checked)

    def test_addresses_are_random(self):
        self.check(lambda program: re.search(r"Type:\s+DYN", readelf("-h", program)), "PIE")

    def test_tables_of_functions_are_read_only_from_the_start(self):
        self.check(lambda program: "GNU_RELRO" in readelf("-l", program)
                   and re.search(r"FLAGS.*(BIND_NOW|NOW)", readelf("-d", program)), "full RELRO")

    def test_the_stack_is_no_code(self):
        self.check(lambda program: re.search(r"GNU_STACK.* RW ", readelf("-l", program)),
                   "stack that is not executable")

    def test_overwritten_stacks_end_the_program(self):
        self.check(lambda program: "__stack_chk_fail" in readelf("--dyn-syms", program),
                   "stack protector")

    def test_buffers_are_checked(self):
        self.check(lambda program: re.search(r"__\w+_chk@", readelf("--dyn-syms", program)),
                   "function that FORTIFY checks")

    def test_jumps_land_where_functions_begin(self):
        """CET: the note that turns it on is missing, because Debian's own objects lack it."""
        if platform.machine() == "x86_64":
            self.check(lambda program: "endbr64" in subprocess.run(
                ["objdump", "-d", "--disassemble=" + ENTRIES.get(
                    os.path.basename(program), "main"), program], check=True, text=True,
                stdout=subprocess.PIPE).stdout, "landing pad where it is entered")

    def test_no_path_of_the_build_is_within(self):
        """But where a library is looked for, where LibTorch or CUDA lie below the sources."""
        def searched(program):
            return re.findall(r"R(?:UN)?PATH\).*\[(.*)\]", readelf("-d", program))
        self.check(lambda program: not [text for text in subprocess.run(
            ["strings", "-n", "8", program], check=True, text=True, stdout=subprocess.PIPE).stdout.splitlines()
            if SOURCES in text and text not in searched(program)], f"build without the path {SOURCES}")


if __name__ == "__main__":
    SOURCES = sys.argv[1]
    BUILD = sys.argv[2]
    PROGRAMS = sys.argv[3:]
    unittest.main(argv=sys.argv[:1])
