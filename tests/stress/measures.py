"""What the stress tests share: programs to start, metrics to read, memory to judge."""

import pathlib
import subprocess
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "client"))

import programs  # noqa: E402

# Memory may still rise by this much after the warm first part: fragmentation, not a leak.
ALLOWED_GROWTH = 1.10
ALLOWED_BYTES = 32 << 20


def admin_port(server):
    return next(event["port"] for event in server.events if event["event"] == "admin listening")


def metrics(server):
    """Name with labels, to value."""
    url = f"http://127.0.0.1:{admin_port(server)}/metrics"
    with urllib.request.urlopen(url, timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
            for line in lines if not line.startswith("#")}


def total(values, name):
    return sum(value for key, value in values.items()
               if key == name or key.startswith(name + "{"))


def resident(server):
    return int(metrics(server)["process_resident_memory_bytes"])


def by_label(values, name):
    found = {key[len(name) + 1:-1]: int(value) for key, value in values.items()
             if key.startswith(name + "{")}
    return ", ".join(f"{key.split('=')[1].strip(chr(34))} {value}"
                     for key, value in sorted(found.items())) or "none"


def start(*command, **kwargs):
    return subprocess.Popen([str(programs.BIN / command[0]), *map(str, command[1:])], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kwargs)


def genes(count):
    """Flags for so many perturbations in one call."""
    return [word for k in range(count) for word in ("--gene", f"G{k % 6}")]


def megabytes(size):
    return f"{size / 2**20:.1f} MiB"


def flat(samples):
    """Whether the last of some memory samples is about the one after a first third."""
    base = samples[len(samples) // 3]
    return samples[-1] <= max(base * ALLOWED_GROWTH, base + ALLOWED_BYTES)


def wait_until_idle(server):
    programs.wait_until(lambda: total(metrics(server), "unlasting_queued_rows") == 0,
                        "no rows are queued")


def point_to(link, bundle):
    """Has a link lead to a bundle, at one stroke."""
    next_link = link.with_name("next")
    next_link.symlink_to(bundle)
    next_link.rename(link)
