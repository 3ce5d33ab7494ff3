"""What a client does, step by step, without doing it: one text for the sync and the async client.

A flow is a generator. It yields actions (Call, Sleep) and is sent their results, or has an
UnlastingError thrown into it; a driver (client.py, aio.py, local) carries the actions out. The
flow's return value is the result.
"""

from __future__ import annotations

import random
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Callable, Generator, Iterable, Iterator, TypeVar, Union

from unlasting import messages
from unlasting.collect import Collector
from unlasting.controls import Controls
from unlasting.errors import DeadlineError, UnlastingError
from unlasting.retry import RetryPolicy, may_pass, wait_before_retry

T = TypeVar("T")
_MAX_INLINE_BYTES = 2 << 20  # larger control cells are uploaded first, in parts
_KEPT_CONTROL_SETS = 64


@dataclass
class Call:
    """A call of a method. Responses of a stream go to `on_response`; the action's result is the
    response of a method without one, else None."""

    method: messages.Method
    request: Any = None
    requests: Callable[[], Iterable[Any]] | None = None  # of a method that streams requests
    on_response: Callable[[Any], None] | None = None
    timeout: float | None = None  # seconds


@dataclass
class Sleep:
    """A wait in seconds."""

    seconds: float


Action = Union[Call, Sleep]
Flow = Generator[Action, Any, T]


class Deadline:
    """When a whole operation, tries and waits included, has to be over; None: never."""

    def __init__(self, timeout: float | None, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._end = None if timeout is None else clock() + timeout

    def left(self) -> float | None:
        """Seconds left, at least a millisecond; None for no end."""
        return None if self._end is None else max(self._end - self._clock(), 1e-3)

    def allows(self, wait: float) -> bool:
        """Whether a wait ends before it."""
        return self._end is None or self._clock() + wait < self._end


class Session:
    """What a client remembers between calls: which controls the server holds. Any thread."""

    def __init__(self, policy: RetryPolicy, clock: Callable[[], float] = time.monotonic,
                 draw: Callable[[], float] = random.random,
                 max_inline_bytes: float = _MAX_INLINE_BYTES) -> None:
        self.policy = policy
        self._max_inline_bytes = max_inline_bytes
        self.clock = clock
        self._draw = draw
        self._lock = threading.Lock()
        self._ids: OrderedDict[str, str] = OrderedDict()  # digest of controls -> control set

    def retrying(self, attempt: Callable[[Deadline, Callable[[], None]], Flow[T]],
                 timeout: float | None) -> Flow[T]:
        """Tries until it is well, a failure does not pass, or nothing arrives for too long.

        `attempt` is a fresh flow for every try; it calls its second argument whenever something
        arrives.
        """
        deadline = Deadline(timeout, self.clock)
        failures, last = 0, self.clock()
        arrived = False

        def note() -> None:
            nonlocal arrived, last
            arrived, last = True, self.clock()
        while True:
            arrived = False
            try:
                return (yield from attempt(deadline, note))
            except UnlastingError as error:
                forgotten = error.reason == "UNKNOWN_CONTROL_SET"
                failures = 1 if arrived else failures + 1
                if not (may_pass(error) or forgotten and failures < 3):
                    raise
                if self.clock() - last >= self.policy.give_up:
                    raise
                wait = wait_before_retry(self.policy, failures, error.retry_after, self._draw())
                if forgotten and failures == 1:
                    continue  # a server that was restarted is as good as before
                if not deadline.allows(wait):
                    raise DeadlineError(
                        f"no time is left to try again in {wait:.1f} s (timeout={timeout:g}): "
                        f"{error}", code="DEADLINE_EXCEEDED", reason=error.reason,
                        retry_after=error.retry_after) from error
                yield Sleep(wait)

    def unary(self, method: messages.Method, request: Any, timeout: float | None) -> Flow[Any]:
        """A call with one request and one response."""
        def attempt(deadline: Deadline, note: Callable[[], None]) -> Flow[Any]:
            return (yield Call(method, request, timeout=deadline.left()))
        return (yield from self.retrying(attempt, timeout))

    def model(self, name: str, version: str, timeout: float | None) -> Flow[Any]:
        """The description of a model."""
        response = yield from self.unary(
            messages.GET_MODEL, messages.GetModelRequest(model=name, version=version), timeout)
        return response.model

    def predict(self, request: Any, controls: Controls | None, timeout: float | None,
                on_part: Callable[[Any], None] = lambda part: None) -> Flow[Collector]:
        """A whole prediction. `controls` (None: the request has its own) travel with the request
        where they are small, and are registered once, and again where the server forgot them."""
        def attempt(deadline: Deadline, note: Callable[[], None]) -> Flow[Collector]:
            collector = Collector()

            def take(part: Any) -> None:
                note()
                collector.add(part)
                on_part(part)
            sent = messages.PredictRequest()
            sent.CopyFrom(request)
            if controls is not None:
                yield from self._attach(sent, controls, deadline)
            try:
                yield Call(messages.PREDICT, sent, on_response=take, timeout=deadline.left())
            except UnlastingError as error:
                if controls is not None and error.reason == "UNKNOWN_CONTROL_SET":
                    self._forget(controls)
                raise
            collector.check()
            return collector
        return (yield from self.retrying(attempt, timeout))

    def _attach(self, request: Any, controls: Controls, deadline: Deadline) -> Flow[None]:
        if controls.encoded_bytes() <= self._max_inline_bytes:
            request.cells.CopyFrom(controls.message())
            return
        with self._lock:
            known = self._ids.get(controls.digest(), "")
        if not known:
            registered = yield Call(messages.REGISTER_CONTROLS, requests=controls.upload,
                                    timeout=deadline.left())
            known = registered.control_set_id
            with self._lock:
                self._ids[controls.digest()] = known
                while len(self._ids) > _KEPT_CONTROL_SETS:
                    self._ids.popitem(last=False)
        request.control_set_id = known

    def _forget(self, controls: Controls) -> None:
        with self._lock:
            self._ids.pop(controls.digest(), None)


def upload_of(call: Call) -> Iterator[Any]:
    """The requests of a call that streams them."""
    assert call.requests is not None
    return iter(call.requests())
