"""Checks of how tree.py reads README's table, CMake's list of targets and the #includes."""

import pathlib
import re
import unittest

import tree

README = """# Title

## The rooms

| room | its one idea | may use |
|---|---|---|
| core/base | files | - |
| core/predict/{query,job}, core/b | work | base, model/{cpu,cuda}, HDF5 |

## Next

| core/none | not a room | - |
"""


class Tree(unittest.TestCase):
    def test_reads_rooms_in_the_order_of_the_table(self):
        rooms = tree.rooms_of(README)
        self.assertEqual([room.folder for room in rooms],
                         ["core/base", "core/predict/query", "core/predict/job", "core/b"])
        self.assertEqual(rooms[0].may_use, ())
        self.assertEqual(rooms[3].may_use, ("base", "model/{cpu,cuda}", "HDF5"))
        self.assertEqual(tree.rooms_of("# No table\n"), [])

    def test_reads_targets_relative_to_the_root(self):
        text = "/r/core/a\tunlasting_core_a\tSTATIC_LIBRARY\tx.cc ../b/y.cc /o/z.cc\tu v\n"
        target, = tree.targets_of(text, pathlib.Path("/r"))
        self.assertEqual(target, tree.Target(
            "core/a", "unlasting_core_a", "STATIC_LIBRARY",
            ("core/a/x.cc", "core/b/y.cc", "/o/z.cc"), ("u", "v")))
        with self.assertRaises(ValueError):
            tree.targets_of("/r/core/a\tunlasting_core_a\n", pathlib.Path("/r"))

    def test_knows_which_folder_a_header_is_from(self):
        self.assertEqual(tree.folder_of_header("core/base/file.h"), "core/base")
        self.assertEqual(tree.folder_of_header("unlasting/v1/matrix.pb.h"), "proto")
        self.assertEqual(tree.folder_of_header("grpcpp/server.h"), None)
        self.assertEqual(tree.folder_of_header("vector"), None)

    def test_finds_every_tangle(self):
        edges = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "f": {"g"}, "g": {"f"}}
        self.assertEqual(tree.circles(edges), [["a", "b", "c"], ["f", "g"]])
        self.assertEqual(tree.circles({"a": {"b", "c"}, "b": {"c"}}), [])

    def test_headers_of_outside_libraries_are_told_from_our_own(self):
        def libraries(header):
            return [name for name, (_, headers) in tree.LIBRARIES.items()
                    if re.fullmatch(headers, header)]
        self.assertEqual(libraries("hdf5.h"), ["HDF5"])
        self.assertEqual(libraries("GraphMol/GraphMol.h"), ["RDKit"])
        self.assertEqual(libraries("ATen/Parallel.h"), ["LibTorch"])
        self.assertEqual(libraries("grpcpp/grpcpp.h"), ["gRPC"])
        self.assertEqual(libraries("grpc/health/v1/health.grpc.pb.h"), [])
        self.assertEqual(libraries("core/anndata/hdf5.h"), [])


if __name__ == "__main__":
    unittest.main(argv=["tree_test"])
