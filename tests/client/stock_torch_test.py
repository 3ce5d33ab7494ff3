"""A bundle's .pt files in stock PyTorch give what the server gives, at any batch size."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import programs

SCRIPT = pathlib.Path(__file__).parent.parent / "core" / "bundle" / "torch" / "stock_torch.py"


class StockTorchTest(unittest.TestCase):

    def test_files_agree_with_the_server(self):
        folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        bundle = programs.write_tiny_bundle(folder)
        with programs.Server("--bundle", bundle) as server:
            for name, arguments, flags in (
                    ("gene", ["--gene", "G3"], ["--gene", "G3"]),
                    ("pair", ["--gene", "G1+U0"], ["--gene", "G1+U0"]),
                    ("drug", ["--smiles", "CC(=O)Oc1ccccc1C(=O)O", "--dose", "0.2uM"],
                     ["--smiles", "CC(=O)Oc1ccccc1C(=O)O", "--dose-um", "0.2"])):
                predicted = folder / f"{name}.h5ad"
                done = programs.run("unlasting", "predict", "--server", server.address, "--panel",
                                    "30", "--cell-type", "T1", "--progress", "none", "--out",
                                    predicted, *arguments)
                self.assertEqual(done.returncode, 0, done.stderr)
                done = subprocess.run(
                    [sys.executable, SCRIPT, bundle, bundle / "reference.h5ad", predicted, *flags],
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                self.assertEqual(done.returncode, 0, done.stdout)
                for batch in (1, 7, 64):
                    self.assertIn(f"batch {batch}: largest difference", done.stdout)


if __name__ == "__main__":
    unittest.main()
