"""Runs a program under limits of processor time and memory, and says what it took: a program that fails, or runs out of
either, becomes a reason and never ends the comparison."""
import contextlib
import dataclasses
import os
import pathlib
import re
import signal
import subprocess
import time

PAGE, TICK = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class Outcome:
    reason: str  # "" where it ended well
    seconds: float  # of the processor, all its processes
    memory_mb: int  # the most that they held together


def processes_of(group):
    """The folders below /proc of a process group's processes, with the fields of their `stat` after the name. Processes
    may end while they are looked at."""
    for number in filter(str.isdigit, os.listdir("/proc")):
        folder = pathlib.Path("/proc") / number
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[2]) == group:
            yield folder, fields


def usage(group):
    """Processor seconds of a process group's processes, with those of children that have ended, and at most how many
    bytes they hold: pages that some share count for each."""
    seconds, memory = 0.0, 0
    for _, fields in processes_of(group):
        seconds += sum(map(int, fields[11:15])) / TICK
        memory += int(fields[21]) * PAGE
    return seconds, memory


def held_by(group):
    """Bytes that the processes of a process group hold; pages that some share count once."""
    memory = 0
    for folder, _ in processes_of(group):
        try:
            held = re.search(r"^Pss:\s+(\d+) kB", (folder / "smaps_rollup").read_text(), re.MULTILINE)
        except (FileNotFoundError, ProcessLookupError):
            continue
        memory += int(held[1]) * 1024 if held else 0
    return memory


def last_line(log):
    lines = [line.strip() for line in pathlib.Path(log).read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:400] if lines else "no output"


def run(command, log, seconds, memory_mb, **options):
    """Runs `command`, its output in the file `log`, at a low priority. Its processes are ended where together they
    exceed `seconds` of the processor or `memory_mb`, or where they wait: ten times `seconds` by the clock."""
    start, spent, most, reason = time.monotonic(), 0.0, 0, ""
    with open(log, "w") as output:
        process = subprocess.Popen(["nice", "-n", "10", *map(str, command)], stdout=output, stderr=subprocess.STDOUT,
                                   start_new_session=True, **options)
        try:
            while process.poll() is None and not reason:
                time.sleep(0.2)
                now, memory = usage(process.pid)
                spent = max(spent, now)
                if memory > most:
                    most = max(most, held_by(process.pid))
                if spent > seconds:
                    reason = f"out of time: {seconds} processor seconds"
                elif most > memory_mb * 2**20:
                    reason = f"out of memory: {memory_mb} MB"
                elif time.monotonic() - start > 10 * seconds:
                    reason = f"out of time: waits, {10 * seconds} s by the clock"
        finally:  # whatever ends the watching ends what is watched, with what it has left behind
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if reason:
        reason += f"; last words: {last_line(log)}"
    elif process.returncode:
        reason = last_line(log)
    return Outcome(reason, round(spent, 2), most // 2**20)
