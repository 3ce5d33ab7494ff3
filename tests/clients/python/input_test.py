"""AnnData of every form that users bring: read as the programs read it, or refused with the way out."""

import pathlib
import tempfile
import unittest
import warnings

import anndata
import numpy as np
from scipy import sparse

import live
from unlasting import errors, messages, reading


def model(genes=live.GENES, symbols=None, types=("T0", "T1")):
    """The description of a model."""
    found = messages.Model()
    found.summary.name = "m"
    found.summary.cell_types.extend(types)
    found.genes.extend(genes)
    found.gene_symbols.update(symbols or {})
    found.target_sum = 1000
    return found


class Inputs(unittest.TestCase):

    def setUp(self):
        self.adata = live.controls()

    def read(self, adata=None, described=None, **selection):
        return reading.read(self.adata if adata is None else adata,
                            model() if described is None else described,
                            reading.Selection(**selection))

    def refused(self, reason, adata=None, described=None, **selection):
        with self.assertRaises(errors.UnlastingError) as raised:
            self.read(adata, described, **selection)
        self.assertEqual(raised.exception.reason, reason, str(raised.exception))
        return str(raised.exception)

    def changed(self, value):
        self.adata.X[3, 5] = value
        return self.adata

    def test_counts_are_sent_as_they_are_with_each_cells_sum(self):
        found = self.read()
        self.assertEqual(found.kind, "counts")
        np.testing.assert_array_equal(live.dense(found.values), self.adata.X)
        np.testing.assert_array_equal(found.library_sizes, self.adata.X.sum(axis=1))

    def test_sparse_views_layers_and_backed_files_read_alike(self):
        plain = self.read().digest()
        wide = live.controls(cells=60)
        wide.X[:30] = self.adata.X
        wide.layers["counts"] = sparse.csc_matrix(wide.X)
        wide.X = np.log1p(wide.X)
        self.assertEqual(self.read(wide[:30], layer="counts").digest(), plain)
        self.adata.raw = self.adata
        self.assertEqual(self.read(layer="raw").digest(), plain)
        for x in (self.adata.X, sparse.csr_matrix(self.adata.X), sparse.csc_matrix(self.adata.X)):
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / "x.h5ad"
                copy = live.controls()
                copy.X = x
                copy.write_h5ad(path)
                backed = anndata.read_h5ad(path, backed="r")
                self.assertEqual(self.read(backed).digest(), plain)
                backed.file.close()

    def test_many_cells_of_a_backed_file_are_read_in_blocks(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "x.h5ad"
            live.controls(cells=9000).write_h5ad(path)
            backed = anndata.read_h5ad(path, backed="r")
            found = self.read(backed, max_cells=50, seed=3)
            self.assertEqual(found.values.shape[0], 50)
            self.assertEqual(found.digest(), self.read(backed, max_cells=50, seed=3).digest())
            whole = self.read(backed)
            np.testing.assert_array_equal(live.dense(whole.values), backed.X[:])
            backed.file.close()

    def test_values_that_are_no_expression_are_refused(self):
        for value in (np.nan, np.inf, -0.5):
            self.refused("INVALID_VALUE", self.changed(value))
        scaled = live.controls()
        scaled.X = scaled.X - scaled.X.mean(axis=0)
        self.assertIn("name a layer", self.refused("INVALID_VALUE", scaled))

    def test_logarithms_are_brought_to_natural_ones_with_their_sum(self):
        counts = self.adata.X.copy()
        normal = counts / counts.sum(axis=1, keepdims=True) * 500
        for base in (np.e, 2.0):
            self.adata.X = (np.log1p(normal) / np.log(base)).astype(np.float32)
            found = self.read()
            self.assertEqual(found.kind, "log1p")
            self.assertAlmostEqual(found.target_sum, 500, delta=0.01)
            np.testing.assert_allclose(live.dense(found.values), np.log1p(normal), rtol=1e-5)
            units = live.dense(found.model_units(model()))
            np.testing.assert_allclose(units, np.log1p(normal * 2), rtol=1e-5)

    def test_logged_counts_are_taken_back_to_counts(self):
        counts = self.adata.X.copy()
        self.adata.X = np.log1p(counts)
        found = self.read()
        self.assertEqual(found.kind, "counts")
        np.testing.assert_array_equal(live.dense(found.values), counts)
        np.testing.assert_array_equal(found.library_sizes, counts.sum(axis=1))

    def test_genes_are_matched_by_symbol_version_and_case(self):
        described = model(["ENSG00000000001", "ENSG00000000002", "ENSG00000000003"],
                          {"ENSG00000000003": "STAT1"})
        adata = live.controls(genes=["ENSG00000000002.7", "stat1", "ENSG00000000001", "OTHER"])
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = self.read(adata, described)
        self.assertEqual(found.genes, ["ENSG00000000002", "ENSG00000000003", "ENSG00000000001"])
        self.assertTrue(any("version and case" in str(each.message) for each in said))
        # Cells keep their sums over all genes, those that the model does not know included.
        np.testing.assert_array_equal(found.library_sizes, adata.X.sum(axis=1))
        adata.var["gene_name"] = ["a", "STAT1", "b", "c"]
        adata.var_names = ["p", "q", "r", "s"]
        self.assertEqual(self.read(adata, described, missing_genes="zero").genes, ["STAT1"])

    def test_missing_genes_are_said_or_refused(self):
        part = self.adata[:, :20]
        self.assertIn("G20", self.refused("MISSING_GENES", part))
        with self.assertWarns(errors.UnlastingWarning):
            found = self.read(part, missing_genes="panel-mean")
        self.assertEqual(found.missing_genes, "panel-mean")
        self.assertIn("none of its", self.refused("MISSING_GENES", live.controls(genes=["A", "B"])))
        self.refused("INVALID_OPTION", missing_genes="mean")

    def test_genes_that_stand_there_twice_are_refused(self):
        adata = live.controls(genes=live.GENES[:-1] + ["G0"])
        self.refused("DUPLICATE_GENE", adata, missing_genes="zero")

    def test_controls_are_found_by_their_names(self):
        self.adata.obs["condition"] = ["non-targeting"] * 10 + ["STAT1"] * 15 + ["ctrl"] * 5
        self.assertEqual(len(self.read().barcodes), 15)
        self.adata.obs["condition"] = "STAT1"
        self.assertIn("STAT1", self.refused("NO_CELLS"))
        self.assertEqual(len(self.read(condition_column="").barcodes), 30)
        self.assertEqual(len(self.read(control="STAT1").barcodes), 30)

    def test_a_column_of_another_name_is_pointed_to(self):
        self.adata.obs["Perturbation"] = self.adata.obs.pop("condition")
        self.assertIn("condition_column='Perturbation'", self.refused("UNKNOWN_COLUMN"))
        del self.adata.obs["Perturbation"]
        with self.assertWarns(errors.UnlastingWarning):
            self.assertEqual(len(self.read().barcodes), 30)

    def test_cell_types_are_never_guessed_past_a_column(self):
        self.adata.obs["Cell Type"] = ["T0"] * 15 + ["T1"] * 15
        del self.adata.obs["cell_type"]
        self.assertIn("cell_type_column='Cell Type'", self.refused("UNKNOWN_COLUMN"))
        found = self.read(cell_type_column="Cell Type")
        self.assertEqual(set(found.cell_types), {"T0", "T1"})
        del self.adata.obs["Cell Type"]
        self.refused("UNKNOWN_CELL_TYPE")
        self.assertEqual(set(self.read(cell_type="T1").cell_types), {"T1"})

    def test_cells_of_one_type_are_chosen(self):
        self.adata.obs["cell_type"] = ["T0"] * 12 + ["T1"] * 18
        self.assertEqual(len(self.read(cell_type="T1").barcodes), 18)
        self.assertIn("'T1' (18 cells)", self.refused("NO_CELLS", cell_type="T7"))

    def test_library_sizes_come_from_a_column_of_numbers_above_0(self):
        self.adata.obs["n_counts"] = np.arange(30) + 100
        np.testing.assert_array_equal(self.read(library_size_column="n_counts").library_sizes,
                                      np.arange(30) + 100)
        self.adata.obs["n_counts"] = np.arange(30)
        self.refused("INVALID_VALUE", library_size_column="n_counts")
        self.refused("INVALID_VALUE", library_size_column="condition")
        self.refused("UNKNOWN_COLUMN", library_size_column="depth")

    def test_what_is_not_there_is_named(self):
        self.refused("UNKNOWN_LAYER", layer="counts")
        self.refused("UNKNOWN_LAYER", layer="raw")
        self.refused("NO_CELLS", self.adata[:0])

    def test_uploads_hold_every_cell_once(self):
        found = self.read(live.controls(cells=20000))
        header, *chunks = list(found.upload())
        self.assertEqual(list(header.header.genes.names), live.GENES)
        self.assertGreater(len(chunks), 2)
        self.assertEqual([name for each in chunks for name in each.chunk.cell_ids], found.barcodes)
        self.assertLess(max(each.ByteSize() for each in chunks), 3 << 20)


if __name__ == "__main__":
    unittest.main()
