"""Checks the bill of materials of the programs strangers reach: sbom_test.py PROGRAM ..."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = []


def sbom(*programs):
    return subprocess.run([str(ROOT / "scripts/sbom.py"), *programs], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"})


class SbomTest(unittest.TestCase):

    def test_every_library_is_a_package_with_a_version(self):
        made = json.loads(sbom(*PROGRAMS).stdout)
        self.assertEqual(made["spdxVersion"], "SPDX-2.3")
        self.assertEqual(made["creationInfo"]["created"], "2023-11-14T22:13:20Z")
        packages = {each["SPDXID"]: each for each in made["packages"]}
        self.assertEqual(len(packages), len(made["packages"]))
        names = {each["name"] for each in made["packages"]}
        for name in ("unlasting-server", "libgrpc++1.51", "libprotobuf32", "libssl3", "libc6"):
            self.assertIn(name, names)
        for each in made["packages"]:
            self.assertTrue(each["versionInfo"], each["name"])
        for each in made["relationships"]:
            self.assertIn(each["relatedSpdxElement"], packages)
            self.assertIn(each["spdxElementId"], {"SPDXRef-DOCUMENT", *packages})
        described = [each for each in made["relationships"]
                     if each["relationshipType"] == "DESCRIBES"]
        self.assertEqual(len(described), len(PROGRAMS))

    def test_two_runs_give_the_same_bytes(self):
        self.assertEqual(sbom(*PROGRAMS).stdout, sbom(*PROGRAMS).stdout)

    def test_a_program_that_is_not_there_is_named(self):
        done = sbom("/nonexistent/program")
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nonexistent/program", done.stderr)


if __name__ == "__main__":
    PROGRAMS = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
