"""Makes the pinned Python environment of a rival, from nothing, with uv, and the programs of an older version of ours.

Nothing else needs these environments. Files are hard links into uv's cache, so that environments share what they have
in common. Python itself is taken from the machine: pythonX.Y on PATH, or below ~/.pyenv/versions.
"""
import glob
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
PROGRAMS = ("unlasting-train", "unlasting-server", "unlasting")
UV_VERSION = "0.13.8"
GO_PACKAGE = "r-bioc-org.hs.eg.db"


def find_python(version):
    candidates = sorted(glob.glob(os.path.expanduser(f"~/.pyenv/versions/{version}.*/bin/python")), reverse=True)
    for candidate in [shutil.which(f"python{version}"), *candidates]:
        if candidate and subprocess.run([candidate, "-c", "import ensurepip"], capture_output=True).returncode == 0:
            return candidate
    raise RuntimeError(f"found no Python {version}, expected python{version} on PATH or below ~/.pyenv/versions")


def uv(work):
    program = work / "uv" / "bin" / "uv"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", work / "uv"], check=True)
        subprocess.run([work / "uv" / "bin" / "pip", "install", "--quiet", "--no-cache-dir", f"uv=={UV_VERSION}"],
                       check=True)
    return program


def make(name, version, work, log):
    """The environment's python. Made anew where its requirements have changed. RuntimeError with the reason."""
    requirements = HERE / "requirements" / f"{name}.txt"
    folder, wanted = work / "env" / name, requirements.read_text()
    stamp = folder / "requirements.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return folder / "bin" / "python"
    environment = os.environ | {"UV_CACHE_DIR": str(work / "uv-cache"), "UV_PYTHON_DOWNLOADS": "never"}
    python = find_python(version)
    for command in ([uv(work), "venv", "--quiet", "--clear", "--python", python, folder],
                    [uv(work), "pip", "sync", "--quiet", "--python", folder / "bin" / "python", requirements]):
        done = subprocess.run(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        if done.returncode:
            raise RuntimeError(f"environment {name}: {' '.join(map(str, command[1:3]))} failed")
    stamp.write_text(wanted)
    return folder / "bin" / "python"


def gene_ontology(work, log):
    """The SQLite file of Debian's package with the GO terms of human genes."""
    folder = work / "go"
    found = list(folder.glob("**/org.Hs.eg.sqlite"))
    if not found:
        folder.mkdir(parents=True, exist_ok=True)
        for command in (["apt-get", "download", GO_PACKAGE], ["sh", "-c", f"dpkg-deb -x {GO_PACKAGE}_*.deb ."]):
            done = subprocess.run(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
            if done.returncode:
                raise RuntimeError(f"{GO_PACKAGE}: {command[0]} failed")
        found = list(folder.glob("**/org.Hs.eg.sqlite"))
    return found[0]


def programs(commit, work, log):
    """The folder with the programs of an older commit of this repository, built once. RuntimeError with the reason."""
    source = work / f"source-{commit}"
    binaries = source / "build" / "release" / "bin"
    if all((binaries / program).exists() for program in PROGRAMS):
        return binaries
    source.mkdir(parents=True, exist_ok=True)
    archive = work / f"source-{commit}.tar"
    for where, command in ((REPOSITORY, ["git", "archive", "--output", archive, commit]),
                           (source, ["tar", "--extract", "--file", archive]),
                           (source, ["cmake", "--preset", "release", "-DBUILD_TESTING=OFF"]),
                           (source, ["cmake", "--build", "build/release", "--target", *PROGRAMS])):
        if subprocess.run(command, cwd=where, stdout=log, stderr=subprocess.STDOUT).returncode:
            raise RuntimeError(f"Unlasting at {commit}: {' '.join(command[:2])} failed")
    return binaries
