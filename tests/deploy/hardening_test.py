"""Checks that the programs strangers reach are hardened, by what readelf finds in them.

Usage: hardening_test.py PROGRAM ...
"""

import platform
import re
import subprocess
import sys
import unittest

PROGRAMS = []


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
                ["objdump", "-d", "--disassemble=main", program], check=True, text=True,
                stdout=subprocess.PIPE).stdout, "landing pad at main")

    def test_no_path_of_the_build_is_within(self):
        self.check(lambda program: SOURCES not in subprocess.run(
            ["strings", "-n", "8", program], check=True, text=True, stdout=subprocess.PIPE).stdout,
            f"build without the path {SOURCES}")


if __name__ == "__main__":
    SOURCES = sys.argv[1]
    PROGRAMS = sys.argv[2:]
    unittest.main(argv=sys.argv[:1])
