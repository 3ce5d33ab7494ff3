"""A cytokine without a structure, at two times, is trained, served and predicted."""

import json
import pathlib
import shutil
import tempfile
import unittest

import anndata
import grpc
import numpy as np
import pandas as pd
import scipy.sparse

import programs

STUBS = programs.stubs()

from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from unlasting.v1 import (controls_pb2, model_service_pb2, model_service_pb2_grpc,  # noqa: E402
                          perturbation_pb2, prediction_service_pb2, prediction_service_pb2_grpc)

GENES = [f"GENE{k}" for k in range(30)]
HOURS = (6, 24)


def tearDownModule():
    shutil.rmtree(STUBS)


def write_cells(path, vectors=False):
    """IFNB1 raises the first ten genes, more so at 24 hours; LPS the last ten; STAT1 is a knockout."""
    random = np.random.default_rng(3)
    rows = [("unstimulated", "")] * 60
    for hours in HOURS:
        rows += [("IFNB1", f"{hours}h")] * 40 + [("LPS", f"{hours}h")] * 40
    rows += [("GENE3", "")] * 30
    mean = np.full((len(rows), len(GENES)), 4.0)
    for row, (name, hours) in enumerate(rows):
        if name in ("IFNB1", "LPS"):
            raised = slice(0, 10) if name == "IFNB1" else slice(20, 30)
            mean[row, raised] *= 3 if hours == "6h" else 8
        if name == "GENE3":
            mean[row, 3] = 0
    obs = pd.DataFrame({"condition": [row[0] for row in rows], "hours": [row[1] for row in rows],
                        "cell_type": "monocyte"}, index=[f"cell{k}" for k in range(len(rows))])
    counts = scipy.sparse.csr_matrix(random.poisson(mean).astype(np.float32))
    anndata.AnnData(counts, obs=obs, var=pd.DataFrame(index=GENES)).write_h5ad(path)
    if vectors:
        pathlib.Path(vectors).write_text("IFNB1\t1\t0.5\nLPS\t-1\t2\n")


def fit(data, out, *settings):
    every = ("control=unstimulated", 'treatments=["IFNB1","LPS"]', 'covariates=["hours"]',
             "split=cells", "steps=60", "mask_steps=30", "batch_size=16", "dim=8", "hidden=32",
             "learning_rate=0.002", "threads=1", "target_sum=100")
    arguments = [part for setting in every + settings for part in ("--set", setting)]
    return programs.run("unlasting-train", "fit", "--data", data, "--out", out, "--progress",
                        "none", *arguments)


class TreatmentsTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.data = cls.folder / "cells.h5ad"
        cls.vectors = cls.folder / "vectors.tsv"
        write_cells(cls.data, cls.vectors)
        cls.bundle = cls.folder / "cytokines"
        done = fit(cls.data, cls.bundle)
        assert done.returncode == 0, done.stderr
        cls.server = programs.Server("--bundle", cls.bundle)
        cls.channel = grpc.insecure_channel(cls.server.address)
        cls.predictions = prediction_service_pb2_grpc.PredictionServiceStub(cls.channel)

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        cls.server.stop()
        shutil.rmtree(cls.folder)

    def predict(self, name, covariates, vector=()):
        """The header and the mean profile of the panel under a treatment."""
        treatment = perturbation_pb2.TreatmentPerturbation(name=name, covariates=covariates,
                                                           vector=vector)
        request = prediction_service_pb2.PredictRequest(
            panel=controls_pb2.ControlPanel(cell_type="monocyte", cells=30),
            perturbations=[perturbation_pb2.Perturbation(treatment=treatment)])
        parts = list(self.predictions.Predict(request))
        mean = next(np.array(part.summary.mean) for part in parts if part.HasField("summary"))
        return parts[0].header, mean

    def refusal(self, name, covariates, vector=()):
        with self.assertRaises(grpc.RpcError) as raised:
            self.predict(name, covariates, vector)
        trailers = dict(raised.exception.trailing_metadata())
        status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
        info = error_details_pb2.ErrorInfo()
        self.assertTrue(status.details[0].Unpack(info))
        return info.reason, raised.exception.details()

    def test_each_time_has_its_own_answer(self):
        header, early = self.predict("IFNB1", {"hours": 6})
        perturbation = header.perturbations[0]
        self.assertEqual((perturbation.label, perturbation.condition), ("IFNB1", "IFNB1"))
        self.assertEqual(dict(perturbation.covariates), {"hours": 6})
        self.assertTrue(perturbation.seen_in_training)
        self.assertFalse(perturbation.HasField("molecule"))
        _, late = self.predict("IFNB1", {"hours": 24})
        _, other = self.predict("LPS", {"hours": 24})
        raised, unmoved = slice(0, 10), slice(20, 30)
        self.assertGreater(late[raised].mean(), early[raised].mean() + 0.1)
        self.assertGreater(late[raised].mean(), late[unmoved].mean() + 0.5)
        self.assertGreater(other[unmoved].mean(), other[raised].mean() + 0.5)

    def test_the_model_says_what_it_knows(self):
        models = model_service_pb2_grpc.ModelServiceStub(self.channel)
        model = models.GetModel(model_service_pb2.GetModelRequest()).model
        self.assertEqual([treatment.name for treatment in model.treatments], ["IFNB1", "LPS"])
        self.assertEqual(list(model.summary.perturbation_kinds), ["gene", "treatment"])
        self.assertEqual(model.treatment_features, 0)
        hours = model.covariates[0]
        self.assertEqual((hours.name, hours.unit, list(hours.values)), ("hours", "h", [6, 24]))

    def test_refuses_what_was_not_trained(self):
        reason, words = self.refusal("IFNB", {"hours": 6})
        self.assertEqual(reason, "UNKNOWN_TREATMENT")
        self.assertIn("IFNB1", words)
        self.assertEqual(self.refusal("IFNB1", {})[0], "INVALID_COVARIATE")
        self.assertEqual(self.refusal("IFNB1", {"hours": -6})[0], "INVALID_COVARIATE")
        self.assertEqual(self.refusal("IFNB1", {"hours": 6, "days": 1})[0], "INVALID_COVARIATE")
        self.assertEqual(self.refusal("", {"hours": 6})[0], "EMPTY_PERTURBATION")
        self.assertEqual(self.refusal("IL6", {"hours": 6}, [1, 2])[0], "UNSUPPORTED_PERTURBATION")

    def test_the_manifest_names_its_features_so_that_older_readers_refuse_it(self):
        manifest = json.loads((self.bundle / "manifest.json").read_text())
        self.assertIn("treatments", manifest["features"])
        self.assertIn("covariates", manifest["features"])
        self.assertEqual(manifest["perturbed_only"], [])
        self.assertEqual(manifest["treatments"]["names"], ["IFNB1", "LPS"])

    def test_the_command_predicts_and_metrics_takes_its_file(self):
        out, truth = self.folder / "predicted.h5ad", self.folder / "truth"
        done = programs.run("unlasting", "predict", "--server", self.server.address, "--panel", 40,
                            "--cell-type", "monocyte", "--treatment", "IFNB1", "--treatment", "LPS",
                            "--hours", 6, "--hours", 24, "--gene", "GENE3", "--out", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        predicted = anndata.read_h5ad(out)
        self.assertEqual(set(predicted.obs["condition"]), {"IFNB1", "LPS", "GENE3"})
        self.assertEqual(set(predicted.obs["hours"].dropna()), {6.0, 24.0})
        done = programs.run("unlasting-train", "evaluate", "--bundle", self.bundle, "--data",
                            self.data, "--export", truth, "--progress", "none")
        self.assertEqual(done.returncode, 0, done.stderr)
        for file in (out, truth / "truth.h5ad"):
            done = programs.run("unlasting-train", "metrics", "--predicted", file, "--truth",
                                truth / "truth.h5ad", "--control", truth / "control.h5ad",
                                "--training", truth / "training.h5ad", "--resamples", 0, "--json")
            self.assertEqual(done.returncode, 0, done.stderr)
            groups = {group["key"]["condition"] for group in json.loads(done.stdout)["groups"]}
            self.assertEqual(groups, {"IFNB1@hours=6", "IFNB1@hours=24", "LPS@hours=6",
                                      "LPS@hours=24", "GENE3"})

    def test_a_screen_takes_treatments(self):
        table, out = self.folder / "list.tsv", self.folder / "screen.h5ad"
        table.write_text("treatment\thours\tgene\nIFNB1\t6\t\nLPS\t24\t\n\t\tGENE3\n")
        done = programs.run("unlasting", "screen", "--server", self.server.address, "--panel", 5,
                            "--cell-type", "monocyte", "--perturbations", table, "--out", out,
                            "--progress", "none")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(anndata.read_h5ad(out)), 15)

    def test_evaluate_scores_each_time(self):
        done = programs.run("unlasting-train", "evaluate", "--bundle", self.bundle, "--data",
                            self.data, "--resamples", 0, "--progress", "none", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        groups = {group["key"]["condition"] for group in json.loads(done.stdout)["groups"]}
        self.assertIn("IFNB1@hours=6", groups)
        self.assertIn("IFNB1@hours=24", groups)

    def test_torchscript_files_agree_with_the_weights(self):
        done = programs.run("unlasting-train", "inspect", "--verify", self.bundle)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_split_cannot_hold_out_a_treatment_that_is_only_a_name(self):
        done = fit(self.data, self.folder / "refused", "split=conditions",
                   'hold_out=["condition=LPS"]')
        self.assertEqual(done.returncode, 2)
        self.assertIn("holds out the treatment 'LPS'", done.stderr)
        self.assertIn("treatment_vectors", done.stderr)

    def test_vectors_predict_a_treatment_that_was_held_out(self):
        bundle = self.folder / "vectors"
        done = fit(self.data, bundle, "split=conditions", 'hold_out=["condition=LPS"]',
                   f"treatment_vectors={self.vectors}")
        self.assertEqual(done.returncode, 0, done.stderr)
        with programs.Server("--bundle", bundle) as server:
            out = self.folder / "held_out.h5ad"
            done = programs.run("unlasting", "predict", "--server", server.address, "--panel", 5,
                                "--cell-type", "monocyte", "--treatment", "LPS", "--hours", 6,
                                "--out", out)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("not in the training data", done.stderr)
            self.predicts_from_a_table(server)

    def predicts_from_a_table(self, server):
        """A treatment that neither the model nor its table knows comes with its vector."""
        table, rows = self.folder / "more.tsv", self.folder / "rows.tsv"
        table.write_text("IL6\t0.9\t0.4\n")
        rows.write_text("treatment\thours\nIL6\t6\nIFNB1\t24\n")
        common = ("--server", server.address, "--panel", 5, "--cell-type", "monocyte")
        one = ("predict", *common, "--treatment", "IL6", "--hours", 6)
        out = self.folder / "table.h5ad"
        done = programs.run("unlasting", *one, "--out", out)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--treatment-vectors", done.stderr)
        done = programs.run("unlasting", *one, "--treatment-vectors", table, "--out", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("nearest training treatment: IFNB1", done.stderr)
        done = programs.run("unlasting", "screen", *common, "--perturbations", rows,
                            "--treatment-vectors", table, "--out", self.folder / "rows.h5ad",
                            "--progress", "none")
        self.assertEqual(done.returncode, 0, done.stderr)
        predicted = anndata.read_h5ad(self.folder / "rows.h5ad")
        self.assertEqual(set(predicted.obs["condition"]), {"IL6", "IFNB1"})
        table.write_text("IL6\t0.9\n")
        done = programs.run("unlasting", *one, "--treatment-vectors", table, "--out", out)
        self.assertEqual(done.returncode, 2)
        self.assertIn("vector", done.stderr)


if __name__ == "__main__":
    unittest.main()
