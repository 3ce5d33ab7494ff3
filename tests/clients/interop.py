"""One server, many languages: each prints the SHA-256 of the same prediction. See scripts/interop.sh."""

import base64
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "client"))

import anndata  # noqa: E402
import numpy as np  # noqa: E402

import programs  # noqa: E402
import triton_test  # noqa: E402

CLIENTS = ROOT / "clients"
# grpcio and protobuf that go together, the oldest first.
PYTHONS = (("1.51.3", "4.21.12"), ("1.66.2", "5.29.6"), ("1.85.3", "6.33.6"), ("1.85.3", "7.36.2"))


class NotThere(Exception):
    """A language or a tool that this machine does not have."""


def need(*names):
    for name in names:
        if not shutil.which(name):
            raise NotThere(f"{name} is not there")


def output(*command, cwd=ROOT, **environment):
    done = subprocess.run([str(part) for part in command], cwd=cwd, text=True,
                          env={**os.environ, **environment}, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stdout[-500:]} {done.stderr[-1500:]}")
    return done.stdout.split()[-1] if done.stdout.split() else ""


class Interop:
    """What is asked of the server, in every language."""

    def __init__(self, address, model, cell_type, cells, gene, folder, bundle):
        self.question = (address, model, cell_type, str(cells), gene)
        self.address, self.folder, self.bundle = address, folder, bundle

    def command(self):
        """`unlasting predict`, whose file is read back."""
        address, model, cell_type, cells, gene = self.question
        out = self.folder / "cli.h5ad"
        output(programs.BIN / "unlasting", "predict", "--server", address, "--model", model,
               "--panel", cells, "--cell-type", cell_type, "--gene", gene, "--out", out)
        return hashlib.sha256(programs.read_x(out).astype("<f4").tobytes()).hexdigest()

    def python(self, python="/usr/bin/python3"):
        return output(python, "-B", "-W", "ignore", CLIENTS / "python" / "digest.py",
                      *self.question, PYTHONPATH=str(CLIENTS / "python"))

    def python_with(self, grpcio, protobuf):
        venv = ROOT / "build" / "interop" / f"grpcio-{grpcio}-protobuf-{protobuf}"
        if not (venv / "ready").exists():
            output("python3", "-m", "venv", "--clear", venv)
            output(venv / "bin" / "pip", "install", "--quiet", f"grpcio=={grpcio}",
                   f"protobuf=={protobuf}", CLIENTS / "python")
            (venv / "ready").touch()
        return self.python(venv / "bin" / "python")

    def node(self):
        need("node")
        if not (CLIENTS / "node" / "node_modules").is_dir():
            raise NotThere("clients/node/node_modules is not there: npm ci --prefix clients/node")
        return output("node", CLIENTS / "node" / "examples" / "digest.js", *self.question)

    def go(self):
        need("go")
        output(ROOT / "scripts" / "go-stubs.sh")
        return output("go", "run", "./cmd/digest", *self.question, cwd=CLIENTS / "go")

    def gateway(self):
        """An address of a gateway, which is built and started once."""
        need("go")
        if not (ROOT / "gateway" / "gen").is_dir():
            output(ROOT / "scripts" / "go-stubs.sh")
        program = ROOT / "build" / "unlasting-gateway"
        output("go", "build", "-o", program, ".", cwd=ROOT / "gateway")
        with open(self.folder / "gateway.log", "wb") as log:
            self.front = subprocess.Popen(
                [program, "--server", self.address, "--listen", "127.0.0.1:0"], stdout=log,
                stderr=log)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            for line in (self.folder / "gateway.log").read_text().splitlines():
                if "listening" in line:
                    return "http://" + line.split("address=")[1].split()[0]
            time.sleep(0.05)
        raise RuntimeError("the gateway does not listen")

    def curl(self):
        need("curl")
        url, (_, model, cell_type, cells, gene) = self.gateway(), self.question
        self.url = url
        body = {"model": model, "panel": {"cell_type": cell_type, "cells": int(cells)},
                "perturbations": [{"genes": {"genes": [gene]}}]}
        done = subprocess.run(["curl", "-sSN", f"{url}/v1/predict", "-d", json.dumps(body)],
                              check=True, stdout=subprocess.PIPE, text=True)
        rows = {}
        for line in done.stdout.splitlines():
            chunk = json.loads(line)["result"].get("profiles")
            if chunk:
                data = np.frombuffer(base64.b64decode(chunk["matrix"]["raw"]["data"]), "<f4")
                values = data.reshape(int(chunk["matrix"]["rows"]), -1)
                rows.update(zip(chunk["control_indices"], values))
        ordered = np.stack([rows[k] for k in sorted(rows)])
        return hashlib.sha256(ordered.tobytes()).hexdigest()

    def r(self):
        need("Rscript")
        if not hasattr(self, "url"):
            raise NotThere("R needs the gateway")
        address, *rest = self.question
        done = subprocess.run(["Rscript", CLIENTS / "predict.R", self.url, *rest],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise RuntimeError(done.stdout[-1500:])
        found = float(done.stdout.split("sum of all values:")[1].split()[0])
        expected = programs.read_x(self.folder / "cli.h5ad").astype(np.float64).sum()
        if abs(found - expected) > 1e-9 * expected:
            raise RuntimeError(f"the values sum to {found}, expected {expected}")
        return "the same sum of all values"

    def panel_cells(self):
        """The values of the panel's cells that the others were asked about, [cells, genes]."""
        predicted = anndata.read_h5ad(self.folder / "cli.h5ad")
        reference = anndata.read_h5ad(self.bundle / "reference.h5ad")
        return reference[list(predicted.obs["control_cell"])].to_df()

    def triton(self):
        """The stock client of Triton, by the Open Inference Protocol, which has no panel: it sends the
        cells themselves."""
        try:
            python = triton_test.environment(ROOT / "build" / "triton")
        except subprocess.CalledProcessError as error:
            raise NotThere(f"tritonclient could not be installed: {error}") from error
        address, model, cell_type, _, gene = self.question
        cells = self.panel_cells()
        asked = self.folder / "asked.json"
        asked.write_text(json.dumps({
            "model": model, "genes": list(cells.columns), "cell_type": cell_type,
            "cells": cells.to_numpy().astype(float).tolist(), "knockout": [gene]}))
        done = subprocess.run([str(python), "-B", str(triton_test.CLIENT), address, "infer",
                               f"@{asked}"], stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(done.stdout)
        if "error" in found:
            raise RuntimeError(found["error"])
        return hashlib.sha256(bytes.fromhex(found["values"])).hexdigest()

    def java(self):
        need("mvn", "java")
        output("mvn", "-q", "-B", "compile", "dependency:build-classpath",
               f"-Dmdep.outputFile={self.folder}/classpath", cwd=CLIENTS / "java")
        path = (self.folder / "classpath").read_text()
        return output("java", "-cp", f"{CLIENTS / 'java' / 'target' / 'classes'}:{path}",
                      "com.unlasting.client.Digest", *self.question)

    def close(self):
        if hasattr(self, "front"):
            self.front.terminate()
            self.front.wait()


def report(interop, every):
    ways = [("unlasting", interop.command), ("Python, Debian's grpcio", interop.python),
            ("Node", interop.node)]
    if every:
        ways += [(f"Python, grpcio {grpcio}, protobuf {protobuf}",
                  lambda pair=(grpcio, protobuf): interop.python_with(*pair))
                 for grpcio, protobuf in PYTHONS]
        ways += [("Go", interop.go), ("curl, gateway", interop.curl), ("R, gateway", interop.r),
                 ("Java", interop.java),
                 ("tritonclient, Open Inference", interop.triton)]
    expected, well = None, True
    for name, way in ways:
        begin = time.monotonic()
        try:
            found = way()
            expected = expected or found
            same = found == expected or found.startswith("the same")
            word = found[:12] if found == expected else found
            well = well and same
            state = f"{word}  {'the same' if found == expected else '' if same else 'DIFFERENT'}"
        except NotThere as absent:
            state = f"skipped: {absent}"
        except (RuntimeError, subprocess.CalledProcessError) as error:
            well, state = False, f"FAILED: {error}"
        print(f"{name:36} {time.monotonic() - begin:6.1f} s  {state}", flush=True)
    return well


def main():
    every = "--all" in sys.argv[1:]
    folder = pathlib.Path(tempfile.mkdtemp())
    bundle = pathlib.Path(os.environ.get("BUNDLE") or programs.write_tiny_bundle(folder))
    manifest = json.loads((bundle / "manifest.json").read_text())
    with programs.Server("--bundle", bundle) as server:
        interop = Interop(server.address, manifest["name"], manifest["cell_types"][0], 20,
                          manifest["genes"][1], folder, bundle)
        try:
            well = report(interop, every)
        finally:
            interop.close()
    shutil.rmtree(folder)
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
