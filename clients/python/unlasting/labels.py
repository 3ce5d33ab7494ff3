"""Labels of cells as the field writes them: which mean a control, and which columns hold them.

The rules are those of the programs (core/cells/labels.cc and obs_columns.cc).
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from unlasting.errors import invalid, not_found

_KINDS = {
    "guide": """ctrl control controls ctl cntrl neg negctrl negativectrl negcontrol negativecontrol nt
        ntc ntctrl ntcontrol ntguide nontarget nontargeting nontargetingcontrol nontargetingctrl
        nontargetingguide nontargetinggrna nontargetingsgrna safetargeting safetarget scramble
        scrambled scrambledcontrol scramblecontrol unperturbed noperturbation emptyvector
        nontransduced untransduced nontransfected untransfected notarget notargeting nontargetted
        nontargeted nontargetting nontargetcontrol nontargetctrl sgctrl sgcontrol sgnt sgntc
        sgnontargeting negctl negcontrols negativecontrols controlguide ctrlguide safeharbor""",
    "solvent": """dmso vehicle veh vehiclecontrol dmsocontrol pbs saline solvent dmsovehicle
        vehicledmso""",
    "mock": "mock mockinfected mocktransfected mocktreated mockcontrol uninfected noninfected",
    "untreated": """untreated nontreated notreatment nodrug unstimulated unstim nonstimulated
        nostimulation nostim untreatedcontrol unstimulatedcontrol wildtype baseline""",
}
_KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names.split()}

_CONDITION_COLUMNS = """condition conditions perturbation perturbations perturbationname
    perturbationlabel perturbed perturb pert pertname pertiname guideidentity guideidentities guide
    guides guideid guidetarget sgrna grna grnaid sgrnaid grnaidentity targetgene targetgenes
    genetarget target targets targetedgene genetargeted gene genes geneid knockout ko crispr drug
    drugs drugname compound compoundname productname product treatment treatments treatmentname
    treated stimulation stimulus stim cytokine agent conditionname group""".split()
_CELL_TYPE_COLUMNS = """celltype celltypes celltypename celltypelabel celltypel1 celltypel2
    celltypel3 cellline celllines celllinename celllineid cell cellclass cellontologyclass
    cellidentity cellstate cellannotation annotation annotations celllabel celllabels majorcelltype
    predictedcelltype celltypeannotation celltypeoriginal tissue organ donor donorid patient
    patientid patients individual subject subjectid""".split()
LOOK_ALIKES = {"condition_column": _CONDITION_COLUMNS, "cell_type_column": _CELL_TYPE_COLUMNS}


def trimmed(column: Any) -> list[str]:
    """A column of obs as text without blanks at its ends; missing values are ""."""
    values = np.asarray(column.astype(object))
    return ["" if value is None or value != value else str(value).strip(" \t\r\n\v\f\u00a0")
            for value in values]


def is_missing(label: str) -> bool:
    """Whether the field's tools write a missing value so."""
    text = label.strip().lower()
    if text == "na":
        return label.strip() != "Na"  # sodium
    return text in ("", "nan", "none", "<na>", "n/a", "#n/a", "null", "nat", "<none>", "<nan>",
                    "nil", "-")


def _kind_of_name(label: str) -> str:
    if re.search(r"[^A-Za-z0-9 \-_./#()]", label):
        return ""
    letters = re.sub(r"[^a-z]", "", label.lower())
    digit = re.search(r"\d", label)
    if digit:
        if re.search(r"[A-Za-z]", label[digit.start():]):
            return ""
        if len(letters) < 4 and letters not in ("nt", "ntc"):
            return ""  # a few letters and a number are a gene, e.g. CTR9
    return _KIND_OF.get(letters, "")


def control_kind(label: str) -> str:
    """The kind of control that a label names (guide, solvent, mock, untreated), or ""."""
    whole = _kind_of_name(label)
    if whole:
        return whole
    parts = [part for part in re.split(r"[_|;,]", label) if part.strip()]
    kinds = {_kind_of_name(part) for part in parts}
    return kinds.pop() if len(kinds) == 1 else ""


def list_labels(labels: list[str]) -> str:
    """Labels for messages, those with most cells first."""
    names, counts = np.unique(np.array(labels, dtype=object).astype(str), return_counts=True)
    order = sorted(zip(-counts, names))
    shown = [f"'{name}' ({-count} cell{'s' if count != -1 else ''})" for count, name in order[:10]]
    more = len(order) - len(shown)
    return ", ".join(shown) + (f", and {more} more" if more else "")


def control_labels(labels: list[str], control: str) -> tuple[set[str], list[str]]:
    """Which labels mean unperturbed cells, and remarks for the user.

    `control` is the name of the control, or several separated by commas; at its default "ctrl" the
    names that the field uses are taken too. InvalidInputError where those are of several kinds
    (DMSO beside untreated) and none is "ctrl".
    """
    present = set(labels)
    whole = control.strip()
    named = {whole} & present or {part.strip() for part in whole.split(",")} & present
    others = {label for label in present - named if control_kind(label)}
    if not others:
        return named, []
    listed = "', '".join(sorted(others))
    if whole != "ctrl":
        return named, ([f"found '{listed}' beside the control, which reads like a control and is "
                        "taken for a perturbation"] if named else [])
    kinds = {control_kind(label) for label in others}
    if not named and len(kinds) > 1:
        raise invalid("NO_CELLS", "control", f"found no cells named 'ctrl', and several names of "
                      f"controls: '{listed}'; choose, e.g. control='{sorted(others)[0]}', or "
                      f"control='{','.join(sorted(others))}' where all of them are controls")
    return named | others, [f"cells named '{listed}' are taken for control cells"]


def names_controls_alone(label: str, control: str) -> bool:
    """ctrl+ctrl, or two non-targeting guides in a cell."""
    controls = {control.strip(), "ctrl", *(part.strip() for part in control.split(","))}
    parts = [part.strip() for part in label.split("+")]
    return len(parts) > 1 and all(part in controls or not part or control_kind(part)
                                  for part in parts)


def look_alikes(obs: Any, parameter: str) -> list[str]:
    """Columns of obs whose names read like the wanted one and that hold text."""
    plain = {column: re.sub(r"[^a-z0-9]", "", str(column).lower()) for column in obs.columns}
    found = [column for like in LOOK_ALIKES[parameter]
             for column, name in plain.items() if name == like]
    if parameter == "cell_type_column":
        found += [column for column, name in plain.items() if column not in found
                  and ("celltype" in name or "cellline" in name)]
    return [column for column in found if getattr(obs[column].dtype, "kind", "O") != "f"]


def column_of(obs: Any, name: str, parameter: str) -> list[str]:
    """A column of obs as trimmed text; NotFoundError names those that look like it."""
    if name in obs.columns:
        return trimmed(obs[name])
    alike = look_alikes(obs, parameter)
    ways = " or ".join(f"{parameter}='{column}'" for column in alike)
    raise not_found("UNKNOWN_COLUMN", parameter,
                    f"obs has no column '{name}'; found: {' '.join(map(str, obs.columns))}"
                    + (f"; use {ways}" if ways else ""))
