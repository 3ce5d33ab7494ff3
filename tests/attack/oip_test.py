"""Attacks on the Open Inference Protocol, in short: memory is asserted while each runs."""

import unittest

import oip
import strangers
from attack_test import Attacked
from target import CALLERS_MEMORY, STRANGERS_MEMORY, GoodClient, Memory, bearer, eventually


class InferenceTest(Attacked):

    def unharmed(self, attack, limit=CALLERS_MEMORY, **options):
        target = self.serve()
        with target.channel() as channel:
            self.assertEqual(oip.infer(channel, oip.infer_request()), "OK")
        with GoodClient(target) as good, Memory(target) as memory:
            found = attack(target, **options)
        self.assertLess(memory.rise, limit)
        self.assertEqual(good.failed, [])
        self.still_serves(target)
        with target.channel() as channel:
            self.assertEqual(oip.infer(channel, oip.infer_request(), "carol"), "OK")
        return target, found

    def reasons(self, target):
        return {event.get("reason") for event in target.calls_logged(client="token:alice")}

    def test_strangers_have_nothing_parsed_and_nothing_inflated(self):
        for attack in (oip.parsing, oip.gzip_bombs):
            with self.subTest(attack.__name__):
                target, _ = self.unharmed(attack, STRANGERS_MEMORY, count=1)
                self.assertTrue(target.calls_logged(reason="TOKEN_UNKNOWN"))

    def test_with_a_token_they_cost_what_a_caller_may_take(self):
        target, _ = self.unharmed(oip.parsing, count=1, more=bearer("alice"))
        self.assertIn("TOO_MANY_BYTES", self.reasons(target))
        target, _ = self.unharmed(oip.gzip_bombs, count=1, more=bearer("alice"))
        self.assertIn("MESSAGE_TOO_LARGE", self.reasons(target))

    def test_shapes_are_no_more_than_there_are_elements(self):
        target, codes = self.unharmed(oip.shapes)
        self.assertLessEqual(codes, {"INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"})
        self.assertLessEqual({"TOO_MANY_ELEMENTS", "INVALID_SHAPE"}, self.reasons(target))

    def test_callers_that_leave_while_molecules_are_read_cost_nothing_more(self):
        self.unharmed(oip.preparation)

    def test_answers_that_nobody_reads_are_given_up(self):
        for attack in (oip.unread, oip.unread_streams):
            with self.subTest(attack.__name__):
                target, _ = self.unharmed(attack, hold=6.0)
                # The memory of the answers is free again.
                self.assertTrue(eventually(lambda: oip_memory(target) == 0))

    def test_streams_that_say_nothing_are_given_up(self):
        target, _ = self.unharmed(oip.idle_streams, count=100)
        self.assertIn("SILENT_CALLER", self.reasons(target))

    def test_wrong_requests_of_a_stream_are_answered_each(self):
        _, answers = self.unharmed(oip.refused_requests, count=500)
        self.assertEqual(answers, 500)

    def test_nonsense_on_its_methods_is_refused(self):
        target = self.serve()
        for path in oip.METHODS:
            for body in (b"\xff" * 100, b"\x0a\xff", b""):
                strangers.post(target, path, body, more=bearer("alice"))
        self.still_serves(target)


def oip_memory(target):
    """Bytes that requests and answers hold."""
    line, = [line for line in target.get("/metrics")[1].splitlines()
             if line.startswith("unlasting_request_memory_bytes ")]
    return float(line.split()[1])


if __name__ == "__main__":
    unittest.main()
