#!/usr/bin/python3
"""Writes what programs are made of as an SPDX 2.3 document: the shared libraries that they load, by
Debian package and version, as dpkg has them installed. A library of no such package, as those of an
official LibTorch or of CUDA are, is named by the PyPI package that installed it, or else by its own
name and SHA-256.

    scripts/sbom.py build/release/bin/unlasting-server build/release/bin/unlasting > sbom.spdx.json

SOURCE_DATE_EPOCH sets the time of the document, so that two runs give the same bytes.
"""

import csv
import datetime
import functools
import hashlib
import importlib.metadata
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


def debian_packages_of(files):
    """The Debian packages that own files, and the files that none owns. The root file system is merged
    into /usr, so that dpkg may know a file by either path; it is asked once, since each question takes
    long."""
    either = {path: {path, path.removeprefix("/usr")} for path in files}
    done = subprocess.run(["dpkg-query", "--search", *sorted(set().union(*either.values()))],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    owners = {}
    for line in done.stdout.splitlines():
        names, _, path = line.rpartition(": ")
        owners[path] = names.split(",")[0]
    others = {path for path, known_by in either.items() if not known_by & owners.keys()}
    return sorted(set(owners.values())), others


@functools.cache
def wheels_below(site):
    """The PyPI packages that are installed in a site-packages folder: name and version by file, relative
    to it."""
    owners = {}
    for found in importlib.metadata.distributions(path=[site]):
        owner = (found.metadata["Name"], found.version)
        for row in csv.reader((found.read_text("RECORD") or "").splitlines()):
            owners[row[0]] = owner
    return owners


def other_package(path):
    """The package of a library that no Debian package owns."""
    site = next((folder for folder in pathlib.Path(path).parents if folder.name == "site-packages"), None)
    owner = wheels_below(str(site)).get(str(pathlib.Path(path).relative_to(site))) if site else None
    if owner:
        name, number = owner
        return package(name, number, "NOASSERTION", "installed from the Python Package Index",
                       "NOASSERTION", f"pkg:pypi/{name.lower()}@{number}")
    name, _, number = pathlib.Path(path).name.partition(".so")
    return package(name, number.lstrip(".") or "NOASSERTION", "NOASSERTION", "in no package", "NOASSERTION",
                   None) | {"SPDXID": spdx_id(pathlib.Path(path).name), "checksums": [checksum(path)]}


def checksum(path):
    with open(path, "rb") as stream:
        return {"algorithm": "SHA256", "checksumValue": hashlib.file_digest(stream, "sha256").hexdigest()}


def spdx_id(text):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", text)


def debian_packages(names):
    lines = run("dpkg-query", "--show", "--showformat",
                "${Package}\t${Version}\t${Architecture}\t${source:Package}\t${Homepage}\n", *names)
    for line in lines.splitlines():
        binary, number, architecture, source, homepage = line.split("\t")
        yield package(binary, number, "Organization: Debian", f"built from the source package {source}",
                      homepage or "NOASSERTION",
                      f"pkg:deb/debian/{binary}@{number.replace(':', '%3A')}"
                      f"?arch={architecture}&distro=debian-12")


def package(name, number, supplier, source, homepage, locator):
    made = {
        "SPDXID": spdx_id(f"{name}-{number}"), "name": name, "versionInfo": number,
        "supplier": supplier, "sourceInfo": source,
        "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "homepage": homepage,
        "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
    }
    if locator:
        made["externalRefs"] = [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                                 "referenceLocator": locator}]
    return made


def program_package(program):
    name = pathlib.Path(program).name
    return {
        "SPDXID": spdx_id(name), "name": name, "versionInfo": version(),
        "supplier": "Organization: Unlasting", "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False, "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0",
        "copyrightText": "NOASSERTION", "primaryPackagePurpose": "APPLICATION",
        "checksums": [checksum(program)],
    }


def document(programs):
    found, relationships = {}, []
    for program in programs:
        own = program_package(program)
        found[own["SPDXID"]] = own
        linked = set()
        relationships.append(("SPDXRef-DOCUMENT", "DESCRIBES", own["SPDXID"]))
        names, others = debian_packages_of(libraries(program))
        for made in [*debian_packages(names), *map(other_package, sorted(others))]:
            if made["SPDXID"] in linked:
                continue
            linked.add(made["SPDXID"])
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
