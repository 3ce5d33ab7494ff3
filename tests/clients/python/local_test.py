"""LocalModel beside a live server: it gives what the server gives of the same bundle."""

import shutil
import unittest

import numpy as np

import live
import programs
import unlasting
from live import dense
from live_test import Served


class Local(Served):

    def test_gives_what_the_server_gives(self):
        model = unlasting.LocalModel(self.bundle)
        x_max = model._bundle.manifest["normalisation"]["x_max"]
        few = live.controls(cells=7, cell_type="T1")
        mixed = live.controls(cells=50)
        mixed.obs["cell_type"] = ["T0"] * 40 + ["T1"] * 10
        for case, arguments in (
                ("gene", {"adata": self.adata, "genes": ["G3", "G1+U0"]}),
                ("drug", {"adata": self.adata, "smiles": live.ASPIRIN, "dose": "0.2uM"}),
                ("few", {"adata": few, "genes": "G2"}), ("mixed", {"adata": mixed, "genes": "G2"}),
                ("panel", {"panel": 30, "seed": 5, "cell_type": "T1", "genes": "G3"}),
                ("ddim", {"adata": self.adata, "genes": "G3", "solver": "ddim"}),
                ("steps", {"adata": self.adata, "genes": "G3", "solver_steps": 4}),
                ("cell", {"adata": self.adata, "genes": "G3", "mask": "cell"}),
                ("aggregate", {"adata": self.adata, "genes": "G3", "mask": "aggregate",
                               "mask_threshold": 0.4}),
                ("none", {"adata": self.adata, "genes": "G3", "mask": "none"}),
                ("part", {"adata": self.adata[:, 2:], "genes": "G3",
                          "missing_genes": "panel-mean"})):
            with self.subTest(case):
                served, own = self.client.predict(**arguments), model.predict(**arguments)
                self.assertEqual(list(served.obs_names), list(own.obs_names))
                self.assertEqual(list(served.obs["condition"]), list(own.obs["condition"]))
                self.same_profiles(served, own, x_max)

    def same_profiles(self, served, own, x_max):
        apart = np.abs(dense(served.X) - dense(own.X)) > 1e-4 * x_max
        # Two values nearer than the tolerance may trade places at the rank that decides.
        self.assertLess(apart.mean(), 1e-3)
        np.testing.assert_allclose(served.varm["mean"], own.varm["mean"], atol=1e-2)

    def test_gives_what_the_server_gives_where_training_had_genes_perturbed_together(self):
        bundle = programs.write_tiny_bundle(self.folder, "pairs", pairs=True)
        model = unlasting.LocalModel(bundle)
        own = model.predict(self.adata, genes="G1+G2")
        with programs.Server("--bundle", bundle) as server:
            with unlasting.Client(server.address) as client:
                served = client.predict(self.adata, genes="G1+G2")
        self.same_profiles(served, own, model._bundle.manifest["normalisation"]["x_max"])
        # The same weights where training had genes alone: means are moved there.
        moved = unlasting.LocalModel(self.bundle).predict(self.adata, genes="G1+G2")
        self.assertGreater(np.abs(moved.varm["mean"] - own.varm["mean"]).max(), 0.1)

    def test_has_the_clients_calls(self):
        model = unlasting.LocalModel(self.bundle)
        self.assertEqual(model.models()[0].bundle_hash, self.client.models()[0].bundle_hash)
        self.assertEqual(list(model.model().genes), list(self.client.model().genes))
        ranking = model.screen(self.adata, ["G1", "G2", "NOSUCH"], out=self.folder / "local.h5ad",
                               batch=2)
        self.assertEqual(len(ranking), 2)

    def test_what_it_cannot_answer_is_refused(self):
        model = unlasting.LocalModel(self.bundle)
        for arguments, reason in (({"genes": "G1", "mask": "sample"}, "INVALID_OPTION"),
                                  ({"genes": "NOSUCH"}, "UNKNOWN_GENE"),
                                  ({"smiles": "C(", "dose": "1uM"}, "UNPARSABLE_SMILES"),
                                  ({"genes": "G1", "model": "x"}, "UNKNOWN_MODEL"),
                                  ({"embedding": [1.0], "dose": "1uM"}, "EMBEDDING_LENGTH")):
            with self.assertRaises(unlasting.UnlastingError) as raised:
                model.predict(self.adata, **arguments)
            self.assertEqual(raised.exception.reason, reason)

    def test_a_damaged_bundle_is_refused_by_file(self):
        copy = self.folder / "damaged"
        shutil.copytree(self.bundle, copy)
        self.addCleanup(shutil.rmtree, copy)
        with open(copy / "target.pt", "r+b") as stream:
            stream.seek(1000)
            stream.write(b"\0\1\2")
        with self.assertRaises(unlasting.UnlastingError) as raised:
            unlasting.LocalModel(copy)
        self.assertIn("target.pt", str(raised.exception))
        with self.assertRaises(unlasting.NotFoundError):
            unlasting.LocalModel(self.folder / "nowhere")


if __name__ == "__main__":
    unittest.main()
