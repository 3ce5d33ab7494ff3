"""What goes wrong, as exceptions that carry what the server says of it.

Every exception is an UnlastingError with `.code` (a canonical gRPC code, e.g. "NOT_FOUND"),
`.reason` (a stable word such as "UNKNOWN_GENE"; "" where there is none) and `.violations` (each bad
field of the request with what was found and what was expected). What the client itself refuses has
the same form, so that callers need one `except` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Mapping

from unlasting import messages


class UnlastingWarning(UserWarning):
    """Something that a user should read and that stops nothing: genes filled in, a scale guessed."""


@dataclass(frozen=True)
class Violation:
    """A bad field of a request, e.g. `perturbations[0].genes`."""

    field: str
    description: str
    reason: str = ""  # e.g. UNKNOWN_GENE


class UnlastingError(Exception):
    """The parent of all errors of this package."""

    def __init__(self, message: str, *, code: str = "UNKNOWN", reason: str = "",
                 violations: Iterable[Violation] = (), retry_after: float = 0.0,
                 metadata: Mapping[str, str] | None = None, request_id: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.violations = list(violations)
        self.retry_after = retry_after  # seconds that the server asks to wait; 0: it does not ask
        self.metadata = dict(metadata or {})  # of ErrorInfo, e.g. {"bad_fields": "3"}
        self.request_id = request_id  # by which the server's log knows the call

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text} ({self.reason})" if self.reason and self.reason not in text else text


class InvalidInputError(UnlastingError, ValueError):
    """The request cannot be answered as it is: values, shapes, options, doses, structures."""


class NotFoundError(UnlastingError, LookupError):
    """A gene, molecule, treatment, cell type, model or column that is not known."""


class AccessError(UnlastingError, PermissionError):
    """The token is absent or wrong, or does not allow the call."""


class UnavailableError(UnlastingError, ConnectionError):
    """No server responds at the address, or it went away."""


class BusyError(UnlastingError):
    """The server's queue is full, or a quota is used up; `.retry_after` says for how long."""


class DeadlineError(UnlastingError, TimeoutError):
    """The call did not end within its timeout."""


class IncompleteError(UnlastingError):
    """The response ended before its last part, or its parts do not fit together."""


_CLASSES: dict[str, type[UnlastingError]] = {
    "INVALID_ARGUMENT": InvalidInputError, "OUT_OF_RANGE": InvalidInputError,
    "FAILED_PRECONDITION": InvalidInputError, "NOT_FOUND": NotFoundError,
    "UNAUTHENTICATED": AccessError, "PERMISSION_DENIED": AccessError,
    "UNAVAILABLE": UnavailableError, "RESOURCE_EXHAUSTED": BusyError,
    "DEADLINE_EXCEEDED": DeadlineError, "DATA_LOSS": IncompleteError,
}


def error_of(code: str, message: str, **details: Any) -> UnlastingError:
    """An error of the class that belongs to a canonical code."""
    return _CLASSES.get(code, UnlastingError)(message, code=code, **details)


def invalid(reason: str, field: str, message: str) -> InvalidInputError:
    """What the client refuses by itself, about one of its parameters."""
    return InvalidInputError(f"{field}: {message}", code="INVALID_ARGUMENT", reason=reason,
                             violations=[Violation(field, message, reason)])


def not_found(reason: str, field: str, message: str) -> NotFoundError:
    """As `invalid`, for what is not there."""
    return NotFoundError(f"{field}: {message}", code="NOT_FOUND", reason=reason,
                         violations=[Violation(field, message, reason)])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else bytes(value).decode("utf-8", "replace")


def from_rpc(code: str, message: str, trailers: Iterable[Any]) -> UnlastingError:
    """The error of a call's code, message and trailing metadata, with its details decoded."""
    found: dict[str, Any] = {}
    for key, value in trailers:
        if key == "grpc-status-details-bin":
            found.update(_details(value))
        elif key == "x-request-id":
            found["request_id"] = _text(value)
        elif key == "grpc-retry-pushback-ms" and _text(value).isdigit():
            found.setdefault("retry_after", int(_text(value)) / 1000)
    return error_of(code, message, **found)


def _details(value: bytes) -> dict[str, Any]:
    # What a newer server or a proxy puts there must not hide the error itself.
    try:
        status = messages.Status.FromString(value)
        found: dict[str, Any] = {}
        for detail in status.details:
            kind = detail.type_url.rpartition("/")[2]
            if kind == "google.rpc.ErrorInfo":
                info = messages.ErrorInfo.FromString(detail.value)
                found["reason"] = info.reason
                found["metadata"] = dict(info.metadata)
            elif kind == "google.rpc.BadRequest":
                bad = messages.BadRequest.FromString(detail.value)
                found["violations"] = [Violation(each.field, each.description, each.reason)
                                       for each in bad.field_violations]
            elif kind == "google.rpc.RetryInfo":
                delay = messages.RetryInfo.FromString(detail.value).retry_delay
                found["retry_after"] = delay.seconds + delay.nanos * 1e-9
        return found
    except Exception:
        return {}
