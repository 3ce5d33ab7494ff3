"""The stock client of Triton against a live server: a knockout and a drug are what Predict gives.

tritonclient comes from PyPI into a virtual environment below build/; where that cannot be made, the
test is skipped. The API is asked with the system's Python: tritonclient needs packages that Debian does
not have.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "client"))

import programs  # noqa: E402

VERSION = "2.73.0"
SKIPPED = 77
CLIENT = pathlib.Path(__file__).resolve().parent / "triton_client.py"


def environment(folder):
    """The Python of a virtual environment with tritonclient."""
    if not (folder / "ready").exists():
        subprocess.run([shutil.which("python3"), "-m", "venv", "--clear", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet",
                        f"tritonclient[grpc]=={VERSION}"], check=True)
        (folder / "ready").touch()
    return folder / "bin" / "python"


class Triton(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.server = programs.Server("--bundle", programs.write_tiny_bundle(cls.folder))

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        shutil.rmtree(cls.folder)

    def client(self, task, **question):
        """What triton_client.py prints for a task."""
        done = subprocess.run([str(PYTHON), "-B", str(CLIENT), self.server.address, task,
                               json.dumps(question)], stdout=subprocess.PIPE, text=True,
                              timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout)
        return json.loads(done.stdout)

    def predicted(self, cells, perturbation, seed):
        """What PredictionService.Predict gives, as hexadecimal bytes of float32 [n, N]."""
        import grpc
        from unlasting.v1 import prediction_service_pb2 as pb
        from unlasting.v1 import prediction_service_pb2_grpc as services
        request = pb.PredictRequest(perturbations=[perturbation])
        request.cells.genes.names.extend(programs.GENES)
        request.cells.matrix.rows, request.cells.matrix.columns = len(cells), len(programs.GENES)
        request.cells.matrix.packed.values.extend(value for row in cells for value in row)
        request.cells.value_kind = 2
        request.cells.cell_types.append("T0")
        request.options.seed = seed
        request.options.solver, request.options.eta = 1, 0.5
        request.options.content = 2
        data = b""
        with grpc.insecure_channel(self.server.address) as channel:
            for part in services.PredictionServiceStub(channel).Predict(request, timeout=60):
                data += part.profiles.matrix.raw.data
        self.assertEqual(len(data), 4 * len(cells) * len(programs.GENES))
        return data.hex()

    CELLS = [[round(0.25 * ((7 * row + 3 * column) % 11), 2) for column in range(24)]
             for row in range(5)]
    OPTIONS = {"solver": "ddim", "eta": 0.5}

    def test_a_knockout_and_a_drug_are_what_predict_gives(self):
        for seed in (1, 2):
            for stream in (False, True):
                asked = {"cells": self.CELLS, "genes": programs.GENES, "cell_type": "T0",
                         "parameters": {"seed": seed, **self.OPTIONS}, "stream": stream}
                knockout = self.client("infer", knockout=["G1"], **asked)
                self.assertEqual(knockout["shape"], [1, 5, 24])
                self.assertEqual(knockout["values"],
                                 self.predicted(self.CELLS, {"genes": {"genes": ["G1"]}}, seed))
                drug = self.client("infer", smiles=["CCO"], dose_um=[0.2], **asked)
                self.assertEqual(drug["values"], self.predicted(
                    self.CELLS, {"molecule": {"smiles": "CCO", "dose": {"value": 0.2, "unit": 3}}},
                    seed))
                self.assertNotEqual(drug["values"], knockout["values"])

    def test_server_and_models_are_described(self):
        found = self.client("describe", model="tiny")
        self.assertEqual([found[key] for key in ("live", "ready", "model_ready", "other_ready")],
                         [True, True, True, False])
        self.assertEqual(found["server"]["name"], "unlasting-server")
        self.assertEqual(
            [(tensor["name"], tensor["datatype"], tensor["shape"])
             for tensor in found["model"]["inputs"]],
            [("genes", "BYTES", ["24"]), ("cells", "FP32", ["-1", "24"]),
             ("cell_type", "BYTES", ["1"]), ("knockout", "BYTES", ["-1"]),
             ("smiles", "BYTES", ["-1"]), ("dose_um", "FP32", ["-1"])])
        self.assertEqual(
            [(tensor["name"], tensor["datatype"], tensor["shape"])
             for tensor in found["model"]["outputs"]], [("profiles", "FP32", ["-1", "-1", "24"])])

    def test_errors_name_the_input(self):
        asked = {"cells": self.CELLS, "genes": programs.GENES, "cell_type": "T0", "parameters": {}}
        for stream in (False, True):
            refused = self.client("infer", knockout=["NOSUCH"], stream=stream, **asked)
            self.assertIn("knockout[0]", refused["error"])
            asked_wrong = {**asked, "genes": programs.GENES[:-1] + ["NOSUCH"]}
            refused = self.client("infer", knockout=["G1"], stream=stream, **asked_wrong)
            self.assertIn("genes", refused["error"])

    def test_the_protocol_is_that_of_the_client(self):
        """Every message of ours has the fields, numbers and types of tritonclient's."""
        ours = self.folder / "ours"
        subprocess.run(["protoc", "-I", ROOT / "proto" / "third_party", f"--descriptor_set_out={ours}",
                        "inference/grpc_service.proto"], check=True)
        self.assertEqual(self.client("compare", descriptors=str(ours)), {"differences": [],
                                                                        "messages": 15})


if __name__ == "__main__":
    try:
        PYTHON = environment(pathlib.Path(os.environ["UNLASTING_TRITON_ENVIRONMENT"]))
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"tritonclient could not be installed: {error}")
        sys.exit(SKIPPED)
    sys.path.insert(0, programs.stubs())
    unittest.main()
