"""Features of molecules by the RDKit at hand, where it gives those that the bundle was trained on.

RDKit's fingerprints and standardisation differ between versions now and then. The bundle holds the
features of its own drugs: where those come out otherwise here, a SMILES is refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from unlasting.errors import UnlastingError, invalid
from unlasting.local.bundle import Bundle

_FINGERPRINT = 2048


def _descriptors(molecule: Any, names: list[str]) -> np.ndarray:
    from rdkit import Chem
    from rdkit.Chem import rdMolDescriptors

    values: dict[str, float] = {"FormalCharge": Chem.GetFormalCharge(molecule)}
    for prefix, bins in (("SlogP_VSA", rdMolDescriptors.SlogP_VSA_),
                         ("SMR_VSA", rdMolDescriptors.SMR_VSA_),
                         ("PEOE_VSA", rdMolDescriptors.PEOE_VSA_)):
        values.update({f"{prefix}{k}": v for k, v in enumerate(bins(molecule), start=1)})
    registered = [name for name in names if name not in values]
    computed = rdMolDescriptors.Properties(registered).ComputeProperties(molecule)
    values.update(zip(registered, computed))
    return np.array([values[name] for name in names])


def _parent(smiles: str, standard: bool) -> Any:
    from rdkit import Chem, RDLogger
    from rdkit.Chem.MolStandardize import rdMolStandardize

    text = smiles.strip().split("|")[0].split()
    RDLogger.DisableLog("rdApp.*")
    molecule = Chem.MolFromSmiles(text[0]) if text and text[0].isascii() else None
    if molecule is None or molecule.GetNumAtoms() == 0:
        raise invalid("UNPARSABLE_SMILES", "smiles", f"found '{smiles}', which is no SMILES")
    fragments = Chem.GetMolFrags(molecule, asMols=True)
    metals = [atom.GetSymbol() for atom in molecule.GetAtoms()
              if atom.GetAtomicNum() > 20 and atom.GetSymbol() not in
              ("Br", "I", "Se", "As", "Te")]
    if standard and metals:
        raise invalid("UNSUPPORTED_PERTURBATION", "smiles", f"found the metal {metals[0]}, whose "
                      "parent a server alone chooses")
    parent = max(fragments, key=lambda each: each.GetNumHeavyAtoms())
    if not standard:
        return parent
    parent = rdMolStandardize.Normalizer().normalize(parent)
    parent = rdMolStandardize.Uncharger().uncharge(parent)
    return Chem.MolFromSmiles(Chem.MolToSmiles(parent))


def _features(smiles: str, manifest: dict[str, Any]) -> tuple[str, np.ndarray]:
    from rdkit import Chem
    from rdkit.Chem import rdMolDescriptors

    scaling = manifest.get("molecule_scaling")
    parent = _parent(smiles, bool(scaling))
    counts = rdMolDescriptors.GetHashedMorganFingerprint(parent, 2, _FINGERPRINT)
    features = np.zeros(_FINGERPRINT, np.float32)
    for bit, count in counts.GetNonzeroElements().items():
        features[bit] = np.log1p(count)
    canonical = Chem.MolToSmiles(parent)
    if not scaling:
        return canonical, features
    deviation = np.array(scaling["deviation"])
    values = _descriptors(parent, scaling["names"]) - np.array(scaling["mean"])
    units = np.where(deviation > 0, values / np.where(deviation > 0, deviation, 1), 0)
    units = np.clip(np.nan_to_num(units, nan=0.0), -5, 5)
    return canonical, np.concatenate([features, units]).astype(np.float32)


class Molecules:
    """Resolves the molecules of requests to a bundle."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._checked = False
        self._known: dict[str, str] = {}  # canonical SMILES -> name
        self._table = bundle.table("molecules.tsv")

    def by_name(self, name: str) -> tuple[str, np.ndarray]:
        """Canonical SMILES ("" where there is none) and features of a drug that the model knows."""
        if self._table:
            if name not in self._table:
                raise _unknown(self._bundle, name)
            return "", self._table[name]
        for drug in self._bundle.manifest["molecules"]:
            if drug["name"] == name:
                return self.by_smiles(drug["smiles"])[1:]
        raise _unknown(self._bundle, name)

    def by_smiles(self, smiles: str) -> tuple[str, str, np.ndarray]:
        """Name ("" for a drug that training did not have), canonical SMILES and features."""
        if self._table or not self._bundle.manifest["molecule_featurizer"].startswith("morgan"):
            raise invalid("UNSUPPORTED_PERTURBATION", "smiles", "the model takes embeddings; give "
                          "molecule=NAME or embedding=")
        self._check()
        canonical, features = _features(smiles, self._bundle.manifest)
        return self._known.get(canonical, ""), canonical, features

    def _check(self) -> None:
        if self._checked:
            return
        try:
            import rdkit
        except ImportError:
            raise UnlastingError("smiles: RDKit is not installed: pip install 'unlasting[smiles]'",
                                 code="FAILED_PRECONDITION") from None
        manifest = self._bundle.manifest
        trained = self._bundle.weights().get("denoiser.response_drugs")
        for drug in manifest["molecules"]:
            canonical, features = _features(drug["smiles"], manifest)
            self._known[canonical] = drug["name"]
            if trained is None or trained.size == 0:
                continue
            own = trained[:len(features)]
            length = np.maximum(np.linalg.norm(own, axis=0), 1e-12)
            nearest = float((features / np.linalg.norm(features) @ own / length).max())
            if nearest < 1 - 1e-5:
                raise UnlastingError(
                    f"smiles: RDKit {rdkit.__version__} makes other features of "
                    f"'{drug['name']}' than the bundle has (cosine {nearest:.6f}), so that a SMILES "
                    "would be answered wrongly; use another version of RDKit, or a server",
                    code="FAILED_PRECONDITION", reason="UNSUPPORTED_PERTURBATION")
        self._checked = True


def _unknown(bundle: Bundle, name: str) -> UnlastingError:
    from unlasting.errors import not_found

    return not_found("UNKNOWN_MOLECULE", "molecule",
                     f"the model '{bundle.manifest['name']}' does not know '{name}'")
