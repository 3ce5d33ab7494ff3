"""Which LibTorch scripts/libtorch.sh takes, and which libraries an image gets.

Usage: libtorch_test.py COMPILER. The folders and archives are made here: nothing is fetched.
"""
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPILER = sys.argv[1]
# Without nvcc, whatever the machine has.
PLAIN = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}


def make_libtorch(folder, cuda):
    config = folder / "share/cmake/Torch/TorchConfig.cmake"
    config.parent.mkdir(parents=True)
    config.write_text("")
    (folder / "lib").mkdir()
    (folder / "lib/libtorch_cpu.so").write_text("")
    if cuda:
        (folder / "lib/libtorch_cuda.so").write_text("")
    return folder


class Folder(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name).resolve()


class UseLibtorchTest(Folder):
    def use(self, given, **environment):
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c",
             f'source "{ROOT}/scripts/common.sh"; source "{ROOT}/scripts/libtorch.sh"\n'
             'use_libtorch "$1"; printf "%s\\n" "${libtorch_settings[@]}"', "use", str(given)],
            cwd=self.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**PLAIN, "LIBTORCH_FOLDER": str(self.folder / "made"), **environment})

    def settings(self, given, **environment):
        done = self.use(given, **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines()

    def assert_refused(self, words, given, **environment):
        done = self.use(given, **environment)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(words, done.stderr)
        self.assertEqual(done.stdout, "")

    def test_a_folder_for_the_cpu_is_built_without_cuda(self):
        folder = make_libtorch(self.folder / "libtorch", cuda=False)
        wanted = [f"-DCMAKE_PREFIX_PATH={folder}", "-DUNLASTING_CUDA=OFF"]
        self.assertEqual(self.settings(folder), wanted)
        self.assertEqual(self.settings(self.folder), wanted, "the folder that an archive is unpacked in")
        self.assertEqual(self.settings("libtorch"), wanted, "a relative path")

    def test_a_folder_with_cuda_needs_nvcc(self):
        folder = make_libtorch(self.folder / "torch", cuda=True)
        self.assert_refused("there is no nvcc on PATH", folder)
        self.assertIn("-DUNLASTING_CUDA=ON", self.settings(folder, CUDACXX="/opt/cuda/bin/nvcc"))

    def test_what_is_no_libtorch_is_refused_by_name(self):
        for given in ("absent", str(self.folder), ""):
            self.assert_refused(f"TorchConfig.cmake in '{given}'", given)

    def test_an_archive_is_unpacked_where_its_sum_is_the_wanted_one(self):
        make_libtorch(self.folder / "source/libtorch", cuda=False)
        archive = self.folder / "libtorch-shared.zip"
        with zipfile.ZipFile(archive, "w") as file:
            for path in sorted((self.folder / "source").rglob("*")):
                file.write(path, path.relative_to(self.folder / "source"))
        right = hashlib.sha256(archive.read_bytes()).hexdigest()
        self.assert_refused(f"found SHA-256 {right}, expected {'0' * 64}", archive.name,
                            LIBTORCH_SHA256="0" * 64)
        self.assertFalse((self.folder / "made-archive/libtorch").exists(), "refused archives stay packed")
        unpacked = self.folder / "made-archive/libtorch"
        for environment in ({"LIBTORCH_SHA256": right}, {}):
            self.assertEqual(self.settings(archive.name, **environment)[0], f"-DCMAKE_PREFIX_PATH={unpacked}")
        self.assertTrue(archive.exists(), "the user's archive stays")

    def test_a_damaged_archive_and_an_unchecked_url_are_refused(self):
        (self.folder / "libtorch.zip").write_bytes(b"PK\x03\x04 and no more")
        self.assert_refused("libtorch.zip: could not be unpacked", "libtorch.zip")
        self.assert_refused("found no LIBTORCH_SHA256", "https://127.0.0.1:1/libtorch.zip")
        self.assert_refused("could not be fetched", "file:///nonexistent/libtorch.zip",
                            LIBTORCH_SHA256="0" * 64)

    def test_the_scripts_say_what_is_wrong_before_they_install_anything(self):
        done = subprocess.run([ROOT / "scripts/test.sh", "--libtorch"], text=True, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 2)
        self.assertIn("expected the word wheel or a folder", done.stderr)


class ImageLibrariesTest(Folder):
    """A program with a library of the system's, one elsewhere, and one beside that."""

    def setUp(self):
        super().setUp()
        self.cuda = self.folder / "opt/cuda/lib"
        self.cuda.mkdir(parents=True)
        self.programs = self.folder / "out/programs"
        (self.programs / "bin").mkdir(parents=True)
        self.compile("int f() { return 7; }", "-shared", "-fPIC", "-Wl,-soname,libf.so.1",
                     "-o", self.cuda / "libf.so.1.2.3")
        (self.cuda / "libf.so.1").symlink_to("libf.so.1.2.3")
        (self.cuda / "libf.so").symlink_to("libf.so.1")
        (self.cuda / "libopened.so").write_text("opened while running")
        (self.cuda / "libtorch_python.so").write_text("Python's")
        (self.cuda / "readme").write_text("")
        self.compile("int f(); int main() { return f(); }", f"-L{self.cuda}", f"-Wl,-rpath,{self.cuda}",
                     "-lf", "-o", self.programs / "bin/program")
        (self.programs / "bin/script").write_text("#!/bin/sh\n")

    def compile(self, source, *arguments):
        # The library follows the file that needs it.
        subprocess.run([COMPILER, "-x", "c++", "-", "-x", "none", *map(str, arguments)], input=source,
                       text=True, check=True)

    def collect(self, *arguments):
        out = self.folder / "collected"
        subprocess.run([ROOT / "scripts/image-libraries.sh", *arguments, self.programs, out], check=True)
        return out, {path.name for path in out.rglob("*") if not path.is_dir()}

    def test_what_is_linked_from_outside_the_system_comes_along_under_its_path(self):
        out, names = self.collect()
        self.assertEqual(names, {"libf.so.1", "libf.so.1.2.3"})
        there = pathlib.Path(f"{out}{self.cuda}")
        self.assertEqual((there / "libf.so.1").resolve().name, "libf.so.1.2.3")
        self.cuda.rename(self.folder / "gone")
        run = subprocess.run([self.programs / "bin/program"], env={**PLAIN, "LD_LIBRARY_PATH": str(there)})
        self.assertEqual(run.returncode, 7, "it runs with what was copied alone")

    def test_all_libraries_beside_them_come_along_where_that_is_asked_for(self):
        _, names = self.collect("--whole")
        self.assertEqual(names, {"libf.so", "libf.so.1", "libf.so.1.2.3", "libopened.so"})

    def test_programs_of_the_system_alone_need_nothing(self):
        self.compile("int main() {}", "-o", self.programs / "bin/program")
        out, names = self.collect()
        self.assertEqual(names, set())
        self.assertTrue(out.is_dir(), "the image copies a folder that may be empty")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
