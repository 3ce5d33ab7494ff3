"""Which failures pass by themselves, and how long to wait before the next try. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass

from unlasting.errors import UnlastingError


@dataclass(frozen=True)
class RetryPolicy:
    """How a call is tried again. Times are in seconds."""

    first: float = 0.2  # wait after the first failure
    longest: float = 30.0
    factor: float = 2.0  # from one wait to the next
    give_up: float = 600.0  # how long nothing may arrive before it is given up; 0 tries once


def may_pass(error: UnlastingError) -> bool:
    """Whether the same call may do well later: the server went away, or its queue is full.

    What the server says of the request itself stays true.
    """
    if error.code in ("UNAVAILABLE", "ABORTED", "CANCELLED", "DATA_LOSS"):
        return True
    if error.code == "RESOURCE_EXHAUSTED":
        return error.retry_after > 0
    # With a reason they are the server's word; without one, a broken connection's.
    return error.code in ("INTERNAL", "UNKNOWN") and not error.reason


def wait_before_retry(policy: RetryPolicy, failures: int, servers_delay: float,
                      draw: float) -> float:
    """The wait in seconds before try number `failures` + 1.

    It grows, is drawn from its upper half by `draw` in [0, 1), so that clients do not come back
    together, and is never shorter than the server asks.
    """
    grown = min(policy.longest, policy.first * policy.factor ** min(failures - 1, 60))
    return max(grown * (0.5 + 0.5 * draw), servers_delay)
