#!/usr/bin/python3
"""Measures what the gateway and the Open Inference Protocol add to a call, in turns with `unlasting load`.

  scripts/gateway-bench.py BUNDLE        e.g. demo-out/thp1; the programs are those of build/release/bin

One server, one knockout of 16 cells of the model's panel with profiles, asked again and again, so that the
latents are cached: with 1 and with 8 calls under way, in three rounds. Prints the median of the rounds.
"""

import http.client
import json
import os
import pathlib
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
os.environ.setdefault("UNLASTING_BIN", str(ROOT / "build/release/bin"))
os.environ.setdefault("UNLASTING_PROTO", str(ROOT / "proto"))
for folder in ("client", "clients", "attack"):
    sys.path.insert(0, str(ROOT / "tests" / folder))

import anndata  # noqa: E402
import grpc  # noqa: E402
import programs  # noqa: E402
from gateway_test import Gateway  # noqa: E402

SECONDS, ROUNDS, CELLS = 5, 3, 16


def closed_loop(make_caller, concurrency):
    """(calls per second, p50, p99 in seconds) of callers that ask again as soon as they are answered."""
    seconds, end = [], time.monotonic() + SECONDS

    def work():
        ask = make_caller()
        ask()
        while time.monotonic() < end:
            start = time.monotonic()
            ask()
            seconds.append(time.monotonic() - start)

    threads = [threading.Thread(target=work) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds.sort()
    return (len(seconds) / SECONDS, seconds[len(seconds) // 2], seconds[int(0.99 * len(seconds))])


def load(server, gene, concurrency):
    done = programs.run("unlasting", "load", "--server", server, "--concurrency", concurrency,
                        "--duration", SECONDS, "--cells", CELLS, "--gene", gene, "--profiles", "--json")
    found = json.loads(done.stdout)
    return (found["calls_per_second"], found["latency_seconds"]["p50"], found["latency_seconds"]["p99"])


def by_gateway(address, question):
    body = json.dumps(question)

    def make_caller():
        connection = http.client.HTTPConnection(address)

        def ask():
            connection.request("POST", "/v1/predict", body)
            text = connection.getresponse().read()
            assert b'"finished"' in text, text[:300]
        return ask
    return make_caller


def by_grpc(server, path, request, check, stream):
    def make_caller():
        channel = grpc.insecure_channel(server, options=[("grpc.use_local_subchannel_pool", 1)])
        call = (channel.unary_stream if stream else channel.unary_unary)(
            path, request_serializer=bytes, response_deserializer=bytes)

        def ask():
            parts = list(call(request)) if stream else [call(request)]
            assert check(parts)
        return ask
    return make_caller


def main():
    bundle = pathlib.Path(sys.argv[1])
    manifest = json.loads((bundle / "manifest.json").read_text())
    cell_type, gene = manifest["cell_types"][0], manifest["genes"][0]
    programs.stubs()
    from inference import grpc_service_pb2
    from unlasting.v1 import prediction_service_pb2
    predict = prediction_service_pb2.PredictRequest()
    predict.panel.cell_type, predict.panel.cells = cell_type, CELLS
    predict.perturbations.add().genes.genes.append(gene)
    predict.options.content = prediction_service_pb2.RESULT_CONTENT_PROFILES
    question = {"panel": {"cell_type": cell_type, "cells": CELLS},
                "perturbations": [{"genes": {"genes": [gene]}}],
                "options": {"content": "RESULT_CONTENT_PROFILES"}}
    import oip
    infer = grpc_service_pb2.ModelInferRequest()
    cells = anndata.read_h5ad(bundle / "reference.h5ad")[:CELLS].to_df()
    oip.add_input(infer, "genes", "BYTES", [len(cells.columns)], oip.strings(cells.columns))
    oip.add_input(infer, "cells", "FP32", cells.shape, cells.to_numpy().astype("<f4").tobytes())
    oip.add_input(infer, "cell_type", "BYTES", [1], oip.strings([cell_type]))
    oip.add_input(infer, "knockout", "BYTES", [1], oip.strings([gene]))
    with programs.Server("--bundle", bundle) as server, \
            Gateway(server.address) as gateway:
        ways = {
            "unlasting load": lambda n: load(server.address, gene, n),
            "Predict, grpcio": lambda n: closed_loop(by_grpc(
                server.address, "/unlasting.v1.PredictionService/Predict",
                predict.SerializeToString(), lambda parts: len(parts) > 2, True), n),
            "ModelInfer, grpcio": lambda n: closed_loop(by_grpc(
                server.address, oip.INFER, infer.SerializeToString(),
                lambda parts: len(parts[0]) > 4 * cells.size, False), n),
            "gateway, HTTP": lambda n: closed_loop(by_gateway(gateway.address, question), n),
        }
        found = {}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                for concurrency in (1, 8):
                    found.setdefault((name, concurrency), []).append(way(concurrency))
    print("| way | calls at once | calls/s | p50, ms | p99, ms |\n|---|---|---|---|---|")
    for (name, concurrency), rounds in found.items():
        rate, p50, p99 = (statistics.median(column) for column in zip(*rounds))
        print(f"| {name} | {concurrency} | {rate:.0f} | {1000 * p50:.1f} | {1000 * p99:.1f} |")


if __name__ == "__main__":
    main()
