"""Asks a server with the stock tritonclient, and prints the answer as JSON. Run by triton_test.py and
interop.py in an environment that has tritonclient.

  triton_client.py ADDRESS infer '{"genes": [...], "cells": [[...]], "cell_type": "T0", "knockout": ["G1"],
                                   "parameters": {"seed": 1}, "stream": false}'
  triton_client.py ADDRESS describe '{"model": "tiny"}'
  triton_client.py ADDRESS compare '{"descriptors": "FILE"}'

@FILE in place of a question reads it from a file.
"""

import json
import queue
import sys

import numpy as np
import tritonclient.grpc as triton
from google.protobuf import descriptor_pb2
from tritonclient.grpc import service_pb2
from tritonclient.utils import InferenceServerException


def inputs_of(question):
    arrays = [("genes", np.array(question["genes"], dtype=object), "BYTES"),
              ("cells", np.array(question["cells"], dtype=np.float32), "FP32"),
              ("cell_type", np.array([question["cell_type"]], dtype=object), "BYTES")]
    for name in ("knockout", "smiles"):
        if name in question:
            arrays.append((name, np.array(question[name], dtype=object), "BYTES"))
    if "dose_um" in question:
        arrays.append(("dose_um", np.array(question["dose_um"], dtype=np.float32), "FP32"))
    inputs = []
    for name, array, datatype in arrays:
        inputs.append(triton.InferInput(name, array.shape, datatype))
        inputs[-1].set_data_from_numpy(array)
    return inputs


def infer(client, question):
    asked = {"model_name": question.get("model", ""), "inputs": inputs_of(question),
             "outputs": [triton.InferRequestedOutput("profiles")],
             "parameters": question.get("parameters")}
    try:
        if question.get("stream"):
            answers = queue.Queue()
            client.start_stream(callback=lambda result, error: answers.put((result, error)))
            client.async_stream_infer(**asked)
            result, error = answers.get(timeout=120)
            client.stop_stream()
            if error is not None:
                raise error
        else:
            result = client.infer(**asked)
    except InferenceServerException as error:
        return {"error": str(error)}
    profiles = result.as_numpy("profiles")
    return {"shape": list(profiles.shape), "values": profiles.astype("<f4").tobytes().hex()}


def describe(client, question):
    return {"live": client.is_server_live(), "ready": client.is_server_ready(),
            "model_ready": client.is_model_ready(question["model"]),
            "other_ready": client.is_model_ready("no-such-model"),
            "server": client.get_server_metadata(as_json=True),
            "model": client.get_model_metadata(question["model"], as_json=True)}


def fields(message, prefix=""):
    """{path: (number, type, label, name of a message)} of a message and those inside it."""
    found = {prefix + message.name: None}
    for field in message.field:
        found[f"{prefix}{message.name}.{field.name}"] = (
            field.number, field.type, field.label, field.type_name)
    for inner in message.nested_type:
        found.update(fields(inner, f"{prefix}{message.name}."))
    return found


def compare(_, question):
    ours = descriptor_pb2.FileDescriptorSet()
    with open(question["descriptors"], "rb") as file:
        ours.ParseFromString(file.read())
    theirs = descriptor_pb2.FileDescriptorProto()
    service_pb2.DESCRIPTOR.CopyToProto(theirs)
    by_name = {message.name: fields(message) for message in theirs.message_type}
    differences = [message.name for message in ours.file[0].message_type
                   if fields(message) != by_name.get(message.name)]
    methods = {method.name: (method.input_type, method.output_type, method.client_streaming,
                             method.server_streaming) for method in theirs.service[0].method}
    differences += [method.name for method in ours.file[0].service[0].method
                    if methods.get(method.name) != (method.input_type, method.output_type,
                                                    method.client_streaming,
                                                    method.server_streaming)]
    return {"differences": differences, "messages": len(ours.file[0].message_type)}


def read(question):
    """A question as it is given, or in the file that @FILE names."""
    if question.startswith("@"):
        with open(question[1:], encoding="utf-8") as file:
            return json.load(file)
    return json.loads(question)


def main():
    address, task, question = sys.argv[1:]
    with triton.InferenceServerClient(address) as client:
        print(json.dumps({"infer": infer, "describe": describe, "compare": compare}[task](
            client, read(question))))


if __name__ == "__main__":
    main()
