"""The source tree as the checks see it: README's rooms, CMake's targets, files and includes."""

import collections
import functools
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM_FOLDERS = ("core", "proto", "trainer", "server", "client")
CHECK_FOLDERS = ("tests", "bench")
SUFFIXES = {".cc", ".cu", ".h", ".cuh"}
# What README's column "may use" calls the outside libraries that only some rooms may see, the CMake
# targets that bring them, and how their headers begin.
LIBRARIES = {
    "HDF5": (r"unlasting_hdf5", r"hdf5\.h|H5\w*\.h"),
    "RDKit": (r"unlasting_rdkit", r"(GraphMol|RDGeneral|DataStructs|Geometry|RDStreams)/.*"),
    "LibTorch": (r"unlasting_torch|torch(_cpu|_cuda)?", r"(torch|ATen|c10|caffe2|gloo)/.*"),
    "gRPC": (r"gRPC::.*", r"(grpc|grpcpp|grpc\+\+)/.*(?<!\.pb\.h)"),
    "prometheus-cpp": (r"prometheus-cpp::.*", r"prometheus/.*"),
}

Room = collections.namedtuple("Room", "folder idea may_use")
Target = collections.namedtuple("Target", "folder name type sources links")
Include = collections.namedtuple("Include", "file line header")


def expand(name):
    """core/{a,b} -> [core/a, core/b]"""
    match = re.fullmatch(r"(.*)\{(.*)\}(.*)", name)
    if not match:
        return [name]
    return [match[1] + part.strip() + match[3] for part in match[2].split(",")]


def rooms_of(readme):
    """The table below the heading "The rooms", as a list of Room, in the table's order."""
    section = readme.split("\n## The rooms\n", 1)[-1].split("\n## ", 1)[0]
    rooms = []
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or len(cells) != 3 or cells[0] in ("room", "---"):
            continue
        names = [part for name in re.split(r",\s*(?![^{]*\})", cells[0]) for part in expand(name)]
        uses = [] if cells[2] == "-" else re.split(r",\s*(?![^{]*\})", cells[2])
        rooms += [Room(name, cells[1], tuple(uses)) for name in names]
    return rooms


def targets_of(text, root):
    """Lines of targets.tsv as Targets; folders and sources relative to `root`."""
    targets = []
    for line in text.splitlines():
        folder, name, kind, sources, links = line.split("\t")
        folder = pathlib.Path(folder)
        sources = [folder / source for source in sources.split()]
        targets.append(Target(
            relative(folder, root), name, kind,
            tuple(relative(source, root) for source in sources),
            tuple(links.split())))
    return targets


def relative(path, root):
    path = pathlib.Path(path)
    text = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
    return "" if text == "." else re.sub(r"[^/]+/\.\./", "", text)


@functools.lru_cache(maxsize=None)
def sources(*folders):
    """C++ files below the folders, relative to ROOT, sorted."""
    return tuple(sorted(
        str(path.relative_to(ROOT))
        for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES))


@functools.lru_cache(maxsize=None)
def text_of(file):
    return (ROOT / file).read_text(encoding="utf-8")


@functools.lru_cache(maxsize=None)
def includes_of(file):
    found = []
    for number, line in enumerate(text_of(file).splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
        if match:
            found.append(Include(file, number, match[1]))
    return tuple(found)


def folder_of_header(header):
    """The folder of the tree that a header belongs to, or None for one from outside."""
    if re.match(r"(unlasting|google/rpc|grpc/health)/.*\.pb\.h$", header):
        return "proto"
    folder = header.rpartition("/")[0]
    return folder if folder and (ROOT / folder).is_dir() else None


def reachable(edges, start):
    """The nodes that edges lead to from `start`, itself only where it is in a circle."""
    seen = set()
    waiting = [start]
    while waiting:
        for other in edges.get(waiting.pop(), ()):
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return seen


def circles(edges):
    """Sorted lists of nodes that lead to one another; one list per tangle. `edges`: node -> nodes."""
    below = {node: reachable(edges, node) for node in edges}
    tangles = {
        tuple(sorted(other for other in below[node] if node in below.get(other, ())))
        for node in edges if node in below[node]}
    return sorted(list(tangle) for tangle in tangles)
