#!/usr/bin/python3
"""Writes what programs are made of as an SPDX 2.3 document: the shared libraries that they load, by
Debian package and version, as dpkg has them installed.

    scripts/sbom.py build/release/bin/unlasting-server build/release/bin/unlasting > sbom.spdx.json

SOURCE_DATE_EPOCH sets the time of the document, so that two runs give the same bytes.
"""

import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def version():
    return re.search(r"^project\(unlasting VERSION ([0-9.]+)",
                     (ROOT / "CMakeLists.txt").read_text(), re.MULTILINE)[1]


def libraries(program):
    """The files of the shared libraries that a program loads, those of libraries included."""
    found = re.findall(r"(?:=> )?(/\S+) \(0x", run("ldd", program))
    return {os.path.realpath(path) for path in found}


def packages_of(files):
    """The Debian packages that own files. The root file system is merged into /usr, so that dpkg may
    know a file by either path; it is asked once, since each question takes long."""
    either = {path: {path, path.removeprefix("/usr")} for path in files}
    done = subprocess.run(["dpkg-query", "--search", *sorted(set().union(*either.values()))],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    owners = {}
    for line in done.stdout.splitlines():
        names, _, path = line.rpartition(": ")
        owners[path] = names.split(",")[0]
    for path, known_by in either.items():
        if not known_by & owners.keys():
            raise SystemExit(f"sbom: {path}: belongs to no Debian package, expected one of dpkg's")
    return sorted(set(owners.values()))


def spdx_id(text):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", text)


def packages(names):
    lines = run("dpkg-query", "--show", "--showformat",
                "${Package}\t${Version}\t${Architecture}\t${source:Package}\t${Homepage}\n", *names)
    return [package(*line.split("\t")) for line in lines.splitlines()]


def package(binary, number, architecture, source, homepage):
    return {
        "SPDXID": spdx_id(f"{binary}-{number}"), "name": binary, "versionInfo": number,
        "supplier": "Organization: Debian", "sourceInfo": f"built from the source package {source}",
        "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
        "homepage": homepage or "NOASSERTION",
        "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
            "referenceLocator": f"pkg:deb/debian/{binary}@{number.replace(':', '%3A')}"
                                f"?arch={architecture}&distro=debian-12"}],
    }


def program_package(program):
    data = pathlib.Path(program).read_bytes()
    name = pathlib.Path(program).name
    return {
        "SPDXID": spdx_id(name), "name": name, "versionInfo": version(),
        "supplier": "Organization: Unlasting", "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False, "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0",
        "copyrightText": "NOASSERTION", "primaryPackagePurpose": "APPLICATION",
        "checksums": [{"algorithm": "SHA256", "checksumValue": hashlib.sha256(data).hexdigest()}],
    }


def document(programs):
    found, relationships = {}, []
    for program in programs:
        own = program_package(program)
        found[own["SPDXID"]] = own
        relationships.append(("SPDXRef-DOCUMENT", "DESCRIBES", own["SPDXID"]))
        for made in packages(packages_of(libraries(program))):
            found[made["SPDXID"]] = made
            relationships.append((own["SPDXID"], "DYNAMIC_LINK", made["SPDXID"]))
    content = json.dumps(sorted(found)).encode()
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", datetime.datetime.now().timestamp()))
    created = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc)
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"unlasting-{version()}",
        "documentNamespace": "https://spdx.org/spdxdocs/unlasting-"
                             f"{version()}-{hashlib.sha256(content).hexdigest()[:32]}",
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "creators": ["Organization: Unlasting", "Tool: scripts/sbom.py"]},
        "packages": [found[name] for name in sorted(found)],
        "relationships": [{"spdxElementId": one, "relationshipType": kind,
                           "relatedSpdxElement": other} for one, kind, other in relationships],
    }


def main():
    programs = sys.argv[1:]
    if not programs or programs[0].startswith("-"):
        print(__doc__)
        return 0 if programs[:1] in (["-h"], ["--help"]) else 2
    for program in programs:
        if not pathlib.Path(program).is_file():
            print(f"sbom: {program}: is not there, expected a program that was built",
                  file=sys.stderr)
            return 2
    json.dump(document(programs), sys.stdout, indent=1)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
