"""Certificates for localhost, made by OpenSSL."""

import subprocess


def own(folder):
    """A certificate of its own for localhost: paths of certificate and key."""
    pem, key = folder / "tls.crt", folder / "tls.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", str(key), "-out", str(pem)], check=True, stderr=subprocess.DEVNULL)
    return pem, key


def until(folder, end):
    """A certificate for localhost that ends at a moment, past ones too: paths of it and its key."""
    (folder / "ca.cnf").write_text(f"""[ca]
default_ca = own
[own]
database = {folder}/index
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
[any]
commonName = supplied
""")
    (folder / "index").touch()
    (folder / "serial").write_text("01")
    pem, key, request_file = folder / "tls.crt", folder / "tls.key", folder / "request"
    for command in (["req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
                     "-keyout", key, "-out", request_file],
                    ["ca", "-batch", "-config", folder / "ca.cnf", "-selfsign", "-notext", "-keyfile",
                     key, "-in", request_file, "-out", pem, "-startdate", "20200101000000Z",
                     "-enddate", end.strftime("%Y%m%d%H%M%SZ")]):
        subprocess.run(["openssl", *map(str, command)], check=True, stderr=subprocess.DEVNULL)
    return pem, key
