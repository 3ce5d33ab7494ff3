"""Runs the programs that the build made, for tests of what users see."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from wait_until import wait_until  # noqa: E402,F401

BIN = pathlib.Path(os.environ["UNLASTING_BIN"])
PROTO = pathlib.Path(os.environ["UNLASTING_PROTO"])
GENES = [f"G{k}" for k in range(24)]


def run(program, *arguments, **kwargs):
    """The finished process, with stdout and stderr as text."""
    return subprocess.run([str(BIN / program), *map(str, arguments)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, **kwargs)


def write_tiny_bundle(folder, name="tiny", pairs=False):
    path = pathlib.Path(folder) / name
    subprocess.run([str(BIN / "write_tiny_bundle"), str(path), name, *["pairs"] * pairs], check=True)
    return path


class Server:
    """A server on free ports; use as a context manager."""

    def __init__(self, *arguments, listen="127.0.0.1:0", program=BIN / "unlasting-server"):
        self.process = subprocess.Popen(
            [str(program), "--listen", listen, "--admin-listen",
             "127.0.0.1:0", "--log-format", "json", "--device", "cpu", "--threads", "1",
             *map(str, arguments)],
            stderr=subprocess.PIPE, text=True)
        self.events = []
        for line in self.process.stderr:
            event = json.loads(line)
            self.events.append(event)
            if event["event"] == "listening":
                self.address = f"127.0.0.1:{event['port']}"
                break
        else:
            raise RuntimeError(f"the server ended: {self.process.wait()}")
        # Keeps the pipe from filling up.
        self.reader = threading.Thread(
            target=lambda: self.events.extend(map(json.loads, self.process.stderr)))
        self.reader.start()

    def stop(self, number=signal.SIGTERM):
        """The exit status after a signal."""
        self.process.send_signal(number)
        status = self.process.wait()
        self.reader.join()
        self.process.stderr.close()
        return status

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.stop()


def write_controls(path, cells=12, seed=1, condition="ctrl", cell_type="T0", scale=1.0, library=0):
    """An .h5ad file as anndata 0.8 writes it, dense counts; returns the counts.

    `library`: what obs has in a column of this name for every cell; 0: no such column.
    """
    counts = np.random.default_rng(seed).poisson(2.0, (cells, len(GENES))).astype(np.float32)
    counts *= scale
    names = np.array([f"cell{k}" for k in range(cells)], dtype=object)
    text = h5py.string_dtype()
    with h5py.File(path, "w") as file:
        file.attrs["encoding-type"] = "anndata"
        file.attrs["encoding-version"] = "0.1.0"
        x = file.create_dataset("X", data=counts)
        x.attrs["encoding-type"] = "array"
        x.attrs["encoding-version"] = "0.2.0"
        for frame, index, columns in (
                ("obs", names, {"condition": condition, "cell_type": cell_type}),
                ("var", np.array(GENES, dtype=object), {})):
            group = file.create_group(frame)
            group.attrs["encoding-type"] = "dataframe"
            group.attrs["encoding-version"] = "0.2.0"
            group.attrs["_index"] = "_index"
            group.attrs["column-order"] = np.array(list(columns), dtype=text)
            for name, values in {"_index": index, **{
                    key: np.array([value] * len(index), dtype=object)
                    for key, value in columns.items()}}.items():
                column = group.create_dataset(name, data=values, dtype=text)
                column.attrs["encoding-type"] = "string-array"
                column.attrs["encoding-version"] = "0.2.0"
        if library:
            obs = file["obs"]
            obs.attrs["column-order"] = np.array([*obs.attrs["column-order"], "library"], dtype=text)
            column = obs.create_dataset("library", data=np.full(cells, float(library)))
            column.attrs["encoding-type"] = "array"
            column.attrs["encoding-version"] = "0.2.0"
    return counts


def read_x(path):
    """X of an .h5ad file, dense."""
    with h5py.File(path) as file:
        x = file["X"]
        if isinstance(x, h5py.Dataset):
            return x[()]
        dense = np.zeros(tuple(x.attrs["shape"]), np.float32)
        indptr = x["indptr"][()]
        for row in range(len(indptr) - 1):
            part = slice(indptr[row], indptr[row + 1])
            dense[row, x["indices"][part]] = x["data"][part]
        return dense


def stubs():
    """A folder with Python stubs, made by the standard plugin, put on sys.path."""
    folder = tempfile.mkdtemp()
    third_party = PROTO / "third_party"
    protos = [str(path.relative_to(PROTO)) for path in (PROTO / "unlasting").rglob("*.proto")]
    protos += ["google/rpc/status.proto", "google/rpc/error_details.proto",
               "inference/grpc_service.proto"]
    plugin = subprocess.run(["which", "grpc_python_plugin"], check=True, stdout=subprocess.PIPE,
                            text=True).stdout.strip()
    subprocess.run(["protoc", f"-I{third_party}", f"-I{PROTO}", f"--python_out={folder}",
                    f"--grpc_out={folder}", f"--plugin=protoc-gen-grpc={plugin}", *protos],
                   check=True)
    sys.path.insert(0, folder)
    return folder
