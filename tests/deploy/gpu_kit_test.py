"""What the GPU kit's run.sh makes of a machine, with programs of which the test knows what they do."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/support"))
from wait_until import wait_until  # noqa: E402
PARITY = """#!/bin/bash
for argument; do
  [[ "$argument" == --gtest_output=json:* ]] && echo '{"result": "%s"}' >"${argument#*json:}"
done
exit %d
"""
BENCH = """#!/bin/bash
for argument; do
  [[ "$argument" == --benchmark_out=* ]] && echo '{"benchmarks": []}' >"${argument#*=}"
done
exit 0
"""
SERVER = """#!/bin/bash
echo "server $*" >>"$(dirname "$0")/calls"
trap 'echo "server ended" >>"$(dirname "$0")/calls"; kill $!; exit 0' TERM
sleep 1000 &
wait
"""
CLIENT = """#!/bin/bash
echo "$*" >>"$(dirname "$0")/calls"
[[ "$1" != load ]] || echo '{"calls": 3}'
"""


def ended(process):
    """Whether a folder of /proc is that of no process, or of one that waits to be counted out."""
    try:
        return (process / "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


class GpuKitTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.kit = self.folder / "kit"
        for below in ("bin", "lib", "bundles/thp1"):
            (self.kit / below).mkdir(parents=True)
        shutil.copy(ROOT / "scripts/kit/run.sh", self.kit / "run.sh")
        (self.kit / "commit").write_text("abc\n")
        (self.folder / "cuda/lib64").mkdir(parents=True)
        (self.folder / "cuda/lib64/libcublas.so.13").write_text("")
        self.program("cuda_test", PARITY % ("COMPLETED", 0))
        self.program("cuda_engine_test", PARITY % ("COMPLETED", 0))
        self.program("cuda_bench", BENCH)

    def program(self, name, text, folder=None):
        path = (folder or self.kit / "bin") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def bare_tools(self):
        """A PATH of a machine without a device's tools and compilers."""
        tools = self.folder / "bare"
        tools.mkdir()
        for name in ("basename", "bash", "cat", "dirname", "grep", "head", "ls", "mkdir", "nproc", "sleep",
                     "tail", "timeout", "tr", "uname"):
            (tools / name).symlink_to(shutil.which(name))
        return tools

    def run_kit(self, *arguments, cuda="cuda", path="/usr/bin:/bin"):
        done = subprocess.run(
            [self.kit / "run.sh", *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={"PATH": path, "CUDA_HOME": str(self.folder / cuda), "HOME": str(self.folder)})
        summary = self.kit / "results/summary.json"
        return done, json.loads(summary.read_text()) if summary.exists() else None

    def test_passes_what_passes_and_leaves_its_json(self):
        done, summary = self.run_kit("--only", "parity", "--only", "engine", "--only", "bench")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(summary["commit"], "abc")
        self.assertEqual([summary[step]["state"] for step in ("parity", "engine", "bench")], ["passed"] * 3)
        self.assertEqual(set(summary), {"commit", "parity", "engine", "bench"})
        for name in ("parity", "engine", "bench"):
            json.loads((self.kit / f"results/{name}.json").read_text())

    def test_a_step_that_fails_is_named_and_stops_no_other(self):
        self.program("cuda_test", '#!/bin/bash\necho \'kernel said "no"\t\\\'\nexit 3\n')
        done, summary = self.run_kit("--only", "parity", "--only", "bench")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(summary["parity"]["state"], "failed")
        self.assertIn("kernel said no", summary["parity"]["reason"])
        self.assertEqual(summary["bench"]["state"], "passed")

    def test_what_the_machine_lacks_is_left_out_with_the_reason(self):
        done, summary = self.run_kit("--only", "parity", "--only", "memcheck", cuda="absent")
        self.assertEqual(done.returncode, 0)
        for step in ("parity", "memcheck"):
            self.assertEqual(summary[step]["state"], "left out")
            self.assertIn("libcublas.so.13", summary[step]["reason"])
        # Tests that skip themselves show nothing.
        self.program("cuda_test", PARITY % ("SKIPPED", 0))
        _, summary = self.run_kit("--only", "parity")
        self.assertEqual(summary["parity"]["state"], "left out")
        self.assertIn("no CUDA device", summary["parity"]["reason"])
        _, summary = self.run_kit("--only", "bench", "--only", "server", "--only", "memcheck")
        for step in ("bench", "server", "memcheck"):
            self.assertEqual(summary[step]["state"], "left out")
            self.assertIn("no CUDA device", summary[step]["reason"])
        (self.kit / "results/parity.json").unlink()
        shutil.rmtree(self.kit / "bundles/thp1")
        lacking = {"machine": "found no nvidia-smi", "memcheck": "found no compute-sanitizer",
                   "racecheck": "found no compute-sanitizer", "server": "the kit holds no bundle",
                   "training": "found no "}
        done, summary = self.run_kit(*(word for step in lacking for word in ("--only", step)),
                                     path=str(self.bare_tools()))
        self.assertEqual(done.returncode, 0, summary)
        for step, words in lacking.items():
            self.assertEqual(summary[step]["state"], "left out", step)
            self.assertIn(words, summary[step]["reason"])

    def test_a_sanitizer_at_hand_is_used_and_what_it_finds_fails_the_step(self):
        tools = self.folder / "tools"
        self.program("compute-sanitizer", '#!/bin/bash\n[[ "$2" != racecheck ]] || exit 9\n', tools)
        done, summary = self.run_kit("--only", "memcheck", "--only", "racecheck",
                                     path=f"{tools}:/usr/bin:/bin")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(summary["memcheck"]["state"], "passed")
        self.assertEqual(summary["racecheck"]["state"], "failed")

    def test_a_step_that_hangs_ends_with_all_that_it_started(self):
        self.program("cuda_test", f'#!/bin/bash\necho $$ >"{self.folder}/hangs"\nsleep 1000 & wait\n')
        done, summary = self.run_kit("--only", "parity", "--limit", "1")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(summary["parity"]["state"], "timed out")
        process = pathlib.Path("/proc") / (self.folder / "hangs").read_text().strip()
        wait_until(lambda: ended(process), "the program that hung ends")

    def test_the_server_is_loaded_and_ended(self):
        self.program("unlasting-server", SERVER)
        self.program("unlasting", CLIENT)
        done, summary = self.run_kit("--only", "server")
        self.assertEqual(done.returncode, 0, (self.kit / "results/server.txt").read_text())
        self.assertEqual(summary["server"]["state"], "passed")
        calls = (self.kit / "bin/calls").read_text()
        self.assertIn("--device cuda", calls)
        self.assertIn("server ended", calls)
        results = sorted(path.name for path in (self.kit / "results").glob("server-*.json"))
        self.assertEqual(results, [f"server-thp1-{load}.json" for load in ("1:1", "1:100", "32:100", "8:100")])
        # A server that ends at once fails the step, without a minute's wait.
        self.program("unlasting-server", "#!/bin/bash\nexit 1\n")
        self.program("unlasting", "#!/bin/bash\nexit 1\n")
        done, summary = self.run_kit("--only", "server")
        self.assertEqual(summary["server"]["state"], "failed")
        self.assertIn("did not become ready", summary["server"]["reason"])

    def test_bad_arguments_are_refused_by_name(self):
        for arguments, words in ((["--only", "speed"], "found 'speed', expected one of machine parity"),
                                 (["--limit", "0"], "found '0', expected whole seconds"),
                                 (["--limit"], "--limit: expected a value"),
                                 (["--fast"], "unknown option '--fast'")):
            done, summary = self.run_kit(*arguments)
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr)
            self.assertIsNone(summary)


if __name__ == "__main__":
    unittest.main()
