"""Lets a test wait for what another program does, and fail rather than hang where it never happens."""

import time

# Seconds: far longer than any machine needs, so that the time itself is never what is tested.
PATIENCE = 120


def wait_until(predicate, what, patience=PATIENCE):
    """Returns once predicate() is true; AssertionError saying `what` where it stays false."""
    deadline = time.monotonic() + patience
    while not predicate():
        if time.monotonic() >= deadline:
            raise AssertionError(f"waited {patience} s in vain: {what}")
        # Leaves the processor to the program that is waited for.
        time.sleep(0.01)
