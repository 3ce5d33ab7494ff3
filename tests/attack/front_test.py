"""The same attacks against nginx and the server behind it, and what callers get through it."""

import sys
import unittest

import grpc
import callers
import strangers
from fronts import Front
from target import (MIB, GoodClient, Memory, Target, bearer, predict, prediction_service_pb2,
                    prediction_service_pb2_grpc, request)

KIND = "nginx"
# What a front and the server together may take while strangers attack. Envoy keeps what it freed.
FRONTS_MEMORY = {"nginx": 128 * MIB, "envoy": 256 * MIB}


class FrontTest(unittest.TestCase):

    def setUp(self):
        self.target = Target("--profile", "production", "--grace-seconds", "5")
        self.addCleanup(self.target.__exit__)
        self.front = Front(KIND, self.target)
        self.addCleanup(self.front.__exit__)
        with self.target.channel() as channel:
            self.assertEqual(predict(channel, request()), "OK")

    def test_strangers_take_neither_the_front_nor_the_server_away(self):
        for attack in (strangers.rapid_reset, strangers.hpack_references,
                       strangers.declared_length, strangers.connections, strangers.parsing,
                       strangers.gzip_bombs, strangers.open_streams, strangers.metadata_flood,
                       strangers.trickle, strangers.nonsense):
            with self.subTest(attack.__name__):
                fronts = self.front.resident()
                with GoodClient(self.target) as good, Memory(self.target) as memory:
                    attack(self.target)
                self.assertTrue(self.front.alive())
                self.assertTrue(self.target.alive())
                self.assertLess(memory.rise + self.front.resident() - fronts,
                                FRONTS_MEMORY[KIND])
                with self.target.channel() as channel:
                    self.assertEqual(predict(channel, request(), "carol"), "OK")
                self.assertTrue(good.seconds)

    def test_tls_long_errors_uploads_and_streams_pass(self):
        credentials = grpc.ssl_channel_credentials(self.front.pem.read_bytes())
        with grpc.secure_channel(self.front.secure, credentials) as channel:
            self.assertEqual(predict(channel, request(cells=20)), "OK")
            self.assertTrue(callers.register(channel, "alice"))
            made = request([f"unknown-{k}" * 20 for k in range(30)])
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            with self.assertRaises(grpc.RpcError) as caught:
                list(stub.Predict(made, metadata=bearer("alice"), timeout=30))
            self.assertEqual(caught.exception.code(), grpc.StatusCode.NOT_FOUND)
            self.assertIn("grpc-status-details-bin",
                          dict(caught.exception.trailing_metadata()))
            with self.assertRaises(grpc.RpcError) as caught:
                list(stub.Predict(request(), timeout=30))
            self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAUTHENTICATED)

    def test_what_is_for_operators_is_not_there_for_strangers(self):
        with self.target.channel() as channel:
            for path in ("/unlasting.v1.AdminService/UnloadModel", "/grpc.health.v1.Health/Watch",
                         "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"):
                call = channel.stream_stream(path, request_serializer=bytes,
                                             response_deserializer=bytes)
                with self.assertRaises(grpc.RpcError) as caught:
                    list(call(iter([b""]), timeout=20))
                self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED, path)
            health = channel.unary_unary("/grpc.health.v1.Health/Check", request_serializer=bytes,
                                         response_deserializer=bytes)
            self.assertEqual(health(b"", timeout=20), b"\x08\x01")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--front"]:
        KIND = sys.argv[2]
        del sys.argv[1:3]
    unittest.main()
