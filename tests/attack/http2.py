"""A hostile HTTP/2 peer: connections and frames by hand, as no library would send them."""

import socket
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING = 0, 1, 3, 4, 6
GOAWAY, WINDOW_UPDATE, CONTINUATION = 7, 8, 9
WINDOW = 65535  # what may be sent on a connection or a stream before the peer allows more
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def integer(value, prefix, first=0):
    """An integer of HPACK."""
    limit = (1 << prefix) - 1
    if value < limit:
        return bytes([first | value])
    out = bytearray([first | limit])
    value -= limit
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    out.append(value)
    return bytes(out)


def literal(name, value, keep=False):
    """A header by name and value; `keep` has the peer put it into its table."""
    return (bytes([0x40 if keep else 0x00]) + integer(len(name), 7) + name.encode()
            + integer(len(value), 7) + value.encode())


def headers(path, more=()):
    fields = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "server"),
              ("content-type", "application/grpc"), ("te", "trailers"), *more]
    return b"".join(literal(name, value) for name, value in fields)


def message(payload, compressed=False, declared=None):
    """A message of gRPC; `declared` is the length that it claims."""
    length = len(payload) if declared is None else declared
    return bytes([1 if compressed else 0]) + struct.pack(">I", length) + payload


class Peer:
    """One connection in plaintext. Every send and receive gives up after `patience` seconds."""

    def __init__(self, address, patience=10):
        if address.startswith("unix:"):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(patience)
            self.socket.connect(address[len("unix:"):])
        else:
            host, port = address.rsplit(":", 1)
            # From another address than well-behaved clients, for fronts that count by address.
            self.socket = socket.create_connection((host, int(port)), timeout=patience,
                                                   source_address=("127.0.0.2", 0))
        self.next_stream = 1
        self.received = b""
        self.credit = {0: WINDOW}  # bytes that may be sent, by stream; 0 is the connection
        self.initial = WINDOW

    def greet(self, window=1 << 30):
        self.send(PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, min(window, 2**31 - 1))))
        return self

    def send(self, data):
        self.socket.sendall(data)

    def open(self, block, end=False):
        """Sends the headers of a new stream, and returns its number."""
        stream = self.next_stream
        self.next_stream += 2
        self.send(frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, block))
        return stream

    def data(self, stream, payload, end=False):
        """Sends a payload within frames of the size that every peer takes."""
        parts = [payload[k:k + 16384] for k in range(0, len(payload), 16384)] or [b""]
        for k, part in enumerate(parts):
            # As the peer allows: one that is sent more gives the connection up.
            while len(part) > min(self.credit[0], self.credit.setdefault(stream, self.initial)):
                seen = self.frames(1)
                if not seen or seen[0][0] in (RST_STREAM, GOAWAY):
                    raise OSError("the peer allows no more")
            self.credit[0] -= len(part)
            self.credit[stream] -= len(part)
            last = end and k + 1 == len(parts)
            self.send(frame(DATA, END_STREAM if last else 0, stream, part))

    def allow(self, kind, flags, stream, payload):
        if kind == WINDOW_UPDATE:
            more = int.from_bytes(payload, "big")
            self.credit[stream] = self.credit.get(stream, self.initial) + more
        elif kind == SETTINGS and not flags & ACK:
            for at in range(0, len(payload), 6):
                name, value = struct.unpack(">HI", payload[at:at + 6])
                if name == 4:
                    for each in self.credit:
                        self.credit[each] += value - self.initial if each else 0
                    self.initial = value
            self.send(frame(SETTINGS, ACK, 0))

    def frames(self, count=1, patience=5):
        """The next frames as (kind, flags, stream, payload); fewer where the peer is silent or gone."""
        found = []
        self.socket.settimeout(patience)
        try:
            while len(found) < count:
                if len(self.received) >= 9:
                    length = int.from_bytes(self.received[:3], "big")
                    if len(self.received) >= 9 + length:
                        stream = int.from_bytes(self.received[5:9], "big")
                        found.append((self.received[3], self.received[4], stream,
                                      self.received[9:9 + length]))
                        self.received = self.received[9 + length:]
                        self.allow(*found[-1])
                        continue
                data = self.socket.recv(1 << 16)
                if not data:
                    break
                self.received += data
        except OSError:
            pass
        return found

    def close(self):
        try:
            self.socket.close()
        except OSError:
            pass
