"""Attacks on the HTTP gateway, and its well-behaved client. Each attack takes a running Gateway."""

import contextlib
import json
import pathlib
import socket
import subprocess
import threading
import time
import urllib.request
import zlib

from target import TOKENS, GoodClient, Memory

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "build" / "unlasting-gateway"
HEADERS = {"Authorization": f"Bearer {TOKENS['alice']}", "Content-Type": "application/json"}
# What a gateway with the bounds below may take: Go keeps as much again before it collects.
MEMORY = 192 << 20
# Bounds of tens of MiB, as the attacked server's.
BOUNDS = ("--max-request-bytes", str(8 << 20), "--max-bytes-in-flight", str(32 << 20),
          "--read-body-timeout", "3s", "--read-header-timeout", "3s", "--write-timeout", "3s",
          "--idle-timeout", "3s", "--max-connections", "400")
QUESTION = {"panel": {"cell_type": "T0", "cells": 1}, "perturbations": [{"genes": {"genes": ["G1"]}}]}


class Gateway:
    """A gateway before a Target; use as a context manager."""

    def __init__(self, target, *arguments):
        self.target = target
        self.process = subprocess.Popen(
            [str(PROGRAM), "--server", target.address, "--listen", "127.0.0.1:0", *BOUNDS,
             *arguments], stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "listening" in line:
                self.address = line.split("address=")[1].split()[0]
                break
        else:
            raise RuntimeError(f"the gateway ended: {self.process.wait()}")
        self.reader = threading.Thread(target=self.process.stderr.read, daemon=True)
        self.reader.start()

    def resident(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) << 10

    def alive(self):
        return self.process.poll() is None

    def connect(self, patience=10):
        host, port = self.address.rsplit(":", 1)
        return socket.create_connection((host, int(port)), timeout=patience)

    def ask(self, question=None, name="bob", timeout=30):
        """Whether a small prediction is complete."""
        request = urllib.request.Request(
            f"http://{self.address}/v1/predict", json.dumps(question or QUESTION).encode(),
            {**HEADERS, "Authorization": f"Bearer {TOKENS[name]}"})
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return b'"finished"' in answer.read()
        except OSError:
            return False

    @contextlib.contextmanager
    def asking(self, name):
        yield lambda: "OK" if self.ask(name=name) else "incomplete"

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.alive():
            self.process.terminate()
            self.process.wait()
        self.reader.join()
        self.process.stderr.close()


def head(length, path="/v1/predict", more=""):
    return (f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {HEADERS['Authorization']}\r\n"
            f"Content-Length: {length}\r\n{more}\r\n").encode()


def post(gateway, body, path="/v1/predict", more="", patience=10):
    """The status line of the answer; "" where there is none."""
    with contextlib.suppress(OSError), gateway.connect(patience) as peer:
        with contextlib.suppress(OSError):  # the gateway need not wait for the end of what it refuses
            peer.sendall(head(len(body), path, more) + body)
        return peer.recv(65536).split(b"\r\n")[0].decode()
    return ""


def at_once(count, work):
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def large_bodies(gateway, count=40):
    """Bodies of 40 MiB, and of as much as one may have."""
    at_once(count // 2, lambda: post(gateway, b'{"model": "' + b"x" * (40 << 20) + b'"}'))
    at_once(count, lambda: post(gateway, b'{"model": "' + b"x" * (7 << 20) + b'"}'))


def growing_bodies(gateway, count=12):
    """Bodies of two or three bytes an object, a string or a number, and a hundred in memory."""
    bodies = [b'{"perturbations":[' + b"{}," * 2_500_000 + b"{}]}",
              b'{"options":{"genes":[' + b'"",' * 2_500_000 + b'""]}}',
              b'{"cells":{"matrix":{"packed":{"values":[' + b"1," * 3_900_000 + b"1]}}}}",
              b'{"perturbations":[{"treatment":{"covariates":{'
              + b",".join(b'"%d":1' % k for k in range(700_000)) + b"}}}]}"]
    for body in bodies:
        at_once(count, lambda body=body: post(gateway, body, patience=60))


def deep_bodies(gateway, count=40):
    """Arrays and objects inside one another, millions deep."""
    for body in (b"[" * 7_000_000, b'{"panel":' * 700_000, b'{"a":[' * 1_000_000):
        at_once(count // 4, lambda body=body: post(gateway, body))
        at_once(count // 4, lambda body=body: post(gateway, body, "/v1/controls"))


def gzip_bombs(gateway, count=20):
    """Compressed bodies, which would be 300 MiB."""
    work = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = work.compress(bytes(300 << 20)) + work.flush()
    at_once(count, lambda: post(gateway, bomb, more="Content-Encoding: gzip\r\n"))


def slow_bodies(gateway, count=300, hold=8.0):
    """Bodies that come a byte at a time, or not at all, on as many connections."""
    peers = []
    for k in range(count):
        with contextlib.suppress(OSError):
            peer = gateway.connect(2)
            peer.sendall((head(1 << 20) + b"{", b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nX-Slow: ",
                          b"")[k % 3])
            peers.append(peer)
    end = time.monotonic() + hold
    while time.monotonic() < end:
        for peer in peers:
            with contextlib.suppress(OSError):
                peer.send(b" ")
        time.sleep(0.2)
    for peer in peers:
        peer.close()


def many_connections(gateway, count=1500, hold=6.0):
    """More connections than the gateway takes, that say nothing, begin to say something, or say nothing
    more. Returns whether another caller is served meanwhile, though no time ends them."""
    peers = []
    for k in range(count):
        with contextlib.suppress(OSError):
            peer = gateway.connect(2)
            peers.append(peer)
            peer.sendall((b"", b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nX-Slow: ", head(100) + b"{",
                          b"GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n")[k % 4])
    served = gateway.ask(name="carol", timeout=60)
    time.sleep(hold)
    for peer in peers:
        peer.close()
    return served


# As long as nothing else ends a connection that waits.
PATIENT = ("--read-header-timeout", "10m", "--read-body-timeout", "10m", "--idle-timeout", "10m")


def unread_answers(gateway, count=20, hold=8.0):
    """Long answers that nobody reads."""
    question = {"panel": {"cell_type": "T0", "cells": 30},
                "perturbations": [{"genes": {"genes": [f"G{k % 6}"]}} for k in range(2000)],
                "options": {"solver_steps": 1, "content": "RESULT_CONTENT_PROFILES"}}
    body = json.dumps(question).encode()
    peers = []
    for _ in range(count):
        with contextlib.suppress(OSError):
            peer = gateway.connect(2)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.sendall(head(len(body)) + body)
            peers.append(peer)
    time.sleep(hold)
    for peer in peers:
        peer.close()


def unread_description(gateway, count=600):
    """What strangers may ask for, a hundred times each, and nobody reads. Returns whether another caller is
    served meanwhile."""
    peers = []
    for _ in range(count):
        with contextlib.suppress(OSError):
            peer = gateway.connect(2)
            peers.append(peer)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
    served = gateway.ask(name="carol", timeout=60)
    for peer in peers:
        peer.close()
    return served


def long_headers(gateway, count=60):
    """Headers of 2 MB."""
    def send():
        with contextlib.suppress(OSError), gateway.connect() as peer:
            peer.sendall(b"GET /v1/models HTTP/1.1\r\nHost: x\r\n"
                         + b"".join(b"X-%d: %s\r\n" % (k, b"y" * 8000) for k in range(250)) + b"\r\n")
            peer.recv(1024)
    at_once(count, send)


def rows(short):
    """What is done, the attack, which may return whether others were served, and the gateway's flags."""
    scale = 4 if short else 1
    return [
        ("bodies of 7 and 40 MiB", lambda g: large_bodies(g, 40 // scale)),
        ("bodies of millions of empty objects, strings, numbers, keys",
         lambda g: growing_bodies(g, 12 // scale)),
        ("nested millions deep", lambda g: deep_bodies(g, 40 // scale)),
        ("gzip bombs", lambda g: gzip_bombs(g, 20 // scale)),
        ("300 bodies and headers that come a byte at a time", slow_bodies),
        ("1,500 connections that say nothing", many_connections, *PATIENT),
        ("20 answers that nobody reads", unread_answers),
        ("600 descriptions of the API that nobody reads", unread_description),
        ("headers of 2 MB", lambda g: long_headers(g, 60 // scale)),
    ]


def measure(row, target):
    """The line of a row, and whether it holds: the gateway is there, within its memory, and serves."""
    what, attack, *arguments = row
    with Gateway(target, *arguments) as gateway:
        with GoodClient(gateway) as alone:
            time.sleep(2)
        with GoodClient(gateway) as good, Memory(gateway) as memory:
            beside = attack(gateway)
        served = beside is not False and gateway.alive() and target.alive() and gateway.ask(name="carol")
        held = served and memory.rise <= MEMORY
        verdict = "holds" if held else "served, memory above" if served else "falls"
        mib = 1 << 20
        return (f"| gateway | {what} | {memory.before / mib:.0f} | {memory.peak / mib:.0f} "
                f"| {memory.after / mib:.0f} | {1000 * alone.median:.0f} | {1000 * good.median:.0f} "
                f"| {1000 * good.worst:.0f} | {len(good.failed)} | {verdict} |"), held
