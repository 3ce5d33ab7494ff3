"""Attacks on the HTTP gateway, in short. Skipped where build/unlasting-gateway was not built."""

import sys
import unittest

import gateway
from target import Target

SKIPPED = 77


class GatewayTest(unittest.TestCase):

    def test_every_row_holds(self):
        with Target() as target:
            for row in gateway.rows(short=True):
                with self.subTest(row[0]):
                    line, held = gateway.measure(row, target)
                    self.assertTrue(held, line)


if __name__ == "__main__":
    if not gateway.PROGRAM.exists():
        print(f"{gateway.PROGRAM} was not built: scripts/gateway.sh --build")
        sys.exit(SKIPPED)
    unittest.main()
