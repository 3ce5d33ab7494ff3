"""Clients and servers of different versions: what one does not know of the other is passed over.

A proxy stands between: it adds to every request what a newer client might send, and to every response what a
newer server might: unknown fields, unknown values of enums, and parts of a result that have no name yet.
"""

import concurrent.futures
import json
import pathlib
import shutil
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "client"))
sys.path.insert(0, str(ROOT / "tests" / "attack"))

import grpc  # noqa: E402
import interop  # noqa: E402
import programs  # noqa: E402


def field(number, payload):
    """A field of bytes or, for a number, a varint."""
    if isinstance(payload, int):
        return varint(number << 3) + varint(payload)
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def varint(number):
    out = b""
    while number >= 128:
        out += bytes([number % 128 + 128])
        number //= 128
    return out + bytes([number])


UNKNOWN = field(999, 7) + field(1000, b"a newer version")
NEWER_OPTIONS = field(6, UNKNOWN)  # PredictRequest.options; a message that occurs twice is merged
NEWER_PART = field(60, b"\x08\x01")


def newer_header(answer):
    """A header with unknown fields and a solver that nobody knows."""
    from unlasting.v1 import prediction_service_pb2
    header = prediction_service_pb2.PredictResponse.FromString(answer).header
    header.solver = 99
    return field(1, header.SerializeToString() + UNKNOWN)


class Proxy(grpc.GenericRpcHandler):
    """Passes calls on, request by request and response by response."""

    def __init__(self, server):
        self.channel = grpc.insecure_channel(server)
        self.own = grpc.server(concurrent.futures.ThreadPoolExecutor(8), handlers=[self])
        self.address = f"127.0.0.1:{self.own.add_insecure_port('127.0.0.1:0')}"
        self.own.start()
        self.passed = set()

    def service(self, call):
        path = call.method
        onward = self.channel.stream_stream(path, request_serializer=bytes,
                                            response_deserializer=bytes)

        def pass_on(requests, context):
            self.passed.add(path)
            options = NEWER_OPTIONS if path.endswith("/Predict") else b""
            answers = onward(request + UNKNOWN + options for request in requests)
            try:
                for answer in answers:
                    if path.endswith("/Predict"):
                        # Bytes begin with the part's tag: 1 is the header. The last part stays last.
                        is_header = answer[0] >> 3 == 1
                        yield (newer_header(answer) if is_header else answer) + UNKNOWN
                        if is_header:
                            yield NEWER_PART
                    else:
                        yield answer + UNKNOWN
            except grpc.RpcError as error:
                context.set_trailing_metadata(tuple(answers.trailing_metadata()))
                context.abort(error.code(), error.details())

        return grpc.stream_stream_rpc_method_handler(pass_on)

    def close(self):
        self.own.stop(None)
        self.channel.close()


class Versions(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.bundle = programs.write_tiny_bundle(cls.folder)
        manifest = json.loads((cls.bundle / "manifest.json").read_text())
        programs.stubs()
        cls.server = programs.Server("--bundle", cls.bundle)
        cls.proxy = Proxy(cls.server.address)
        cls.direct, cls.newer = (
            interop.Interop(address, manifest["name"], manifest["cell_types"][0], 20,
                            manifest["genes"][1], cls.folder, cls.bundle)
            for address in (cls.server.address, cls.proxy.address))
        cls.expected = cls.direct.command()

    @classmethod
    def tearDownClass(cls):
        cls.proxy.close()
        cls.server.stop()
        shutil.rmtree(cls.folder)

    def test_the_command_predicts_with_a_newer_server(self):
        self.assertEqual(self.newer.command(), self.expected)
        self.assertIn("/unlasting.v1.PredictionService/Predict", self.proxy.passed)

    def test_the_python_client_predicts_with_a_newer_server(self):
        self.assertEqual(self.newer.python(), self.expected)

    def test_the_node_client_predicts_with_a_newer_server(self):
        try:
            self.assertEqual(self.newer.node(), self.expected)
        except interop.NotThere as absent:
            self.skipTest(str(absent))

    def test_the_open_inference_protocol_passes_over_what_it_does_not_know(self):
        import oip
        with grpc.insecure_channel(self.server.address) as channel:
            infer = channel.unary_unary(oip.INFER, request_serializer=bytes,
                                        response_deserializer=oip.grpc_service_pb2.
                                        ModelInferResponse.FromString)
            made = oip.infer_request().SerializeToString()
            self.assertEqual(infer(made + UNKNOWN).raw_output_contents,
                             infer(made).raw_output_contents)


if __name__ == "__main__":
    unittest.main(verbosity=2)  # says why a test was skipped
