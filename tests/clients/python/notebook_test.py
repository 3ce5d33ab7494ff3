"""The notebook runs from its first cell to its last against a live server, and draws its pictures."""

import os
import pathlib
import shutil
import sys
import tempfile
import unittest

import nbformat
from nbclient import NotebookClient

from live import programs

ROOT = pathlib.Path(__file__).resolve().parents[3]


class Notebook(unittest.TestCase):

    def test_runs_through(self):
        folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        # A kernel of this very Python, whatever others are installed.
        kernel = folder / "kernels" / "python3"
        kernel.mkdir(parents=True)
        (kernel / "kernel.json").write_text(
            '{"argv": ["%s", "-B", "-m", "ipykernel_launcher", "-f", "{connection_file}"], '
            '"display_name": "Python 3", "language": "python"}' % sys.executable)
        os.environ["JUPYTER_PATH"] = str(folder)
        os.environ["PYTHONPATH"] = str(ROOT / "clients" / "python")
        notebook = nbformat.read(ROOT / "clients" / "python" / "notebook.ipynb", as_version=4)
        with programs.Server("--bundle", programs.write_tiny_bundle(folder)) as server:
            os.environ["UNLASTING_SERVER"] = server.address
            NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder}}).execute()
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        pictures = [output for output in outputs if "image/png" in output.get("data", {})]
        self.assertEqual(len(pictures), 2)
        self.assertTrue(any("UNKNOWN_GENE" in output.get("text", "") for output in outputs))


if __name__ == "__main__":
    unittest.main()
