"""What is attacked: a server with limits of tens of MiB, its memory, and a well-behaved client."""

import contextlib
import hashlib
import json
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "client"))

import grpc  # noqa: E402
import programs  # noqa: E402

STUBS = programs.stubs()

from unlasting.v1 import (model_service_pb2, model_service_pb2_grpc,  # noqa: E402
                          prediction_service_pb2, prediction_service_pb2_grpc)

MIB = 1 << 20
PREDICT = "/unlasting.v1.PredictionService/Predict"
REGISTER = "/unlasting.v1.PredictionService/RegisterControls"
FEATURIZE = "/unlasting.v1.PredictionService/FeaturizeMolecule"

LIMITS = {
    "limits": {"max_message_bytes": 8 * MIB, "read_patience_seconds": 3},
    "memory": {"max_incoming_bytes": 32 * MIB, "transport_bytes": 32 * MIB,
               "max_queued_bytes": 32 * MIB, "max_client_bytes": 24 * MIB,
               "control_store_bytes": 16 * MIB, "response_queue_bytes": MIB},
}
# What a caller without a token may take, and one with.
STRANGERS_MEMORY = 64 * MIB
CALLERS_MEMORY = int(1.25 * (32 + 32 + 32 + 16) * MIB)

TOKENS = {"alice": "a" * 40, "bob": "b" * 40, "carol": "c" * 40}


def eventually(predicate, patience=60):
    """Whether predicate() becomes true."""
    try:
        programs.wait_until(predicate, "the predicate", patience)
    except AssertionError:
        return False
    return True


def bearer(name):
    return (("authorization", f"Bearer {TOKENS[name]}"),)


class Target:
    """A running server; use as a context manager."""

    def __init__(self, *arguments, files=None, settings=None, bundle=None, listen="127.0.0.1:0",
                 read_log=True):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="attack-"))
        self.bundle = bundle or self.folder / "tiny"
        if bundle is None:
            subprocess.run([str(programs.BIN / "write_attack_bundle"), str(self.bundle)], check=True)
        tokens = self.folder / "tokens"
        tokens.write_text("".join(
            f"{name} predict {hashlib.sha256(token.encode()).hexdigest()}\n"
            for name, token in TOKENS.items()))
        config = {key: dict(value) for key, value in LIMITS.items()}
        for group, values in (settings or {}).items():
            config.setdefault(group, {}).update(values)
        config_file = self.folder / "server.json"
        config_file.write_text(json.dumps(config))
        limit = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))) if files else None
        self.process = subprocess.Popen(
            [str(programs.BIN / "unlasting-server"), "--listen", listen, "--admin-listen",
             "127.0.0.1:0", "--log-format", "json", "--device", "cpu", "--threads", "1",
             "--bundle", str(self.bundle), "--auth-tokens", str(tokens), "--config",
             str(config_file), *map(str, arguments)],
            stderr=subprocess.PIPE, text=True, preexec_fn=limit)
        self.events = []
        self.reader = threading.Thread(
            target=lambda: self.events.extend(map(json.loads, self.process.stderr)), daemon=True)
        try:
            self._wait_until_listening()
        except BaseException:
            self.__exit__()
            raise
        self.address = (listen if listen.startswith("unix:")
                        else f"127.0.0.1:{self.events[-1]['port']}")
        self.front = self.address  # where attackers and clients connect
        self.admin = next(event["port"] for event in self.events
                          if event["event"] == "admin listening")
        if read_log:
            self.reader.start()

    def _wait_until_listening(self):
        for line in self.process.stderr:
            if not line.startswith("{"):
                raise RuntimeError(f"the server ended: {line}")
            self.events.append(json.loads(line))
            if self.events[-1]["event"] == "listening":
                return
        raise RuntimeError(f"the server ended: {self.process.wait()}: {self.events}")

    def get(self, path):
        """Status and body of a page of the admin port."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}{path}", timeout=20) as page:
                return page.status, page.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def resident(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) << 10

    def alive(self):
        return self.process.poll() is None

    def calls_logged(self, **fields):
        return [event for event in list(self.events) if event["event"] == "call"
                and all(event.get(key) == value for key, value in fields.items())]

    def channel(self):
        return grpc.insecure_channel(self.front, options=[
            ("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)])

    @contextlib.contextmanager
    def asking(self, name):
        with self.channel() as channel:
            yield lambda: predict(channel, request(), name, timeout=30)

    def stop(self, patience=60, number=signal.SIGTERM):
        """Seconds that the end took, and the exit status."""
        start = time.monotonic()
        self.process.send_signal(number)
        try:
            status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        return time.monotonic() - start, status

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.alive():
            self.process.kill()
            self.process.wait()
        if self.reader.is_alive():
            self.reader.join()
        self.process.stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def request(genes=("G1",), cells=1, **fields):
    made = prediction_service_pb2.PredictRequest(**fields)
    made.panel.cell_type = "T0"
    made.panel.cells = cells
    made.perturbations.add().genes.genes.extend(genes)
    return made


def predict(channel, made, name="alice", timeout=60):
    """The code of a whole call."""
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    try:
        for _ in stub.Predict(made, timeout=timeout, metadata=bearer(name)):
            pass
        return "OK"
    except grpc.RpcError as error:
        return error.code().name


class Memory:
    """The highest resident memory of a target while this is open."""

    def __init__(self, target):
        self.target = target

    def __enter__(self):
        self.before = self.peak = self.target.resident()
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()
        return self

    def _watch(self):
        while not self.stopped.wait(0.02):
            with contextlib.suppress(OSError, IndexError):
                self.peak = max(self.peak, self.target.resident())

    def __exit__(self, *unused):
        self.stopped.set()
        self.thread.join()
        self.after = self.target.resident() if self.target.alive() else 0

    @property
    def rise(self):
        return self.peak - self.before


class GoodClient:
    """Another caller, who makes small calls one after another; how they fare is what counts. `target`
    gives the way to make them: `asking(name)`, a context manager whose function makes a call and
    returns "OK" or what was wrong."""

    def __init__(self, target, name="bob"):
        self.target, self.name = target, name
        self.seconds, self.failed = [], []

    def __enter__(self):
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        return self

    def _run(self):
        with self.target.asking(self.name) as ask:
            while not self.stopped.is_set():
                start = time.monotonic()
                code = ask()
                if code == "OK":
                    self.seconds.append(time.monotonic() - start)
                else:
                    self.failed.append(code)
                self.stopped.wait(0.05)

    def __exit__(self, *unused):
        self.stopped.set()
        self.thread.join()

    @property
    def median(self):
        return sorted(self.seconds)[len(self.seconds) // 2] if self.seconds else float("inf")

    @property
    def worst(self):
        return max(self.seconds, default=float("inf"))
