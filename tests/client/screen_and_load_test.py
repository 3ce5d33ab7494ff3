"""Screens and load as users meet them: killed servers, bad rows, resumption, percentiles."""

import json
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

import h5py

import programs


class ScreenAndLoadTest(unittest.TestCase):

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.bundle = programs.write_tiny_bundle(self.folder)
        self.table = self.folder / "screen.tsv"
        self.table.write_text("gene\n" + "".join(f"G{k % 6}+U{k % 2}\n" for k in range(60)))
        self.out = self.folder / "screen.h5ad"

    def tearDown(self):
        shutil.rmtree(self.folder)

    def arguments(self, address):
        return ["screen", "--server", address, "--panel", 20, "--cell-type", "T0",
                "--perturbations", self.table, "--batch", 2, "--progress", "none", "--json",
                "--solver-steps", 40, "--out", self.out]

    def test_a_screen_survives_a_server_that_is_killed_and_started_again(self):
        server = programs.Server("--bundle", self.bundle)
        screen = subprocess.Popen(
            [str(programs.BIN / "unlasting"), *map(str, self.arguments(server.address))],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        parts = pathlib.Path(f"{self.out}.parts")
        programs.wait_until(lambda: len(list(parts.glob("part-*"))) >= 3
                            or screen.poll() is not None, "three parts of the screen")
        server.stop(signal.SIGKILL)
        self.assertIsNone(screen.poll(), "the screen waits for the server")
        with programs.Server("--bundle", self.bundle, listen=server.address):
            out, error = screen.communicate()
        self.assertEqual(screen.returncode, 0, error)
        self.assertEqual(json.loads(out)["predicted_cells"], 60 * 20)
        self.assertEqual(programs.read_x(self.out).shape, (60 * 20, 24))
        self.assertFalse(parts.exists())

    def test_a_screen_that_is_stopped_goes_on(self):
        with programs.Server("--bundle", self.bundle) as server:
            screen = subprocess.Popen(
                [str(programs.BIN / "unlasting"), *map(str, self.arguments(server.address))],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            parts = pathlib.Path(f"{self.out}.parts")
            programs.wait_until(lambda: len(list(parts.glob("part-*"))) >= 3
                                or screen.poll() is not None, "three parts of the screen")
            screen.kill()
            screen.wait()
            self.assertFalse(self.out.exists())
            again = programs.run("unlasting", *self.arguments(server.address))
            self.assertEqual(again.returncode, 2)
            self.assertIn("--resume", again.stderr)
            done = programs.run("unlasting", *self.arguments(server.address), "--resume")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(json.loads(done.stdout)["predicted_cells"], 60 * 20)

    def test_bad_rows_of_a_screen_are_listed_and_mended_by_resume(self):
        self.table.write_bytes("\ufeffGene\tName\nG1\tfirst\nNOSUCH\tmine\nG2+\t\nG3\t\n".encode())
        ranking, errors = self.folder / "screen.ranking.tsv", self.folder / "screen.errors.tsv"
        with programs.Server("--bundle", self.bundle) as server:
            done = programs.run("unlasting", *self.arguments(server.address))
            self.assertEqual(done.returncode, 0, done.stderr)
            said = json.loads(done.stdout)
            self.assertEqual((said["perturbations"], said["bad_rows"]), (2, 2))
            self.assertIn("2 of 4 rows were not predicted", done.stderr)
            rows = [line.split("\t") for line in errors.read_text().splitlines()[1:]]
            self.assertEqual([(row[0], row[1], row[2]) for row in rows],
                             [("3", "mine", "UNKNOWN_GENE"), ("4", "", "INVALID_ROW")])
            self.table.write_text("gene\tname\nG1\tfirst\nG0\tmine\nG3\t\n")
            done = programs.run("unlasting", *self.arguments(server.address), "--resume")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertFalse(errors.exists())
            self.assertFalse(pathlib.Path(f"{self.out}.parts").exists())
            self.assertEqual(json.loads(done.stdout)["servers"][0]["completed_requests"], 1)
        header, *rows = [line.split("\t") for line in ranking.read_text().splitlines()]
        self.assertEqual([row[0] for row in rows], ["1", "2", "3"])
        changes = [float(row[header.index("change")]) for row in rows]
        self.assertEqual(changes, sorted(changes, reverse=True))
        self.assertEqual({row[header.index("name")] for row in rows}, {"first", "mine", ""})
        self.assertTrue(all(row[header.index("seen_together")] == "yes" for row in rows))
        with h5py.File(self.out) as file:
            names = file["obs/name/categories"].asstr()[()]
            self.assertEqual(set(names), {"first", "mine", ""})

    def test_a_screen_without_a_good_row_fails_at_its_first_line(self):
        self.table.write_bytes(b"gene\nG\xe91\n")
        with programs.Server("--bundle", self.bundle) as server:
            done = programs.run("unlasting", *self.arguments(server.address))
        self.assertEqual(done.returncode, 2)
        self.assertIn("line 2: the model 'tiny' does not know G\u00e91", done.stderr)
        self.assertFalse(self.out.exists())

    def test_a_note_on_the_whole_screen_is_said_once(self):
        self.table.write_text("gene\nG1\nG3\n")
        with programs.Server("--bundle", self.bundle) as server:
            arguments = [word if word != "T0" else "T1" for word in self.arguments(server.address)]
            done = programs.run("unlasting", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.count("T1 was never perturbed in training"), 1, done.stderr)

    def test_load_tells_times_and_failures(self):
        with programs.Server("--bundle", self.bundle) as server:
            for loop in (("--rate", 30), ("--concurrency", 2)):
                done = programs.run("unlasting", "load", "--server", server.address, *loop,
                                    "--duration", 1, "--cells", "1,8", "--solver-steps", 2, "--json")
                self.assertEqual(done.returncode, 0, done.stderr)
                said = json.loads(done.stdout)
                self.assertGreater(said["calls"], 0)
                self.assertEqual(said["failed"], 0, said)
                self.assertLessEqual(said["latency_seconds"]["p50"], said["latency_seconds"]["p99"])
                self.assertIn("p90", said["queue_seconds"])
                self.assertIn("p99", said["compute_seconds"])
            done = programs.run("unlasting", "load", "--server", server.address)
            self.assertEqual(done.returncode, 2)
            self.assertIn("--rate", done.stderr)

    def test_sigterm_under_load_finishes_what_is_there_and_exits_0(self):
        server = programs.Server("--bundle", self.bundle)
        load = subprocess.Popen(
            [str(programs.BIN / "unlasting"), "load", "--server", server.address, "--concurrency",
             "8", "--duration", "3", "--cells", "30", "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        programs.wait_until(
            lambda: any(event["event"] == "call" and event["method"] == "Predict"
                        for event in list(server.events)), "a call of Predict in the log")
        self.assertEqual(server.stop(signal.SIGTERM), 0)
        out, error = load.communicate()
        self.assertEqual(load.returncode, 0, error)
        # What was admitted was finished; what came later was told that nobody is there, or cancelled
        # by a server that was closing when it arrived. Clients retry either.
        self.assertLessEqual(set(json.loads(out)["failures"]),
                             {"UNAVAILABLE", "SHUTTING_DOWN", "CANCELLED"})
        calls = [event for event in server.events if event["event"] == "call"]
        self.assertTrue(calls)
        reasons = {event.get("reason") for event in calls}
        self.assertLessEqual(reasons, {None})


if __name__ == "__main__":
    unittest.main()
