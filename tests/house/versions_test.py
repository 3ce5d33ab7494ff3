"""Checks that the version's number is the same wherever it stands (docs/versioning.md), and that CHANGELOG.md has a
section for it."""

import json
import re
import sys
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


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
