"""Strangers, callers and faults against the bare server, by the rows of docs/security.md.

Memory is asserted while an attack runs, in a configuration whose limits are tens of MiB.
"""

import datetime
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

import grpc
import callers
import certificates
import http2
import strangers
from target import (CALLERS_MEMORY, STRANGERS_MEMORY, GoodClient, Memory, Target, bearer, eventually,
                    predict, prediction_service_pb2_grpc, request)


class Attacked(unittest.TestCase):
    """Each test has a server of its own, so that one attack's memory is not another's."""

    def serve(self, *arguments, **options):
        target = Target(*arguments, **options)
        self.addCleanup(target.__exit__)
        with target.channel() as channel:
            self.assertEqual(predict(channel, request()), "OK")
        return target

    def still_serves(self, target):
        self.assertTrue(target.alive())
        with target.channel() as channel:
            self.assertEqual(predict(channel, request(), "carol"), "OK")
        self.assertEqual(target.get("/healthz")[0], 200)


class StrangersTest(Attacked):

    def test_1_more_connections_than_files_do_not_kill_the_listener(self):
        target = self.serve(files=256)
        self.assertGreater(strangers.connections(target), 200)
        self.still_serves(target)
        held = [http2.Peer(target.front) for _ in range(300)]
        strangers.connections(target, hold=0)
        self.assertEqual(target.get("/healthz")[0], 200)
        for peer in held:
            peer.close()
        self.still_serves(target)

    def unharmed(self, attack, limit=STRANGERS_MEMORY, **options):
        target = self.serve()
        with GoodClient(target) as good, Memory(target) as memory:
            attack(target, **options)
        self.assertLess(memory.rise, limit)
        self.assertEqual(good.failed, [])
        self.still_serves(target)
        return target

    def test_2_messages_that_grow_when_they_are_parsed_are_not_parsed(self):
        target = self.unharmed(strangers.parsing)
        self.assertTrue(target.calls_logged(reason="TOKEN_UNKNOWN"))

    def test_2_with_a_token_they_cost_what_a_caller_may_take(self):
        target = self.unharmed(strangers.parsing, CALLERS_MEMORY, more=bearer("alice"))
        reasons = {event["reason"] for event in target.calls_logged(client="token:alice")
                   if "reason" in event}
        self.assertIn("MESSAGE_TOO_LARGE", reasons)
        self.assertIn("TOO_MANY_BYTES", reasons)

    def test_3_gzip_bombs_are_not_inflated(self):
        self.unharmed(strangers.gzip_bombs)

    def test_3_with_a_token_they_are_inflated_to_the_limit(self):
        self.unharmed(strangers.gzip_bombs, CALLERS_MEMORY, more=bearer("alice"))

    def test_a_compressed_request_within_the_limits_is_served(self):
        target = self.serve()
        with target.channel() as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            for _ in stub.Predict(request(), metadata=bearer("alice"), timeout=60,
                                  compression=grpc.Compression.Gzip):
                pass
            with self.assertRaises(grpc.RpcError):
                list(stub.Predict(request(), metadata=bearer("alice"), timeout=60,
                                  compression=grpc.Compression.Deflate))

    def test_streams_metadata_trickles_and_nonsense_cost_little(self):
        for attack in (strangers.open_streams, strangers.metadata_flood, strangers.trickle,
                       strangers.nonsense):
            with self.subTest(attack.__name__):
                self.unharmed(attack)


class CallersTest(Attacked):

    def test_7_a_long_preparation_holds_no_other_caller(self):
        target = self.serve()
        with GoodClient(target) as alone:
            eventually(lambda: len(alone.seconds) >= 20)
        with GoodClient(target) as beside:
            callers.preparation(target)
            eventually(lambda: len(beside.seconds) >= 20)
        self.assertEqual(beside.failed, [])
        self.assertLess(beside.worst, 3.0)
        self.assertTrue(eventually(
            lambda: len(target.calls_logged(client="token:alice", reason="CANCELLED")) >= 2))

    def test_8_silent_uploads_hold_a_share_and_are_ended(self):
        target = self.serve()
        with Memory(target) as memory, callers.SilentUploads(target):
            self.assertTrue(eventually(lambda: target.calls_logged(reason="CLIENT_QUEUE_FULL")))
            with target.channel() as channel:
                callers.register(channel, "bob")
                self.assertEqual(predict(channel, request(), "bob"), "OK")
            self.assertTrue(eventually(lambda: target.calls_logged(reason="SILENT_CALLER")))
        self.assertLess(memory.rise, CALLERS_MEMORY)
        self.assertTrue(eventually(lambda: "unlasting_request_memory_bytes 0\n"
                                   in target.get("/metrics")[1]))

    def test_8_uploads_at_once_do_not_refuse_each_other_to_the_last(self):
        target = self.serve()
        refused = 0
        for turn in range(50):
            codes = callers.uploads_at_once(target)
            self.assertLessEqual(set(codes), {"OK", "RESOURCE_EXHAUSTED"})
            self.assertIn("OK", codes, f"turn {turn}")
            refused += codes.count("RESOURCE_EXHAUSTED")
        self.assertGreater(refused, 0)

    def test_9_many_perturbations_of_one_cell_take_what_the_ledger_says(self):
        target = self.serve()
        with Memory(target) as memory:
            callers.gene_pairs(target)
        self.assertLess(memory.rise, CALLERS_MEMORY)
        self.still_serves(target)

    def test_11_registered_cells_are_their_owners_alone(self):
        target = self.serve()
        self.assertEqual(callers.anothers_cells(target), ("OK", "NOT_FOUND", True))


class FaultsTest(Attacked):

    def ends(self, target, seconds):
        took, status = target.stop()
        self.assertEqual(status, 0)
        self.assertLess(took, seconds)

    def test_12_a_watcher_of_health_and_an_idle_peer_hold_no_server_up(self):
        target = self.serve("--grace-seconds", "30")
        idle = http2.Peer(target.front).greet()
        silent = http2.Peer(target.front)
        with target.channel() as channel:
            watch = channel.unary_stream(
                "/grpc.health.v1.Health/Watch", request_serializer=bytes,
                response_deserializer=bytes)(b"")
            self.assertEqual(next(watch), b"\x08\x01")
            seen = []
            thread = threading.Thread(target=lambda: self.read(watch, seen))
            thread.start()
            self.ends(target, 10)
            thread.join()
        self.assertEqual(seen, [b"\x08\x02"])
        idle.close()
        silent.close()

    @staticmethod
    def read(watch, seen):
        try:
            seen.extend(watch)
        except grpc.RpcError:
            pass

    def test_12_requests_that_are_prepared_end_within_the_grace(self):
        target = self.serve("--grace-seconds", "1")
        with target.channel() as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            call = stub.Predict(callers.many_molecules(), metadata=bearer("alice"), timeout=60)
            eventually(lambda: "unlasting_request_memory_bytes 0\n" not in target.get("/metrics")[1])
            self.ends(target, 8)
            call.cancel()

    def test_14_a_log_reader_that_goes_and_a_hang_up_are_survived(self):
        target = self.serve(read_log=False)
        target.process.send_signal(signal.SIGHUP)
        self.still_serves(target)
        target.process.stderr.close()
        for _ in range(5):
            self.still_serves(target)

    def test_15_certificates_near_or_past_their_end_are_warned_of(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        for days, said in ((-1, "the certificate has expired"), (5, "the certificate expires soon"),
                           (300, None)):
            folder = pathlib.Path(tempfile.mkdtemp(prefix="attack-"))
            self.addCleanup(shutil.rmtree, folder)
            pem, key = certificates.until(folder, now + datetime.timedelta(days=days))
            target = Target("--tls-cert", pem, "--tls-key", key, "--grace-seconds", "1")
            self.addCleanup(target.__exit__)
            warned = [event["event"] for event in target.events
                      if event["event"].startswith("the certificate")]
            self.assertEqual(warned, [said] if said else [])

    def test_16_reflection_follows_its_flag(self):
        for flag, found in (("true", True), ("false", False)):
            target = self.serve("--enable-reflection", flag)
            for version in ("v1", "v1alpha"):
                path = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
                with target.channel() as channel:
                    stream = channel.stream_stream(path, request_serializer=bytes,
                                                   response_deserializer=bytes)
                    try:
                        self.assertIn(b"unlasting.v1.PredictionService",
                                      next(stream(iter([b"\x3a\x00"]), timeout=20)))
                        self.assertTrue(found, version)
                    except grpc.RpcError as error:
                        self.assertEqual(error.code(), grpc.StatusCode.UNIMPLEMENTED)
                        self.assertFalse(found, version)

    def test_17_a_manifest_that_turns_into_a_pipe_stops_nothing(self):
        target = self.serve("--watch-seconds", "0.2", "--grace-seconds", "5")
        manifest = pathlib.Path(target.bundle) / "manifest.json"
        manifest.unlink()
        os.mkfifo(manifest)
        self.assertTrue(eventually(lambda: any(
            event["event"].startswith("model reload failed") for event in list(target.events))))
        tokens = target.folder / "tokens"
        replaced = target.folder / "tokens.new"
        replaced.write_text("\n".join(tokens.read_text().splitlines()[1:]) + "\n")
        replaced.rename(tokens)
        with target.channel() as channel:
            self.assertTrue(eventually(
                lambda: predict(channel, request(), "alice") == "UNAUTHENTICATED"))
        self.still_serves(target)
        self.ends(target, 10)

    def test_19_messages_that_are_damaged_or_too_large_count_and_log(self):
        target = self.serve()
        strangers.post(target, "/unlasting.v1.ModelService/GetModel", b"\xff\xff\xff",
                       more=bearer("alice"))
        large = request()
        large.model = "x" * (9 << 20)
        with target.channel() as channel:
            self.assertEqual(predict(channel, large), "RESOURCE_EXHAUSTED")
        for reason in ("MALFORMED_REQUEST", "MESSAGE_TOO_LARGE"):
            self.assertTrue(eventually(lambda: target.calls_logged(reason=reason)), reason)
            self.assertIn(f'unlasting_request_errors_total{{reason="{reason}"}} 1',
                          target.get("/metrics")[1])

    def test_20_absurd_timeouts_and_pages_are_taken_as_they_are_meant(self):
        target = self.serve()
        peer = http2.Peer(target.front).greet()
        made = request().SerializeToString()
        stream = peer.open(http2.headers(
            "/unlasting.v1.PredictionService/Predict",
            bearer("alice") + (("grpc-timeout", "99999999H"),)))
        peer.data(stream, http2.message(made), end=True)
        kinds = [kind for kind, _, of, _ in peer.frames(10) if of == stream]
        self.assertIn(http2.DATA, kinds)
        peer.close()
        self.assertEqual(target.get("/metrics?name=x")[0], 200)
        self.assertEqual(target.get("/healthz?verbose")[0], 200)
        with socket.create_connection(("127.0.0.1", target.admin), timeout=20) as connection:
            connection.sendall(b"HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = connection.makefile("rb").read()
        self.assertTrue(answer.startswith(b"HTTP/1.1 200"))
        self.assertTrue(answer.endswith(b"\r\n\r\n"), "HEAD has no body")

    def test_21_no_crash_leaves_the_cells_of_patients_on_disk(self):
        target = self.serve()
        limits = pathlib.Path(f"/proc/{target.process.pid}/limits")
        if os.geteuid() == 0:  # /proc of a process that may not be dumped is root's
            line = next(each for each in limits.read_text().splitlines() if "core file" in each)
            self.assertEqual(line.split()[4:6], ["0", "0"])
            self.assertTrue(any(event["event"] == "started as root" for event in target.events))
        target.stop(number=signal.SIGABRT)
        self.assertEqual(list(target.folder.glob("core*")), [])


class AddressesTest(unittest.TestCase):

    def test_a_server_without_a_front_speaks_tls_in_production(self):
        target = Target("--grace-seconds", "1")
        self.addCleanup(target.__exit__)
        for listen, said in (("0.0.0.0:0", "production"), ("127.0.0.1:99999", "65535"),
                             ("127.0.0.1", "HOST:PORT"), ("unix:", "unix:PATH"),
                             (f"127.0.0.1:{target.address.split(':')[1]}", "in use")):
            done = subprocess.run(
                [str(pathlib.Path(os.environ["UNLASTING_BIN"]) / "unlasting-server"), "--bundle",
                 str(target.bundle), "--profile", "production", "--listen", listen,
                 "--admin-listen", ""], stderr=subprocess.PIPE, text=True, timeout=60)
            self.assertIn(done.returncode, (1, 2), done.stderr)
            self.assertIn(said, done.stderr.splitlines()[-1])
            self.assertIn("--listen", done.stderr.splitlines()[-1])

    def test_an_operator_is_warned_of_tokens_in_plaintext_and_of_a_server_without_a_front(self):
        tokens, front = "tokens are sent without TLS", "listening without a front"
        folder = pathlib.Path(tempfile.mkdtemp(prefix="attack-"))
        self.addCleanup(shutil.rmtree, folder)
        pem, key = certificates.until(folder, datetime.datetime.now(datetime.timezone.utc)
                                      + datetime.timedelta(days=300))
        for arguments, listen, said in (
                ((), "127.0.0.1:0", [tokens]),
                (("--profile", "production"), "127.0.0.1:0", [tokens]),
                (("--profile", "production", "--tls-cert", pem, "--tls-key", key), "0.0.0.0:0",
                 [front])):
            with Target(*arguments, listen=listen) as target:
                self.assertEqual([event["event"] for event in target.events
                                  if event["event"] in (tokens, front)], said, listen)

    def test_a_unix_socket_serves_and_one_left_behind_is_replaced(self):
        first = Target()
        self.addCleanup(first.__exit__)
        path = f"unix:{first.folder}/socket"
        for number in (signal.SIGKILL, signal.SIGTERM):
            with Target("--profile", "production", bundle=first.bundle, listen=path) as target:
                with target.channel() as channel:
                    self.assertEqual(predict(channel, request()), "OK")
                target.stop(number=number)
        self.assertFalse((first.folder / "socket").exists())
        (first.folder / "socket").write_text("a file of somebody")
        with self.assertRaises(RuntimeError):
            Target(bundle=first.bundle, listen=path)
        self.assertEqual((first.folder / "socket").read_text(), "a file of somebody")


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
