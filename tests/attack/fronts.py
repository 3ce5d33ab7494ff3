"""Puts a front of deploy/front before a Target, as its configuration says, on ports of a test."""

import pathlib
import random
import re
import shutil
import socket
import subprocess
import tempfile

import certificates
from target import eventually

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIGURATION = ROOT / "deploy/front"


def free_port():
    """Below the ports that the system hands to clients, one of which may take it before the front."""
    while True:
        with socket.socket() as found:
            try:
                found.bind(("0.0.0.0", random.randrange(10000, 30000)))
                return found.getsockname()[1]
            except OSError:
                continue


def replaced(text, *pairs):
    """Every pattern is there: a configuration that changed needs another look."""
    for pattern, value in pairs:
        text, count = re.subn(pattern, value, text)
        if count == 0:
            raise ValueError(f"the configuration has no {pattern}")
    return text


class Front:
    """A running front, whose `plain` address speaks HTTP/2 in plaintext for attackers by hand, and
    whose `secure` address TLS."""

    def __init__(self, kind, target):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="front-"))
        self.pem, self.key = certificates.own(self.folder)
        self.plain, self.secure = (f"127.0.0.1:{free_port()}" for _ in range(2))
        command = getattr(self, kind)(target.address)
        self.log = open(self.folder / "log", "w", encoding="utf-8")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        for address in (self.plain, self.secure):
            if not eventually(lambda: self.answers(address)):
                raise RuntimeError((self.folder / "log").read_text())
        target.front = self.plain

    def answers(self, address):
        if self.process.poll() is not None:
            raise RuntimeError((self.folder / "log").read_text())
        host, port = address.split(":")
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
            return True
        except OSError:
            return False

    def nginx(self, server):
        text = replaced(
            (CONFIGURATION / "nginx.conf").read_text(),
            (r"/etc/unlasting/tls/", f"{self.folder}/"), (r"/tmp/nginx", f"{self.folder}/nginx"),
            (r"worker_processes auto;", "worker_processes 2;\ndaemon off;"),
            (r"server 127.0.0.1:50051;[^\n]*", f"server {server};"),
            (r"listen 8443 ssl http2;",
             f"listen {self.secure} ssl http2;\n    listen {self.plain} http2;"))
        path = self.folder / "nginx.conf"
        path.write_text(text)
        return [shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin"), "-c", str(path), "-p",
                str(self.folder)]

    def envoy(self, server):
        host, port = server.split(":")
        secure, plain = (address.split(":")[1] for address in (self.secure, self.plain))
        text = replaced(
            (CONFIGURATION / "envoy.yaml").read_text(),
            (r"/etc/unlasting/tls/", f"{self.folder}/"),
            (r"address: 127.0.0.1, port_value: 50051", f"address: {host}, port_value: {port}"))
        listener = re.search(r"    - name: grpc\n(?:      .*\n)+", text)[0]
        twin = re.sub(r"        - transport_socket:\n(?:            .*\n)+          filters:",
                      "        - filters:", listener).replace("name: grpc", "name: plain", 1)
        text = text.replace(listener, listener.replace("port_value: 8443", f"port_value: {secure}")
                            + twin.replace("port_value: 8443", f"port_value: {plain}"))
        path = self.folder / "envoy.yaml"
        path.write_text(text)
        return [shutil.which("envoy"), "-c", str(path), "--disable-hot-restart", "--concurrency",
                "2", "--log-level", "warning"]

    def resident(self):
        """Of the front and the processes that it started."""
        total = 0
        for status in pathlib.Path("/proc").glob("[0-9]*/status"):
            try:
                text = status.read_text()
            except OSError:
                continue
            own = str(self.process.pid) in (text.split("Pid:\t")[1].split()[0],
                                            text.split("PPid:\t")[1].split()[0])
            if own and "VmRSS:" in text:
                total += int(text.split("VmRSS:")[1].split()[0]) << 10
        return total

    def alive(self):
        return self.process.poll() is None

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
