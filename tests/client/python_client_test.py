"""A Python client, generated from the proto by the standard plugin, gets what `unlasting` gets."""

import pathlib
import shutil
import tempfile
import unittest

import grpc
import numpy as np

import programs

STUBS = programs.stubs()

from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from unlasting.v1 import (matrix_pb2, model_service_pb2, model_service_pb2_grpc,  # noqa: E402
                          perturbation_pb2, prediction_service_pb2, prediction_service_pb2_grpc)


def tearDownModule():
    shutil.rmtree(STUBS)


class PythonClientTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.server = programs.Server("--bundle", programs.write_tiny_bundle(cls.folder))
        cls.channel = grpc.insecure_channel(cls.server.address)
        cls.predictions = prediction_service_pb2_grpc.PredictionServiceStub(cls.channel)
        cls.models = model_service_pb2_grpc.ModelServiceStub(cls.channel)

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        cls.server.stop()
        shutil.rmtree(cls.folder)

    def request(self, counts):
        request = prediction_service_pb2.PredictRequest()
        request.cells.matrix.rows, request.cells.matrix.columns = counts.shape
        request.cells.matrix.raw.element_type = matrix_pb2.ELEMENT_TYPE_FLOAT32
        request.cells.matrix.raw.data = counts.astype("<f4").tobytes()
        request.cells.genes.names.extend(programs.GENES)
        request.cells.value_kind = matrix_pb2.VALUE_KIND_COUNTS
        request.cells.cell_types.append("T0")
        request.perturbations.add().genes.genes.extend(["G1", "G2"])
        molecule = request.perturbations.add().molecule
        molecule.smiles = "CC(=O)Oc1ccccc1C(=O)O"
        molecule.dose.value = 200
        molecule.dose.unit = perturbation_pb2.DOSE_UNIT_NANOMOLAR
        return request

    def test_gets_the_same_profiles_as_the_command(self):
        control = self.folder / "control.h5ad"
        out = self.folder / "predicted.h5ad"
        counts = programs.write_controls(control, cells=30)
        done = programs.run("unlasting", "predict", "--server", self.server.address, "--control",
                            control, "--gene", "G1+G2", "--smiles", "CC(=O)Oc1ccccc1C(=O)O",
                            "--dose", "0.2uM", "--out", out)
        self.assertEqual(done.returncode, 0, done.stderr)

        predicted = np.full((60, 24), np.nan, np.float32)
        finished = False
        for part in self.predictions.Predict(self.request(counts)):
            if part.HasField("header"):
                self.assertEqual(list(part.header.genes), programs.GENES)
                self.assertEqual(part.header.target_sum, 1000)
            elif part.HasField("profiles"):
                chunk = part.profiles
                values = np.frombuffer(chunk.matrix.raw.data, "<f4").reshape(-1, 24)
                rows = np.array(chunk.perturbation_indices) * 30 + np.array(chunk.control_indices)
                predicted[rows] = values
            elif part.HasField("finished"):
                finished = True
        self.assertTrue(finished)
        np.testing.assert_array_equal(predicted, programs.read_x(out))

    def test_lists_models(self):
        models = self.models.ListModels(model_service_pb2.ListModelsRequest()).models
        self.assertEqual([model.name for model in models], ["tiny"])

    def test_errors_have_standard_details(self):
        request = self.request(np.ones((2, 24)))
        request.perturbations[0].genes.genes[0] = "NOSUCH"
        with self.assertRaises(grpc.RpcError) as raised:
            list(self.predictions.Predict(request))
        self.assertEqual(raised.exception.code(), grpc.StatusCode.NOT_FOUND)
        trailers = dict(raised.exception.trailing_metadata())
        status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
        info = error_details_pb2.ErrorInfo()
        self.assertTrue(status.details[0].Unpack(info))
        self.assertEqual((info.reason, info.domain), ("UNKNOWN_GENE", "unlasting"))


if __name__ == "__main__":
    unittest.main()
