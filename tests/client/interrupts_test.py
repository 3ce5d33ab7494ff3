"""Ctrl-C as users meet it: the first stops a command in an orderly way, the second at once.

A proxy stands between the client and a server and keeps calls waiting where a test wants to
interrupt one, so that no test depends on how fast anything is.
"""

import concurrent.futures
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

import grpc

import programs
from wait_until import PATIENCE


class Proxy(grpc.GenericRpcHandler):
    """Hands bytes to and fro. Calls of Predict beyond `passing` are held until they are cancelled;
    with `broken` they fail as those of a server that has gone."""

    def __init__(self, address, passing=0, broken=False):
        self.passing, self.broken = passing, broken
        self.predicts = 0
        self.lock, self.held, self.left = threading.Lock(), threading.Event(), threading.Event()
        self.channel = grpc.insecure_channel(address)
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(8), handlers=[self])
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def service(self, details):
        method = details.method
        if method.endswith("/Predict"):
            return grpc.unary_stream_rpc_method_handler(
                lambda request, context: self.predict(method, request, context))
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self.channel.unary_unary(method)(request))

    def predict(self, method, request, context):
        with self.lock:
            self.predicts += 1
            passes = self.predicts <= self.passing
        if self.broken:
            self.held.set()
            context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
        if passes:
            yield from self.channel.unary_stream(method)(request)
            return
        over = threading.Event()
        if not context.add_callback(over.set):
            over.set()
        self.held.set()
        over.wait()
        self.left.set()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.server.stop(None).wait()
        self.channel.close()


class InterruptsTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.bundles = pathlib.Path(tempfile.mkdtemp())
        cls.server = programs.Server("--bundle", programs.write_tiny_bundle(cls.bundles))

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        shutil.rmtree(cls.bundles)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.out = self.folder / "out.h5ad"

    def tearDown(self):
        shutil.rmtree(self.folder)

    def start(self, *arguments):
        process = subprocess.Popen([str(programs.BIN / "unlasting"), *map(str, arguments)],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        return process

    def interrupt(self, process, number=signal.SIGINT):
        """What a process that a signal stops says: stdout, and its one line on stderr."""
        process.send_signal(number)
        out, error = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 1, error)
        self.assertEqual(error.count("\n"), 1, error)
        return out, error

    def predict(self, address):
        return self.start("predict", "--server", address, "--panel", 5, "--cell-type", "T0",
                          "--gene", "G1", "--progress", "none", "--out", self.out)

    def screen(self, address, *more):
        table = self.folder / "table.tsv"
        table.write_text("gene\nG0\nG1\nG2\nG3\nG4\n")
        return ["screen", "--server", address, "--panel", 5, "--cell-type", "T0",
                "--perturbations", table, "--batch", 1, "--streams", 1, "--progress", "none",
                "--out", self.out, *more]

    def wait(self, event, what, process):
        programs.wait_until(lambda: event.is_set() or process.poll() is not None, what)
        self.assertTrue(event.is_set(), process.poll())

    def test_a_prediction_is_called_off_and_leaves_no_file(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with Proxy(self.server.address) as proxy:
                process = self.predict(proxy.address)
                self.wait(proxy.held, "the call", process)
                out, error = self.interrupt(process, number)
                programs.wait_until(proxy.left.is_set, "the server hears of it")
            self.assertIn(f"interrupted; {self.out} was not written", error)
            self.assertEqual(out, "")
            self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_screen_keeps_what_is_done_and_goes_on_from_there(self):
        with Proxy(self.server.address, passing=2) as proxy:
            process = self.start(*self.screen(proxy.address))
            self.wait(proxy.held, "the third call", process)
            _, error = self.interrupt(process)
            programs.wait_until(proxy.left.is_set, "the server hears of it")
        self.assertIn(f"interrupted; 2 of 5 perturbations are kept in {self.out}.parts", error)
        self.assertIn("--resume", error)
        self.assertFalse(self.out.exists())
        with Proxy(self.server.address, passing=5) as proxy:
            done = programs.run("unlasting", *self.screen(proxy.address, "--resume"))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(proxy.predicts, 3)
        resumed = programs.read_x(self.out)
        self.out.unlink()
        done = programs.run("unlasting", *self.screen(self.server.address))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((programs.read_x(self.out) == resumed).all())

    def test_load_reports_the_calls_that_were_done(self):
        for loop in (("--concurrency", 2), ("--rate", 50)):
            with Proxy(self.server.address, passing=3) as proxy:
                process = self.start("load", "--server", proxy.address, *loop, "--duration", 3600,
                                     "--solver-steps", 2, "--cells", 2, "--json")
                self.wait(proxy.held, "the fourth call", process)
                out, error = self.interrupt(process)
            self.assertIn("interrupted after", error)
            said = json.loads(out)
            self.assertTrue(said["interrupted"])
            self.assertLessEqual(said["calls"], 3)
            self.assertEqual(said["failed"], 0, said)
            self.assertLess(said["seconds"], 3600)

    def test_a_client_that_waits_to_try_again_stops(self):
        with Proxy(self.server.address, broken=True) as proxy:
            process = self.predict(proxy.address)
            self.wait(proxy.held, "a call that fails", process)
            _, error = self.interrupt(process)
        self.assertIn("interrupted", error)

    def test_a_client_that_waits_for_a_connection_stops(self):
        # A machine that takes connections and never speaks.
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"127.0.0.1:{silent.getsockname()[1]}"
            for arguments in (("models",), ("health",), ("load", "--rate", 1),
                              self.screen(address)):
                process = self.start(arguments[0], "--server", address, "--connect-timeout", 3600,
                                     *[word for word in arguments[1:]
                                       if word not in ("--server", address)])
                connection, _ = silent.accept()
                with connection:
                    _, error = self.interrupt(process)
                self.assertIn("unlasting: interrupted", error)

    def test_a_second_signal_ends_a_client_that_the_first_does_not_reach(self):
        pipe = self.folder / "table.tsv"
        arguments = self.screen(self.server.address)
        pipe.unlink()
        subprocess.run(["mkfifo", str(pipe)], check=True)
        process = self.start(*arguments)
        # Opened once the client reads the table, which never comes.
        with open(pipe, "w"):
            process.send_signal(signal.SIGINT)
            programs.wait_until(lambda: not pending(process.pid), "the first signal")
            self.assertIsNone(process.poll())
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, -signal.SIGINT)
        self.assertFalse(self.out.exists())


def pending(pid):
    """Whether a process has signals that were not delivered yet."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return any(int(line.split()[1], 16) != 0 for line in status.splitlines()
               if line.startswith(("SigPnd", "ShdPnd")))


if __name__ == "__main__":
    unittest.main()
