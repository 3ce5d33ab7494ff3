"""Models that serve and are replaced, again and again; the server's memory stays as it was."""

import os
import shutil

from measures import (flat, megabytes, metrics, point_to, programs, resident, start, total,
                      wait_until_idle)


def sound_bundles(folder):
    """Two that take turns: UNLASTING_STRESS_BUNDLE twice, else tiny ones of different weights."""
    given = os.environ.get("UNLASTING_STRESS_BUNDLE")
    if not given:
        return [programs.write_tiny_bundle(folder, f"turn{k}") for k in range(2)]
    return [shutil.copytree(given, folder / f"turn{k}") for k in range(2)]


def replace_models(folder, count):
    print(f"\n### {count} models replaced under load\n")
    bundles = sound_bundles(folder)
    current = folder / "turns"
    point_to(current, bundles[0])
    with programs.Server("--bundle", f"m={current}", "--watch-seconds", 0.1) as server:
        load = start("unlasting", "load", "--server", server.address, "--concurrency", 8,
                     "--duration", 86400, "--cells", "1,4,16,30")
        memory = []
        calls = 0
        for done in range(1, count + 1):
            served = calls + 20
            # The model that goes has served.
            programs.wait_until(
                lambda: total(metrics(server), "unlasting_requests_total") >= served,
                "twenty calls on the new model")
            calls = total(metrics(server), "unlasting_requests_total")
            point_to(current, bundles[done % 2])
            programs.wait_until(
                lambda: total(metrics(server), "unlasting_model_reloads_total") >= done,
                "the model is reloaded")
            if done % 5 == 0:
                memory.append(resident(server))
        load.kill()
        load.communicate()
        wait_until_idle(server)
        print(f"- calls: {int(calls)}, while {count} models took turns")
        print("- resident memory, after every 5 models: "
              + ", ".join(megabytes(size) for size in memory))
        ok = flat(memory)
        print(f"- memory flat: {'yes' if ok else 'NO'}")
        assert server.stop() == 0
    return ok
