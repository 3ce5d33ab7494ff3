"""PIE (arc-pie 1.0.0) is trained on knowledge sources and data that it downloads, and its answers are chances of
differential expression and mean changes, no cells. Its own training is started, so that its own words say what it
lacks."""
import os
import pathlib
import subprocess
import sys

from cells import Task

task = Task(__doc__)
work = pathlib.Path(task.out + ".work").absolute()
work.mkdir(parents=True, exist_ok=True)
folders = {f"PIE_{name}": str(work) for name in ("DATA_ROOT", "RUNS_ROOT", "CACHE_DIR")}
done = subprocess.run([pathlib.Path(sys.executable).with_name("pie"), "train", "experiment=replogle_xdataset",
                       "logger.enabled=false"], cwd=work, env=os.environ | folders, stdout=sys.stdout,
                      stderr=subprocess.STDOUT)
raise SystemExit(done.returncode or "no cells were predicted")
