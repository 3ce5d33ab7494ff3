#!/usr/bin/env python3
"""Runs of `fit` that lose a process: what they say, and that --resume goes on from their files."""
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from wait_until import wait_until  # noqa: E402

program, root, has_ranks = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3] == "1"
work = pathlib.Path(tempfile.mkdtemp())
source = root / "tests/data/golden/zhao2021_glioblastoma_panobinostat_300g.h5ad"
long_run = ["steps=100000"]


def command(out, *settings, flags=()):
    every = ["dim=8", "hidden=16", "mask_steps=4", "batch_size=8", "genes=40", "threads=1",
             "log_every=1", "checkpoint_minutes=0", "split=covariates",
             "hold_out=cell_type=PW034", *settings]
    return [program, "fit", "--data", str(source), "--out", str(out), "--progress", "plain", *flags,
            *(part for setting in every for part in ("--set", setting))]


def start(*arguments, **more):
    return subprocess.Popen(command(*arguments, **more), stderr=subprocess.PIPE, text=True)


def wait_for(process, words):
    seen = []
    for line in process.stderr:
        seen.append(line)
        if line.startswith(words):
            return
    raise AssertionError(f"ended before '{words}': {''.join(seen)}")


def lines_of(out, key):
    log = pathlib.Path(f"{out}.training") / "training.jsonl"
    return [line for line in map(json.loads, log.read_text().splitlines()) if key in line]


def last_step(out):
    steps = [line["step"] for line in lines_of(out, "loss")]
    assert steps == list(range(1, len(steps) + 1)), "steps of the log are not 1, 2, 3, ..."
    return len(steps)


def follow_log(out, steps):
    """Until so many more steps are in the log: progress by what is written, not by time."""
    log = pathlib.Path(f"{out}.training") / "training.jsonl"
    seen, identity = 0, None

    def enough():
        nonlocal seen, identity
        try:
            now = log.stat().st_ino
        except FileNotFoundError:
            return False
        seen += now != identity
        identity = now
        return seen >= steps

    wait_until(enough, f"{steps} steps in {log}")


def killed_at_any_moment():
    """Every step writes a checkpoint, so that kills fall into writes."""
    out, draws = work / "killed", random.Random(5)
    for attempt in range(12):
        process = start(out, *long_run, flags=["--resume"])
        wait_for(process, "denoiser")
        follow_log(out, draws.randrange(1, 8))
        process.kill()
        process.wait()
        assert process.returncode == -signal.SIGKILL
    before = last_step(out)
    assert before > 12, before
    # Half-written files of the killed runs are gone when the next one starts.
    process = start(out, *long_run, flags=["--resume"])
    wait_for(process, "denoiser")
    process.send_signal(signal.SIGINT)
    rest = process.communicate()[1]
    assert process.returncode == 1 and "interrupted at step" in rest, rest
    assert not list(pathlib.Path(f"{out}.training").glob(".*"))
    assert last_step(out) >= before - 1


def children(pid):
    return [int(text) for text in
            pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def lost_rank_is_named():
    out = work / "lost"
    process = start(out, *long_run, flags=["--ranks", "3"])
    wait_for(process, "denoiser")
    ranks = children(process.pid)
    assert len(ranks) == 2, ranks
    os.kill(ranks[1], signal.SIGKILL)
    messages = [line for line in process.communicate()[1].splitlines()
                if line.startswith("unlasting-train:")]
    assert process.returncode == 1, process.returncode
    assert len(messages) == 1 and "rank 2 of 3 was lost at step" in messages[0], messages
    assert not pathlib.Path(f"/proc/{ranks[0]}").exists(), "a rank stayed behind"
    before = last_step(out)
    process = start(out, *long_run, flags=["--resume"])
    wait_for(process, "denoiser")
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert last_step(out) > before


def lost_rank_zero_is_named():
    out = work / "headless"
    process = start(out, *long_run, flags=["--ranks", "2"])
    wait_for(process, "denoiser")
    process.kill()
    # Ends when the last process that writes to it has gone: rank 1.
    rest = process.stderr.read()
    process.wait()
    assert "rank 0 of 2 was lost" in rest, rest
    assert last_step(out) > 0


def two_ranks_write_the_bundle_of_one():
    losses, scores = [], []
    for name, flags in (("one", []), ("two", ["--ranks", "2"])):
        done = subprocess.run(command(work / name, "steps=30", "seed=7", flags=flags),
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        log = (work / name / "training.jsonl").read_text().splitlines()
        losses.append([(line["step"], line.get("loss", line.get("mask_loss")))
                       for line in map(json.loads, log) if "loss" in line or "mask_loss" in line])
        scores.append([(line["step"], line["held_out_e_distance"])
                       for line in map(json.loads, log) if "held_out_e_distance" in line])
        assert not pathlib.Path(f"{work / name}.training").exists()
    assert len(losses[0]) == 34
    for (step, one), (other, two) in zip(*losses):
        assert step == other and abs(one - two) < 1e-4, (step, one, two)
    # Rank 0 alone scores held-out cells, of the weights that all ranks have.
    assert [step for step, _ in scores[0]] == [0, 30], scores
    for (step, one), (other, two) in zip(*scores):
        assert step == other and abs(one - two) < 1e-3, (step, one, two)


def ranks_of_the_environment_train_together():
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    with_place = dict(os.environ, WORLD_SIZE="2", MASTER_ADDR="localhost", MASTER_PORT=str(port))
    ranks = [subprocess.Popen(command(work / "placed", "steps=3"), stderr=subprocess.PIPE, text=True,
                              env=dict(with_place, RANK=str(rank))) for rank in range(2)]
    ends = [(rank.communicate()[1], rank.returncode) for rank in ranks]
    assert [code for _, code in ends] == [0, 0], ends
    assert "training on 2 ranks" in ends[0][0] and ends[1][0] == "", ends
    assert (work / "placed" / "manifest.json").exists()


def bad_files_are_said_once():
    done = subprocess.run(command(work / "bad", "condition_column=none", flags=["--ranks", "2"]),
                          capture_output=True, text=True)
    messages = [line for line in done.stderr.splitlines() if line.startswith("unlasting-train:")]
    assert done.returncode == 2 and len(messages) == 1, done.stderr


killed_at_any_moment()
if has_ranks:
    two_ranks_write_the_bundle_of_one()
    lost_rank_is_named()
    lost_rank_zero_is_named()
    ranks_of_the_environment_train_together()
    bad_files_are_said_once()
else:
    done = subprocess.run(command(work / "none", flags=["--ranks", "2"]), capture_output=True,
                          text=True)
    assert done.returncode == 2 and "no Gloo" in done.stderr, done.stderr
print("all checks passed")
