"""Installs what the build made, as the Dockerfile does, and runs it from where it was installed.

Usage: install_test.py BUILD_FOLDER CMAKE. The build's own folders are never looked at by what is
installed: each test runs programs of a prefix of its own.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD, CMAKE = pathlib.Path(sys.argv[1]), sys.argv[2]
ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.update(UNLASTING_BIN=str(BUILD / "bin"), UNLASTING_PROTO=str(ROOT / "proto"))
sys.path.insert(0, str(ROOT / "tests/client"))

import programs  # noqa: E402

PROGRAMS = {"bin/unlasting", "bin/unlasting-server", "bin/unlasting-train"}
TORCH = {"lib/unlasting/unlasting-train-torch", "lib/unlasting/libunlasting_torchscript.so"}
DOCUMENTS = {"share/doc/unlasting/LICENSE"}


class InstallTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.whole = cls.install("whole")
        cls.slim = cls.install("slim", "--component", "programs")
        cls.bundle = programs.write_tiny_bundle(cls.folder)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def install(cls, name, *arguments):
        prefix = cls.folder / name
        subprocess.run([CMAKE, "--install", str(BUILD), "--prefix", str(prefix), *arguments],
                       check=True, stdout=subprocess.DEVNULL)
        return prefix

    def run_from(self, prefix, program, *arguments):
        return subprocess.run([str(prefix / "bin" / program), *map(str, arguments)], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder)

    def serve(self, prefix, *arguments):
        return programs.Server("--bundle", self.bundle, *arguments,
                               program=prefix / "bin/unlasting-server")

    def predict(self, prefix, server):
        return self.run_from(prefix, "unlasting", "predict", "--server", server.address, "--panel", 3,
                             "--cell-type", "T0", "--gene", "G1", "--progress", "none", "--out",
                             self.folder / "predicted.h5ad")

    def assert_refused(self, done, *parts):
        self.assertEqual(done.returncode, 2, done.stderr)
        for part in parts:
            self.assertIn(str(part), done.stderr)

    def test_an_empty_prefix_gets_the_programs_and_their_torch_parts_and_nothing_else(self):
        def files(prefix):
            return {str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_file()}
        self.assertEqual(files(self.whole), PROGRAMS | TORCH | DOCUMENTS)
        self.assertEqual(files(self.slim), PROGRAMS | DOCUMENTS)

    def test_training_finds_the_program_with_libtorch(self):
        done = self.run_from(self.whole, "unlasting-train", "fit", "--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("--data", done.stdout)

    def test_a_link_to_the_program_finds_it_too(self):
        link = self.folder / "unlasting-train"
        link.symlink_to(self.whole / "bin/unlasting-train")
        done = subprocess.run([str(link), "fit", "--help"], text=True, stdout=subprocess.PIPE)
        self.assertEqual(done.returncode, 0)
        self.assertIn("--data", done.stdout)

    def test_a_server_with_torchscript_finds_its_library_and_predicts(self):
        with self.serve(self.whole, "--evaluator", "torchscript") as server:
            done = self.predict(self.whole, server)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(programs.read_x(self.folder / "predicted.h5ad").shape[0], 3)

    def test_without_the_torch_parts_the_rest_works_and_names_what_is_missing(self):
        done = self.run_from(self.slim, "unlasting-train", "inspect", self.bundle)
        self.assertEqual(done.returncode, 0, done.stderr)
        missing = self.slim / "lib/unlasting"
        self.assert_refused(self.run_from(self.slim, "unlasting-train", "fit", "--help"),
                            missing / "unlasting-train-torch")
        self.assert_refused(
            self.run_from(self.slim, "unlasting-server", "--bundle", self.bundle, "--listen",
                          "127.0.0.1:0", "--evaluator", "torchscript"),
            missing / "libunlasting_torchscript.so")
        with self.serve(self.slim) as server:
            done = self.predict(self.slim, server)
        self.assertEqual(done.returncode, 0, done.stderr)


class DockerfileTest(unittest.TestCase):
    """The image takes what is installed, whatever that is, to where the programs look for it."""

    @classmethod
    def setUpClass(cls):
        cls.text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
        stages = re.split(r"^FROM (\S+)(?: AS (\S+))?$", cls.text, flags=re.MULTILINE)
        cls.stages = dict(zip(stages[2::3], stages[3::3]))
        cls.bases = dict(zip(stages[2::3], stages[1::3]))
        # What the build stage does is there for any builder's shell.
        cls.steps = (ROOT / "scripts" / "image.sh").read_text()

    def test_the_image_that_is_built_by_default_has_both_components(self):
        self.assertEqual(list(self.stages), ["build", "slim", "full"])
        self.assertEqual(self.bases["full"], "slim")
        components, = re.findall(r"for component in ([a-z ]+);", self.steps)
        install, = re.findall(r"cmake --install build/release .*?--strip", self.steps)
        self.assertIn('--prefix "/out/$component" --component "$component"', install)
        copied = {stage: re.findall(r"^COPY --from=build /out/(\w+)/ /usr/local/$",
                                    self.stages[stage], re.MULTILINE)
                  for stage in ("slim", "full")}
        self.assertEqual(copied, {"slim": ["programs"], "full": ["torch"]})
        self.assertEqual(components.split(), ["programs", "torch"])

    def test_libraries_of_no_package_come_before_the_programs_are_checked(self):
        self.assertRegex(self.steps, r"image-libraries\.sh /out/programs /out/libraries/programs\b")
        self.assertRegex(self.steps, r"image-libraries\.sh --whole /out/torch /out/libraries/torch\b")
        for stage, component in (("slim", "programs"), ("full", "torch")):
            text = self.stages[stage]
            copied = text.index(f"COPY --from=build /out/libraries/{component}/ /\n")
            self.assertLess(copied, text.index("! ldd"))
        # Debian's LibTorch is no part of an image that has another.
        self.assertRegex(self.stages["full"], r'if \[ -z "\$LIBTORCH" \]; then\s+apt-get update.*libtorch1\.13')

    def test_the_argument_reaches_every_stage_that_reads_it(self):
        for stage in ("build", "full"):
            self.assertRegex(self.stages[stage], r"(?m)^ARG LIBTORCH$")
        self.assertRegex(self.stages["build"], r"(?m)^ARG LIBTORCH_SHA256$")

    def test_no_step_wants_another_shell_than_a_builder_has(self):
        # Builders of OCI images ignore SHELL and run `sh`.
        self.assertNotRegex(self.text, r"(?m)^SHELL")
        self.assertRegex(self.steps, r"\A#!/bin/bash\n")
        for step in ("libtorch", "programs"):
            self.assertIn(f"RUN scripts/image.sh {step}\n", self.stages["build"])
            self.assertIn(f"\n  {step})\n", self.steps)
        for step in re.findall(r"(?m)^RUN (.*)", self.text):
            done = subprocess.run(["dash", "-n", "-c", step], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, f"{step}: {done.stderr}")
            self.assertNotIn("[[", step)

    def test_a_stage_that_lacks_a_library_is_not_built(self):
        self.assertIn("! ldd /usr/local/bin/unlasting*", self.stages["slim"])
        self.assertIn("! ldd /usr/local/lib/unlasting/*", self.stages["full"])

    def test_the_image_runs_the_server_without_root(self):
        for stage in ("slim", "full"):
            user = re.findall(r"^USER (\S+)$", self.stages[stage], re.MULTILINE)[-1]
            self.assertNotIn(user, ("root", "0"))
        self.assertIn('ENTRYPOINT ["/usr/local/bin/unlasting-server"]', self.stages["slim"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
