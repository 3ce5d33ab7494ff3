"""Attacks by callers with a token: rows 7 to 11 of docs/security.md. Each takes a running Target."""

import struct
import threading
import time

import grpc
from target import (bearer, predict, prediction_service_pb2,
                    prediction_service_pb2_grpc, request)


def many_molecules(count=3000):
    made = request()
    del made.perturbations[:]
    for k in range(count):
        molecule = made.perturbations.add().molecule
        molecule.smiles = "C" * (k % 400 + 1) + "(=O)Nc1ccc(O)cc1"
        molecule.dose.value = 1
        molecule.dose.unit = 3
    return made


def fused_rings(side=22):
    """`side` squared carbons in fused squares, as a SMILES with few characters and many rings."""
    atoms = side * side
    text, open_rings, free = [], {}, list(range(99, 0, -1))

    def closure(number):
        return f"%{number}" if number > 9 else str(number)

    for row in range(side):
        columns = range(side) if row % 2 == 0 else range(side - 1, -1, -1)
        for step, column in enumerate(columns):
            atom = "C"
            if (row, column) in open_rings:
                number = open_rings.pop((row, column))
                atom += closure(number)
                free.append(number)
            if row + 1 < side and step + 1 < side:
                number = free.pop()
                open_rings[row + 1, column] = number
                atom += closure(number)
            text.append(atom)
    assert len(text) == atoms
    return "".join(text)


def preparation(target, callers=2):
    """7: requests of thousands of molecules and of fused rings, whose callers leave at once."""
    with target.channel() as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        calls = [stub.Predict(many_molecules(), metadata=bearer("alice"), timeout=60)
                 for _ in range(callers)]
        rings = [stub.FeaturizeMolecule.future(
            prediction_service_pb2.FeaturizeMoleculeRequest(smiles=fused_rings()),
            metadata=bearer("alice"), timeout=60) for _ in range(4)]
        time.sleep(1.0)
        for call in calls + rings:
            call.cancel()


class SilentUploads:
    """8: uploads that fill what may come in, and then say nothing until this is closed."""

    def __init__(self, target, count=20, part=1 << 19):
        self.target, self.count, self.part = target, count, part
        self.over = threading.Event()

    def _parts(self):
        yield upload_header()
        for _ in range(3):
            yield upload_chunk(self.part // 96)
        self.over.wait()

    def __enter__(self):
        self.channel = self.target.channel()
        stub = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.calls = [stub.RegisterControls.future(self._parts(), metadata=bearer("alice"))
                      for _ in range(self.count)]
        return self

    def __exit__(self, *unused):
        self.over.set()
        for call in self.calls:
            call.cancel()
        self.channel.close()


def uploads_at_once(target, count=20, part=1 << 19):
    """8: uploads that are each within the limits and together beyond them; the codes they end with."""
    def parts():
        yield upload_header()
        for _ in range(3):
            yield upload_chunk(part // 96)

    with target.channel() as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        calls = [stub.RegisterControls.future(parts(), metadata=bearer("alice"), timeout=60)
                 for _ in range(count)]
        return [call.code().name for call in calls]


def gene_pairs(target, count=20_000):
    """9: one cell under as many pairs of genes as a request may have; the code it ends with."""
    made = request()
    del made.perturbations[:]
    for k in range(count):
        made.perturbations.add().genes.genes.extend([f"G{k % 6}", f"G{(k // 6 + k + 1) % 6}"]
                                                    if k % 6 != (k // 6 + k + 1) % 6
                                                    else [f"G{k % 6}"])
    made.options.solver_steps = 1
    made.options.content = 3
    with target.channel() as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        call = stub.Predict(made, metadata=bearer("alice"), timeout=60)
        try:
            for _, part in zip(range(50), call):
                del part
            call.cancel()
            return "OK"
        except grpc.RpcError as error:
            return error.code().name


class Bulk:
    """10: streams of one caller that keep the engine busy."""

    def __init__(self, target, streams=50, cells=20):
        self.target, self.streams, self.cells = target, streams, cells

    def __enter__(self):
        self.channel = self.target.channel()
        stub = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        made = request(cells=self.cells)
        made.priority = 2
        made.options.solver_steps = 100
        for k in range(200):
            made.perturbations.add().genes.genes.append(f"G{k % 6}")
        self.calls = [stub.Predict(made, metadata=bearer("alice"), timeout=600)
                      for _ in range(self.streams)]
        self.threads = [threading.Thread(target=self._drain, args=(call,), daemon=True)
                        for call in self.calls]
        for thread in self.threads:
            thread.start()
        return self

    @staticmethod
    def _drain(call):
        try:
            for _ in call:
                pass
        except grpc.RpcError:
            pass

    def __exit__(self, *unused):
        for call in self.calls:
            call.cancel()
        for thread in self.threads:
            thread.join()
        self.channel.close()


def tiny_calls(target, count=4000):
    """10: thousands of calls of one caller at once; returns a function that ends them."""
    channel = target.channel()
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    made = request()
    made.options.solver_steps = 100
    calls = [stub.Predict(made, metadata=bearer("alice"), timeout=600) for _ in range(count)]

    def end():
        for call in calls:
            call.cancel()
        channel.close()
    return end


def upload_header():
    part = prediction_service_pb2.RegisterControlsRequest()
    part.header.genes.names.extend(f"G{k}" for k in range(24))
    part.header.value_kind = 2
    return part


def upload_chunk(cells):
    part = prediction_service_pb2.RegisterControlsRequest()
    part.chunk.matrix.rows, part.chunk.matrix.columns = cells, 24
    part.chunk.matrix.raw.element_type = 1
    part.chunk.matrix.raw.data = struct.pack("<f", 1.5) * (24 * cells)
    part.chunk.cell_types.append("T0")
    return part


def register(channel, name):
    """Uploads three cells; the id."""
    chunk = upload_chunk(3)
    chunk.chunk.cell_ids.extend(f"patient-{k}" for k in range(3))
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    return stub.RegisterControls(iter([upload_header(), chunk]), metadata=bearer(name),
                                 timeout=30).control_set_id


def anothers_cells(target):
    """11: alice's cells asked for by bob; (alice's code, bob's code, bob's own id is another)."""
    with target.channel() as channel:
        ids = {name: register(channel, name) for name in ("alice", "bob")}
        made = request()
        made.control_set_id = ids["alice"]
        return (predict(channel, made, "alice"), predict(channel, made, "bob"),
                ids["alice"] != ids["bob"])
