"""The long form of the attacks, as a table; scripts/attack.sh runs it."""

import argparse
import contextlib
import sys
import time

import callers
import gateway
import oip
import strangers
from fronts import Front
from target import (CALLERS_MEMORY, MIB, STRANGERS_MEMORY, GoodClient, Memory, Target, bearer,
                    predict, request)


def with_token(attack):
    return lambda target: attack(target, more=bearer("alice"))


def lasting(attack, seconds):
    return lambda target: attack(target, seconds=seconds)


def silent_uploads(target):
    with callers.SilentUploads(target):
        time.sleep(6)


def bulk(target):
    with callers.Bulk(target):
        time.sleep(10)


def tiny_calls(target):
    end = callers.tiny_calls(target)
    time.sleep(10)
    end()


def rows(short):
    """Number, what is done, the attack, how much memory may rise, whether it must hold bare."""
    seconds = 3 if short else 15
    return [
        ("1", "300 connections, 256 files", strangers.connections, STRANGERS_MEMORY, True),
        ("2", "strings that are empty, by strangers", strangers.parsing, STRANGERS_MEMORY, True),
        ("2", "the same with a token", with_token(strangers.parsing), CALLERS_MEMORY, True),
        ("3", "gzip bombs, by strangers", strangers.gzip_bombs, STRANGERS_MEMORY, True),
        ("3", "the same with a token", with_token(strangers.gzip_bombs), CALLERS_MEMORY, True),
        ("4", f"streams reset at once, {seconds} s", lasting(strangers.rapid_reset, seconds),
         STRANGERS_MEMORY, False),
        ("5", f"headers by reference, {seconds} s", lasting(strangers.hpack_references, seconds),
         STRANGERS_MEMORY, False),
        ("6", "messages of 2 GiB, declared", strangers.declared_length, STRANGERS_MEMORY, False),
        ("6", "the same with a token", with_token(strangers.declared_length), CALLERS_MEMORY, False),
        ("7", "thousands of molecules, fused rings", callers.preparation, CALLERS_MEMORY, True),
        ("8", "uploads that fall silent", silent_uploads, CALLERS_MEMORY, True),
        ("9", "20,000 gene pairs of a cell", callers.gene_pairs, CALLERS_MEMORY, True),
        ("10", "50 bulk streams", bulk, CALLERS_MEMORY, True),
        ("10", "4,000 tiny calls of one caller", tiny_calls, CALLERS_MEMORY, True),
        ("11", "another caller's cells", callers.anothers_cells, CALLERS_MEMORY, True),
        ("-", "streams of health", strangers.open_streams, STRANGERS_MEMORY, True),
        ("-", "floods of metadata", strangers.metadata_flood, STRANGERS_MEMORY, True),
        ("-", "bytes that trickle", strangers.trickle, STRANGERS_MEMORY, True),
        ("-", "bytes that are nonsense", strangers.nonsense, STRANGERS_MEMORY, True),
        ("2", "inference: tensors that are empty, by strangers", oip.parsing, STRANGERS_MEMORY, True),
        ("2", "inference: the same with a token", with_token(oip.parsing), CALLERS_MEMORY, True),
        ("3", "inference: gzip bombs, by strangers", oip.gzip_bombs, STRANGERS_MEMORY, True),
        ("3", "inference: the same with a token", with_token(oip.gzip_bombs), CALLERS_MEMORY, True),
        ("-", "inference: shapes and elements without end", oip.shapes, CALLERS_MEMORY, True),
        ("7", "inference: thousands of molecules", oip.preparation, CALLERS_MEMORY, True),
        ("8", "inference: streams that say nothing", oip.idle_streams, CALLERS_MEMORY, True),
        ("-", "inference: answers that nobody reads", oip.unread, CALLERS_MEMORY, True),
        ("-", "inference: streams that nobody reads", oip.unread_streams, CALLERS_MEMORY, True),
        ("-", "inference: 5,000 wrong requests of a stream", oip.refused_requests, CALLERS_MEMORY,
         True),
    ]


def measure(row, front):
    """The line of a row, and whether what must hold held."""
    number, what, attack, limit, must_hold = row
    with contextlib.ExitStack() as stack:
        target = stack.enter_context(Target(
            "--profile", "production" if front else "development",
            files=256 if number == "1" and not front else None))
        if front:
            stack.enter_context(Front(front, target))
        with GoodClient(target) as alone:
            time.sleep(2)
        with GoodClient(target) as good, Memory(target) as memory:
            attack(target)
        with target.channel() as channel:
            served = target.alive() and predict(channel, request(), "carol") == "OK"
        held = served and memory.rise <= limit and target.get("/healthz")[0] == 200
        verdict = "holds" if held else "served, memory above" if served else "falls"
        line = (f"| {number} | {what} | {memory.before / MIB:.0f} | {memory.peak / MIB:.0f} "
                f"| {memory.after / MIB:.0f} | {1000 * alone.median:.0f} "
                f"| {1000 * good.median:.0f} | {1000 * good.worst:.0f} | {len(good.failed)} "
                f"| {verdict} |")
    return line, held or not (must_hold or front)


def main():
    parser = argparse.ArgumentParser(prog="attack.sh")
    parser.add_argument("--front", choices=("nginx", "envoy"))
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--gateway", action="store_true")
    parser.add_argument("--rows", default="")
    options = parser.parse_args()
    print("| row | attack | MiB before | peak | after | p50 alone, ms | p50 beside | worst "
          "| failed | verdict |\n|---|---|---|---|---|---|---|---|---|---|")
    failed = 0
    for row in [] if options.gateway else rows(options.short):
        if options.rows not in row[1]:
            continue
        line, fine = measure(row, options.front)
        failed += not fine
        print(line, flush=True)
    for row in gateway.rows(options.short) if gateway.PROGRAM.exists() and not options.front else []:
        if options.rows not in f"gateway: {row[0]}":
            continue
        with Target() as target:
            line, fine = gateway.measure(row, target)
        failed += not fine
        print(line, flush=True)
    print(f"{failed} rows do not hold" if failed else "every row that must hold holds")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
