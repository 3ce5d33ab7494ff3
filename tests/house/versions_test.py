"""Checks that the version's number is the same wherever it stands (docs/versioning.md), and that CHANGELOG.md has a
section for it, and where a build's tag comes from."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import tree

IMAGES = ("Dockerfile", "gateway/compose.yaml", "deploy/README.md", "deploy/front/Dockerfile")


def read(name):
    return (tree.ROOT / name).read_text()


def version():
    return re.search(r"^project\(unlasting VERSION ([\d.]+)", read("CMakeLists.txt"), re.MULTILINE)[1]


class Versions(unittest.TestCase):

    def assert_all(self, found, place):
        self.assertTrue(found, f"{place} names no version")
        self.assertEqual(set(found), {version()}, place)

    def test_clients_have_the_version_of_the_programs(self):
        self.assert_all(re.findall(r'^version = "(.*)"', read("clients/python/pyproject.toml"), re.MULTILINE),
                        "pyproject.toml")
        self.assert_all(re.findall(r'__version__ = "(.*)"', read("clients/python/unlasting/__init__.py")),
                        "__init__.py")
        self.assert_all([json.loads(read("clients/node/package.json"))["version"]], "package.json")
        lock = json.loads(read("clients/node/package-lock.json"))
        self.assert_all([lock["version"], lock["packages"][""]["version"]], "package-lock.json")
        self.assert_all(re.findall(r"<version>(.*)</version>", read("clients/java/pom.xml"))[:1], "pom.xml")

    def test_images_have_the_version_of_the_programs(self):
        for name in IMAGES:
            self.assert_all(re.findall(r"unlasting(?:-\w+)?:(\d+\.\d+\.\d+)", read(name)), name)
        files = sorted((tree.ROOT / "deploy").rglob("kustomization.yaml"))
        tagged = {file: re.findall(r"newTag: (\S+)", file.read_text()) for file in files}
        self.assertTrue(any(tagged.values()))
        for file, tags in tagged.items():
            if tags:
                self.assert_all(tags, file)

    def test_changelog_has_the_version_first_after_what_is_unreleased(self):
        headings = re.findall(r"^## (.*)$", read("CHANGELOG.md"), re.MULTILINE)
        self.assertEqual(headings[0], "Unreleased")
        self.assertRegex(headings[1], rf"^{re.escape(version())}, \d{{4}}-\d\d-\d\d$")


class BuildTag(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.source = pathlib.Path(self.folder.name) / "source"
        (self.source / "cmake").mkdir(parents=True)
        self.out = pathlib.Path(self.folder.name) / "build_tag.cc"
        self.archived((tree.ROOT / "cmake/build-tag.txt").read_text())

    def archived(self, text):
        (self.source / "cmake/build-tag.txt").write_text(text)

    def write(self, given=""):
        return subprocess.run(["cmake", f"-DSOURCE={self.source}", f"-DOUTPUT={self.out}",
                               f"-DUNLASTING_BUILD_TAG={given}", "-P",
                               tree.ROOT / "cmake/UnlastingVersion.cmake"], capture_output=True, text=True)

    def tag(self, given=""):
        done = self.write(given)
        self.assertEqual(done.returncode, 0, done.stderr)
        return re.search(r'kBuildTag\[\] = "(.*)";', self.out.read_text())[1]

    def git(self, *arguments):
        subprocess.run(["git", "-C", self.source, "-c", "user.name=n", "-c", "user.email=e@example.org",
                        *arguments], check=True, capture_output=True)

    def test_without_git_and_archive_it_is_empty(self):
        self.assertEqual(self.tag(), "")

    def test_an_archive_knows_its_commit(self):
        self.archived("v0.2.0-3-g0123456789ab\n0123456\n")
        self.assertEqual(self.tag(), "v0.2.0-3-g0123456789ab")
        self.archived("\n0123456\n")  # no tag could be reached
        self.assertEqual(self.tag(), "0123456")

    def test_a_clone_says_how_far_it_is_from_a_version(self):
        self.git("init", "-q")
        self.git("add", ".")
        self.git("commit", "-qm", "one")
        self.assertRegex(self.tag(), r"^[0-9a-f]{12}$")
        self.git("tag", "v0.2.0")
        self.assertEqual(self.tag(), "v0.2.0")
        self.git("commit", "-qm", "two", "--allow-empty")
        self.assertRegex(self.tag(), r"^v0\.2\.0-1-g[0-9a-f]{12}$")
        self.archived("changed\n")
        self.assertRegex(self.tag(), r"^v0\.2\.0-1-g[0-9a-f]{12}-dirty$")

    def test_what_is_given_comes_first(self):
        self.archived("v0.1.0\n")
        self.assertEqual(self.tag("v0.2.0-rc.1+x"), "v0.2.0-rc.1+x")

    def test_text_that_would_break_the_source_is_refused(self):
        for bad in ('a"b', "a b", "a;b", "a\\b"):
            done = self.write(bad)
            self.assertNotEqual(done.returncode, 0, bad)
            self.assertIn("UNLASTING_BUILD_TAG", done.stderr)

    def test_the_same_tag_leaves_the_source_as_it_is(self):
        self.tag("v1")
        before = self.out.stat().st_mtime_ns
        self.tag("v1")
        self.assertEqual(self.out.stat().st_mtime_ns, before)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
