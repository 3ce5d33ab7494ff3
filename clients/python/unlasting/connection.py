"""Addresses, credentials and channel options, and what a failed connection means in plain words."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

import grpc

from unlasting import __version__
from unlasting.errors import invalid

OPTIONS = [
    ("grpc.max_receive_message_length", -1),  # the server bounds what it sends
    ("grpc.max_send_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5000),
    ("grpc.keepalive_time_ms", 60000),  # a machine that went without closing is noticed
    ("grpc.keepalive_timeout_ms", 20000),
    ("grpc.primary_user_agent", f"unlasting-python/{__version__}"),
]
_SCHEMES = ("unix:", "unix-abstract:", "dns:", "ipv4:", "ipv6:", "vsock:")


@dataclass(frozen=True)
class TLS:
    """Files of TLS, PEM.

    `ca`: certificates of the authorities that are trusted ("": those of the system). `cert` and
    `key`: the client's own, where the server asks for one. `server_name`: the name in the server's
    certificate, where it is another than the address.
    """

    ca: str = ""
    cert: str = ""
    key: str = ""
    server_name: str = ""


def check_address(address: str) -> str:
    """The address as gRPC takes it; InvalidInputError for URLs and addresses without a port."""
    if address.startswith(_SCHEMES):
        return address
    scheme = re.match(r"[a-z0-9+]+://", address)
    if scheme:
        raise invalid("INVALID_OPTION", "address", f"found '{address}', expected HOST:PORT without "
                                                   f"'{scheme.group()}' and without a path")
    match = re.fullmatch(r"(\[[^\]]+\]|[^:/]+):(\d+)", address)
    if not match or not 1 <= int(match.group(2)) <= 65535:
        raise invalid("INVALID_OPTION", "address",
                      f"found '{address}', expected HOST:PORT (the default port is 50051), "
                      "[IPv6]:PORT or unix:PATH")
    return address


def _read(path: str, field: str) -> bytes | None:
    if not path:
        return None
    try:
        with open(os.path.expanduser(path), "rb") as stream:
            return stream.read()
    except OSError as error:
        raise invalid("INVALID_OPTION", field, f"cannot read '{path}': {error.strerror}") from None


def tls_of(tls: bool | str | TLS) -> TLS | None:
    """`True`: the system's authorities; a path: that file of authorities; None for plaintext."""
    if isinstance(tls, TLS):
        return tls
    if isinstance(tls, (str, os.PathLike)):
        return TLS(ca=str(tls)) if str(tls) else None
    return TLS() if tls else None


def credentials_of(tls: TLS) -> Any:
    """gRPC's credentials of the files."""
    return grpc.ssl_channel_credentials(_read(tls.ca, "tls.ca"), _read(tls.key, "tls.key"),
                                        _read(tls.cert, "tls.cert"))


def options_of(tls: TLS | None) -> list[tuple[str, Any]]:
    """Channel options."""
    named = tls is not None and tls.server_name
    return OPTIONS + ([("grpc.ssl_target_name_override", tls.server_name)]  # type: ignore
                      if named else [])


def explain(address: str, message: str, tls: bool) -> str:
    """What gRPC says of a failed connection, in words that say what to do."""
    lower = message.lower()

    def says(*parts: str) -> bool:
        return any(part in lower for part in parts)
    if says("connection refused"):
        text = "connection refused: nothing listens on this port of the host"
    elif says("dns resolution failed", "domain name not found", "name or service not known"):
        text = "no such host: its name cannot be resolved"
    elif says("wrong version number", "wrong_version_number", "packet length too"):
        text = "the server does not speak TLS: leave out tls, or ask its operator for the TLS port"
    elif says("certificate_verify_failed", "certificate verify failed"):
        text = ("wrong certificate: that of the server is not signed by an authority in tls, or it "
                "has expired")
    elif says("hostname verification check failed", "peer name"):
        text = "wrong certificate: that of the server is for another host name (TLS.server_name)"
    elif says("certificate required", "certificate_required", "bad certificate"):
        text = "the server asks for the client's certificate: give TLS(cert=..., key=...)"
    elif says("handshake failed", "ssl_error", "tls handshake"):
        text = ("the TLS handshake failed: either the server does not speak TLS or it does not "
                f"accept ours ({message})")
    elif says("no such file or directory"):
        text = "the unix socket does not exist"
    elif not tls and says("socket closed", "connection reset", "goaway", "end of tcp stream",
                          "before receiving settings"):
        text = ("the server closed the connection at once: it may expect TLS (give tls=True or a "
                "file of authorities), or it is not a gRPC server")
    else:
        text = message
    return f"server {address}: {text}"
