"""A progress line on standard error: a bar on a terminal or in a notebook, else none."""

from __future__ import annotations

import sys
import time
from typing import Any


class Progress:
    """Shows how much of `what` is done. `show`: True, False or None (where somebody watches)."""

    def __init__(self, what: str, total: int, show: bool | None = None, done: int = 0) -> None:
        watched = sys.stderr is not None and (sys.stderr.isatty() or "ipykernel" in sys.modules)
        self._show = watched if show is None else show
        self._what, self._total, self._first = what, max(total, 1), done
        self._start, self._last = time.monotonic(), 0.0

    def update(self, done: int) -> None:
        """`done` of the total; draws at most five times a second."""
        now = time.monotonic()
        if not self._show or (now - self._last < 0.2 and done < self._total):
            return
        self._last = now
        share = min(done / self._total, 1.0)
        rate = (done - self._first) / max(now - self._start, 1e-9)
        left = f"{(self._total - done) / rate:.0f} s left" if rate > 0 else ""
        bar = ("#" * round(24 * share)).ljust(24, ".")
        sys.stderr.write(f"\r{self._what} [{bar}] {done}/{self._total} {rate:.3g}/s {left}   ")
        sys.stderr.flush()

    def close(self) -> None:
        """Ends the line."""
        if self._show and self._last:
            sys.stderr.write("\n")

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *unused: Any) -> None:
        self.close()
