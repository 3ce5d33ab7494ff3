"""The files, splits and methods of the comparison."""
import dataclasses
import pathlib

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DATA = REPOSITORY / "demo" / "data"

KANG_TYPES = ("CD14+ Monocytes", "CD4 T cells", "B cells", "CD8 T cells", "FCGR3A+ Monocytes")
PATIENTS = ("PW030", "PW032", "PW034", "PW036", "PW040")


@dataclasses.dataclass(frozen=True)
class Task:
    name: str
    family: str  # the table that it is averaged in
    data: pathlib.Path
    settings: tuple  # of our own training
    genes: bool = True  # perturbations are genes, not a drug or a treatment
    counts_layer: str = ""  # where the raw counts are; "": X
    library_size_column: str = ""


def tasks(kang=None):
    """`kang`: the file of Kang and others, whose licence (GPL-3) keeps it out of this repository; None: without."""
    found = [
        Task("thp1", "THP-1", DATA / "thp1_knockouts.h5ad",
             ("split=cells", "genes=0", "library_size_column=n_umis_all_genes"),
             library_size_column="n_umis_all_genes"),
        Task("norman", "Norman", DATA / "norman_pairs.h5ad", ("split=doubles", "genes=0"),
             counts_layer="counts", library_size_column="n_umis_all_genes"),
    ]
    found += [Task(patient, "glioblastoma", DATA / "glioblastoma_panobinostat.h5ad",
                   ("split=covariates", f"hold_out=cell_type={patient}", "genes=0"), genes=False)
              for patient in PATIENTS]
    if kang:
        found += [Task("kang-" + kind.split()[0].rstrip("+").lower(), "Kang", pathlib.Path(kang).resolve(),
                       ("split=covariates", f"hold_out=cell_type={kind}", "genes=500", 'treatments=["IFNb"]'),
                       genes=False) for kind in KANG_TYPES]
    return found


@dataclasses.dataclass(frozen=True)
class Rival:
    name: str
    title: str
    asks: str  # of its user
    script: str = ""
    environment: str = ""
    python: str = ""
    rule: str = ""
    max_controls: int = 0
    absent: str = ""  # why it is not even tried
    run_of: str = ""  # the method whose run writes its cells as well
    commit: str = ""  # of this repository, whose programs it runs; under Debian's Python


RIVALS = [
    Rival("before", "Unlasting 0.1.0 (920b8b2)", "two commands; a C++ build", "rival_before.py", commit="920b8b2"),
    Rival("cpa", "CPA 0.8.8", "counts, splits and dose strings by hand; torch 2.0.0", "rival_cpa.py", "cpa", "3.10"),
    Rival("cpa_drawn", "CPA 0.8.8, drawn from its distribution", "the same, and the drawing by hand", run_of="cpa"),
    Rival("scgen", "scGen 2.1.0", "Python 3.10, and eight versions that pip does not find by itself", "rival_scgen.py", "scgen", "3.10"),
    Rival("gears", "GEARS 0.1.2",
          "torch-geometric, an older scipy and a GO annotation by hand; its cells are not in its API",
          "rival_gears.py", "gears", "3.10"),
    Rival("cellflow", "CellFlow 0.0.9", "`requests` by hand; sizes for a CPU by hand", "rival_cellflow.py", "cellflow",
          "3.12", max_controls=100),
    Rival("state", "State 0.11.1", "a TOML file, a batch column, a query file; sizes for a CPU by hand",
          "rival_state.py", "state", "3.12"),
    Rival("cipher", "CIPHER 0.1.0", "nothing; measured targets alone", "rival_cipher.py", "cipher", "3.12"),
    Rival("pie", "PIE 1.0.0", "downloads of data and knowledge sources", "rival_pie.py", "pie", "3.12"),
    Rival("paper", "the paper's equations, PyG", "to write them", "rival_paper.py", "gears", "3.10", max_controls=100),
    *[Rival(name, title, "", "rival_rules.py", "cipher", "3.12", rule=name) for name, title in (
        ("strongest", "strongest rule"), ("replay", "replay of the training cells"), ("additive", "additive"),
        ("mean_shift", "mean shift"), ("no_change", "no change"))],
    Rival("grape", "GRAPE", "", absent="needs embeddings of genes from language models, which are downloaded"),
    Rival("graphvci", "GraphVCI", "", absent="no package; its code asks for versions that no index has any more"),
    Rival("scgpt", "scGPT", "", absent="needs its pretrained weights, which are downloaded"),
]
