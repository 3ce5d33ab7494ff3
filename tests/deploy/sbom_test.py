"""Checks the bill of materials of the programs strangers reach: sbom_test.py PROGRAM ..."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
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

    def test_libraries_of_no_debian_package_are_named_by_pypi_or_by_their_bytes(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            site = folder / "lib/python3.11/site-packages"
            (site / "torch/lib").mkdir(parents=True)
            (site / "torch-2.15.0.dist-info").mkdir()
            (site / "torch-2.15.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: Torch\n"
                                                                  "Version: 2.15.0\n")
            (site / "torch-2.15.0.dist-info/RECORD").write_text("torch/lib/libtorch.so.2,,\n"
                                                                "torch/lib/libother.so,,\n")
            libraries = [site / "torch/lib/libtorch.so.2", site / "torch/lib/libother.so",
                         folder / "libcublas.so.13.2.0.9"]
            for k, library in enumerate(libraries):
                (folder / "part.c").write_text(f"int part{k}(void) {{ return {k}; }}\n")
                subprocess.run(["cc", "-shared", "-fPIC", "-o", library, folder / "part.c"], check=True)
            (folder / "main.c").write_text("int part0(void), part1(void), part2(void);\n"
                                           "int main(void) { return part0() + part1() + part2(); }\n")
            subprocess.run(["cc", "-o", folder / "program", folder / "main.c", *libraries], check=True)
            done = sbom(str(folder / "program"))
            self.assertEqual(done.returncode, 0, done.stderr)
            made = json.loads(done.stdout)
            found = {each["name"]: each for each in made["packages"]}
            self.assertEqual({"program", "Torch", "libcublas", "libc6"}, found.keys() - {"gcc-12-base"})
            self.assertEqual("2.15.0", found["Torch"]["versionInfo"])
            self.assertEqual("pkg:pypi/torch@2.15.0", found["Torch"]["externalRefs"][0]["referenceLocator"])
            self.assertEqual("13.2.0.9", found["libcublas"]["versionInfo"])
            self.assertEqual(hashlib.sha256(libraries[2].read_bytes()).hexdigest(),
                             found["libcublas"]["checksums"][0]["checksumValue"])
            linked = [each for each in made["relationships"] if each["relationshipType"] == "DYNAMIC_LINK"]
            self.assertEqual(3, len(linked))

    def test_a_program_that_is_not_there_is_named(self):
        done = sbom("/nonexistent/program")
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nonexistent/program", done.stderr)


if __name__ == "__main__":
    PROGRAMS = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
