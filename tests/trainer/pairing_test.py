#!/usr/bin/env python3
"""scripts/pairing.py on a simulated file and a bundle trained on it by the built program."""
import os
import re
import subprocess
import sys
import tempfile

program, root = sys.argv[1], sys.argv[2]
with tempfile.TemporaryDirectory() as work:
    data, bundle = os.path.join(work, "sim.h5ad"), os.path.join(work, "bundle")

    def run(*command):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run(program, "simulate", "--out", data, "--cells", "600", "--genes", "40", "--perturbations", "4",
        "--density", "0.6", "--dropout", "0.05", "--seed", "3", "--progress", "none")
    settings = ["genes=0", "split=cells", "dim=8", "hidden=16", "steps=20", "mask_steps=20"]
    run(program, "fit", "--data", data, "--out", bundle, "--progress", "none",
        *(part for setting in settings for part in ("--set", setting)))
    table = run("/usr/bin/python3", os.path.join(root, "scripts/pairing.py"), bundle, data)
    found = {name.strip(): (float(r), float(distance)) for name, r, distance in
             re.findall(r"^(\S.*?) +correlation (\S+) +distance (\S+)$", table, re.M)}
    assert set(found) == {"bridge", "fresh noise", "the twin itself"}, table
    # The bridge keeps what is a cell's own; fresh noise knows nothing of it.
    assert found["bridge"][0] > 0.6 > 0.3 > abs(found["fresh noise"][0]), table
    assert found["bridge"][1] < found["fresh noise"][1], table

    wrong = subprocess.run(["/usr/bin/python3", os.path.join(root, "scripts/pairing.py"),
                            os.path.join(work, "nothing"), data], capture_output=True, text=True)
    assert wrong.returncode != 0
