"""The gateway before a live server: README's example as it is printed, errors, and a server that is down.

Skipped where build/unlasting-gateway was not built: scripts/gateway.sh --build.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "client"))

import programs  # noqa: E402

GATEWAY = ROOT / "build" / "unlasting-gateway"
DEMO = ROOT / "demo-out" / "thp1"
SKIPPED = 77


class Gateway:
    """A gateway on a free port; use as a context manager."""

    def __init__(self, server, *arguments):
        self.process = subprocess.Popen(
            [str(GATEWAY), "--server", server, "--listen", "127.0.0.1:0", *arguments],
            stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "listening" in line:
                self.address = line.split("address=")[1].split()[0]
                return
        raise RuntimeError(f"the gateway ended: {self.process.wait()}")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        self.process.wait()
        self.process.stderr.close()


def readme_example():
    """The first indented command of README.md that begins with curl."""
    blocks = re.findall(r"(?:^    .*\n)+", (ROOT / "README.md").read_text(), re.MULTILINE)
    commands = [block for block in blocks if block.startswith("    curl ")]
    first_request = next(block for block in blocks if "unlasting predict" in block or "curl" in block)
    assert first_request == commands[0], "README's first example is not curl"
    return re.sub(r"^    ", "", commands[0], flags=re.MULTILINE)


def run(command):
    done = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


class Served(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.server = programs.Server("--bundle", programs.write_tiny_bundle(cls.folder))
        cls.gateway = Gateway(cls.server.address)

    @classmethod
    def tearDownClass(cls):
        cls.gateway.__exit__()
        cls.server.stop()
        shutil.rmtree(cls.folder)

    def curl(self, path, *arguments, gateway=None):
        """HTTP status and body."""
        done = subprocess.run(
            ["curl", "-sS", "-w", "\n%{http_code}", f"{(gateway or self.gateway).address}{path}",
             *arguments], stdout=subprocess.PIPE, text=True, check=True)
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body

    def check_example(self, parts, gene):
        kinds = [kind for part in parts for kind in part["result"]]
        self.assertEqual((kinds[0], kinds[-1]), ("header", "finished"))
        self.assertIn("summary", kinds)
        self.assertEqual(parts[0]["result"]["header"]["perturbations"][0]["label"], gene)
        summary, = [part["result"]["summary"] for part in parts if "summary" in part["result"]]
        self.assertEqual(len(summary["ranked_genes"]), 3)

    def test_readmes_example_runs(self):
        # The small model has other names.
        command = readme_example()
        for printed, name in (("127.0.0.1:8080", self.gateway.address), ("thp1", "tiny"),
                              ("THP-1", "T0"), ("STAT1", "G1"), ('"cells": 100', '"cells": 10')):
            self.assertIn(printed, command)
            command = command.replace(printed, name)
        self.check_example(run(command), "G1")

    @unittest.skipUnless(DEMO.is_dir(), "scripts/demo.sh has not run here")
    def test_readmes_example_runs_on_the_demos_model(self):
        with programs.Server(f"--bundle=thp1={DEMO}") as server, Gateway(server.address) as gateway:
            command = readme_example().replace("127.0.0.1:8080", gateway.address)
            self.check_example(run(command), "STAT1")

    def test_errors_of_server_and_gateway_are_statuses(self):
        for path, body, status, reason in (
                ("/v1/predict", '{"model": "huge"}', 404, "UNKNOWN_MODEL"),
                ("/v1/predict", '{"model": "tiny"}', 400, "NO_CELLS"),
                ("/v1/predict", '{"pannel": {}}', 400, None),
                ("/v1/predict", '{"priority": 77}', 400, "NO_CELLS"),
                ("/v1/predict", "[" * 1000, 400, "MALFORMED_REQUEST")):
            found, text = self.curl(path, "-d", body)
            self.assertEqual(found, status, text)
            error = json.loads(text)["error"]
            self.assertTrue(error["message"])
            reasons = [detail.get("reason") for detail in error.get("details", [])]
            self.assertIn(reason, reasons + [None], text)
        self.assertIn("priority", self.curl("/v1/predict", "-d", '{"priority": 77}')[1])

    def test_a_server_that_is_down_is_503_with_the_reason(self):
        with programs.Server("--bundle", self.folder / "tiny") as server, \
                Gateway(server.address) as gateway:
            self.assertEqual(self.curl("/healthz", gateway=gateway)[0], 200)
            server.stop()
            for path, body in (("/v1/models", []), ("/healthz", []),
                               ("/v1/predict", ["-d", '{"model": "tiny"}'])):
                status, text = self.curl(path, *body, gateway=gateway)
                self.assertEqual(status, 503, text)
                error = json.loads(text)["error"]
                self.assertEqual(error["code"], 14)
                self.assertIn("connect", error["message"])


if __name__ == "__main__":
    if not GATEWAY.exists():
        print(f"{GATEWAY} was not built: scripts/gateway.sh --build")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)  # says why a test was skipped
