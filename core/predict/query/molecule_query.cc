// Molecules by name, structure or embedding, and how far they lie from those of the training.
#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>
#include <type_traits>
#include <unordered_map>

#include "absl/strings/str_join.h"
#include "core/base/status.h"
#include "core/molecule/featurizer.h"
#include "core/predict/query/bundle_featurizer.h"
#include "core/predict/query/model_notes.h"
#include "core/predict/query/molecule_cache.h"
#include "core/predict/query/refusal.h"
#include "core/predict/query/resolve.h"
#include "core/predict/query/vectors.h"

namespace unlasting::predict {
namespace {

using bundle::Bundle;
using bundle::KnownMolecule;
using bundle::Manifest;
using molecule::Featurizer;

bool TakesEmbeddings(const Manifest& manifest) {
  return manifest.molecule_featurizer == bundle::kEmbeddingsName;
}

absl::Status Unknown(const Manifest& manifest, const std::string& name) {
  return WithReason(absl::NotFoundError(absl::StrCat(
                        "molecule: the model '", manifest.name, "' does not know '", name,
                        "'; give ", TakesEmbeddings(manifest) ? "its embedding" : "a SMILES")),
                    "UNKNOWN_MOLECULE");
}

const KnownMolecule* FindByName(const Manifest& manifest, const std::string& name) {
  const auto known = std::find_if(manifest.molecules.begin(), manifest.molecules.end(),
                                  [&](const auto& molecule) { return molecule.name == name; });
  return known == manifest.molecules.end() ? nullptr : &*known;
}

// What `make` makes, once in a process for each key and for each place that calls: every request is
// compared with all of a bundle's own molecules. The reference holds for good.
template <typename Make>
const std::invoke_result_t<Make>& OncePerProcess(const std::string& key, const Make& make) {
  static std::mutex mutex;
  static auto* const made = new std::unordered_map<std::string, std::invoke_result_t<Make>>;
  const std::lock_guard<std::mutex> lock(mutex);
  const auto found = made->find(key);
  return found != made->end() ? found->second : made->emplace(key, make()).first->second;
}

// Fingerprint and canonical SMILES of a bundle's own molecule; absent where it cannot be read.
const std::optional<molecule::Featurized>& KnownFeatures(const Featurizer& featurizer,
                                                         const std::string& smiles) {
  return OncePerProcess(featurizer.name() + " " + smiles, [&] {
    std::optional<molecule::Featurized> known;
    auto features = featurizer.Featurize(smiles);
    if (features.ok()) {
      // What follows the fingerprint is a matter of the bundle, and this is for all.
      features->features.resize(molecule::kFingerprintFeatures);
      known = *std::move(features);
    }
    return known;
  });
}

// "" where it cannot be read.
const std::string& KnownCanonical(const std::string& smiles) {
  return OncePerProcess(smiles, [&] { return molecule::CanonicalSmiles(smiles).value_or(""); });
}

absl::Status ResolveSmiles(const Bundle& bundle, const std::string& smiles,
                           Perturbation* perturbation) {
  UNLASTING_ASSIGN_OR_RETURN(const Featurizer featurizer, FeaturizerOf(bundle));
  UNLASTING_ASSIGN_OR_RETURN(auto featurized, featurizer.Featurize(smiles));
  perturbation->molecule = std::move(featurized.features);
  perturbation->smiles = std::move(featurized.canonical_smiles);
  perturbation->notes = std::move(featurized.notes);
  for (const auto& known : bundle.manifest().molecules) {
    const auto& features = KnownFeatures(featurizer, known.smiles);
    if (!features.has_value() || features->canonical_smiles != perturbation->smiles) continue;
    perturbation->seen_in_training = true;
    // A training molecule goes by its name however it was asked for.
    perturbation->label = known.name;
  }
  return absl::OkStatus();
}

// A structure where the bundle has vectors: that of the drug with the same parent.
absl::Status ResolveSmilesByTable(const Bundle& bundle, const std::string& smiles,
                                  Perturbation* perturbation) {
  UNLASTING_ASSIGN_OR_RETURN(perturbation->smiles,
                             molecule::CanonicalSmiles(smiles, &perturbation->notes));
  for (const auto& known : bundle.manifest().molecules) {
    const auto row = bundle.reference().molecules.find(known.name);
    if (KnownCanonical(known.smiles) != perturbation->smiles ||
        row == bundle.reference().molecules.end()) {
      continue;
    }
    perturbation->molecule = row->second;
    perturbation->label = known.name;
    perturbation->seen_in_training = true;
    return absl::OkStatus();
  }
  return Invalid("UNSUPPORTED_PERTURBATION",
                 absl::StrCat("molecule: the model '", bundle.manifest().name,
                              "' takes embeddings, and a SMILES only of its training drugs"));
}

absl::Status ResolveName(const Bundle& bundle, const std::string& name,
                         Perturbation* perturbation) {
  const Manifest& manifest = bundle.manifest();
  const KnownMolecule* known = FindByName(manifest, name);
  if (TakesEmbeddings(manifest)) {
    // The table also has drugs that were held out.
    const auto row = bundle.reference().molecules.find(name);
    if (row == bundle.reference().molecules.end()) return Unknown(manifest, name);
    perturbation->molecule = row->second;
    perturbation->seen_in_training = known != nullptr;
    if (known != nullptr) perturbation->smiles = KnownCanonical(known->smiles);
  } else {
    if (known == nullptr) return Unknown(manifest, name);
    UNLASTING_RETURN_IF_ERROR(ResolveSmiles(bundle, known->smiles, perturbation));
  }
  perturbation->label = name;
  return absl::OkStatus();
}

absl::Status ResolveEmbedding(const Manifest& manifest, const std::vector<float>& embedding,
                              Perturbation* perturbation) {
  UNLASTING_RETURN_IF_ERROR(CheckVector("embedding", embedding, manifest.molecule_features));
  perturbation->molecule = embedding;
  perturbation->label = "embedding";
  return absl::OkStatus();
}

std::optional<double> SimilarityTo(const Bundle& bundle, const KnownMolecule& known,
                                   const Featurizer* featurizer,
                                   const std::vector<float>& features) {
  if (TakesEmbeddings(bundle.manifest())) {
    const auto row = bundle.reference().molecules.find(known.name);
    if (row == bundle.reference().molecules.end()) return std::nullopt;
    return Cosine(row->second, features);
  }
  if (featurizer == nullptr) return std::nullopt;
  const auto& fingerprint = KnownFeatures(*featurizer, known.smiles);
  if (!fingerprint.has_value()) return std::nullopt;
  return molecule::Similarity(fingerprint->features, features);
}

MoleculeDistance DistanceOf(const Bundle& bundle, const Perturbation& perturbation) {
  const Manifest& manifest = bundle.manifest();
  MoleculeDistance distance;
  distance.cosine = TakesEmbeddings(manifest);
  const auto featurizer = FeaturizerOf(bundle);
  for (const auto& known : manifest.molecules) {
    const auto similarity = SimilarityTo(bundle, known, featurizer.ok() ? &*featurizer : nullptr,
                                         perturbation.molecule);
    // Of equally near ones a drug asked for by name is nearest to itself.
    if (similarity.has_value() &&
        (!distance.similarity.has_value() || *similarity > *distance.similarity ||
         (*similarity == *distance.similarity && known.name == perturbation.label))) {
      distance.similarity = similarity;
      distance.nearest = known.name;
    }
  }
  const KnownMolecule* own =
      perturbation.seen_in_training ? FindByName(manifest, perturbation.label) : nullptr;
  bool first = true;
  for (const auto& known : manifest.molecules) {
    if (known.doses_um.empty() || (own != nullptr && known.name != own->name)) continue;
    const auto [low, high] = std::minmax_element(known.doses_um.begin(), known.doses_um.end());
    distance.lowest_dose_um = first ? *low : std::min(distance.lowest_dose_um, *low);
    distance.highest_dose_um = first ? *high : std::max(distance.highest_dose_um, *high);
    first = false;
  }
  return distance;
}

void AddNotes(Perturbation* perturbation) {
  const MoleculeDistance& distance = *perturbation->molecule_distance;
  if (distance.similarity.has_value() && !perturbation->seen_in_training) {
    perturbation->notes.push_back(
        absl::StrCat("nearest training molecule: ", distance.nearest,
                     distance.cosine ? ", cosine " : ", Tanimoto similarity ",
                     std::round(*distance.similarity * 1000) / 1000));
  }
  const DoseRange range = DoseRangeOf(distance, perturbation->dose_um);
  if (range == DoseRange::kBelow || range == DoseRange::kAbove) {
    perturbation->notes.push_back(absl::StrCat(
        "dose ", perturbation->dose_um, " uM lies ", range == DoseRange::kBelow ? "below" : "above",
        " those of training, ", distance.lowest_dose_um, " to ", distance.highest_dose_um, " uM",
        perturbation->seen_in_training ? " for this molecule" : ""));
  }
}

// All of a molecule but what depends on the dose.
absl::Status ResolveIdentity(const Bundle& bundle, const PerturbationQuery& query,
                             Perturbation* perturbation) {
  const Manifest& manifest = bundle.manifest();
  perturbation->kind = Perturbation::Kind::kMolecule;
  if (!query.molecule_name.empty()) {
    UNLASTING_RETURN_IF_ERROR(ResolveName(bundle, query.molecule_name, perturbation));
  } else if (!query.smiles.empty()) {
    UNLASTING_RETURN_IF_ERROR(TakesEmbeddings(manifest)
                                  ? ResolveSmilesByTable(bundle, query.smiles, perturbation)
                                  : ResolveSmiles(bundle, query.smiles, perturbation));
    if (perturbation->label.empty()) perturbation->label = perturbation->smiles;
  } else {
    UNLASTING_RETURN_IF_ERROR(ResolveEmbedding(manifest, query.embedding, perturbation));
  }
  perturbation->condition = perturbation->label;
  perturbation->molecule_distance = DistanceOf(bundle, *perturbation);
  return absl::OkStatus();
}

// The same, from the cache where the molecule was asked for lately. Embeddings are not kept: they
// are compared alone, and long.
MoleculeCache::Result KeptIdentity(const Bundle& bundle, const PerturbationQuery& query) {
  const auto make = [&]() -> MoleculeCache::Result {
    auto made = std::make_shared<Perturbation>();
    UNLASTING_RETURN_IF_ERROR(ResolveIdentity(bundle, query, made.get()));
    return std::shared_ptr<const Perturbation>(std::move(made));
  };
  if (!query.embedding.empty()) return make();
  const bool named = !query.molecule_name.empty();
  return MoleculeCache::Shared().Get(
      absl::StrCat(bundle.hash(), "/", bundle.manifest().name, named ? "/name/" : "/smiles/",
                   named ? query.molecule_name : query.smiles),
      make);
}

}  // namespace

absl::Status ResolveMolecule(const Bundle& bundle, const PerturbationQuery& query,
                             Perturbation* perturbation) {
  const Manifest& manifest = bundle.manifest();
  if (!manifest.Knows("molecule")) {
    return Invalid("UNSUPPORTED_PERTURBATION",
                   absl::StrCat("molecule: the model '", manifest.name, "' was trained on ",
                                absl::StrJoin(manifest.perturbation_kinds, "s and "), "s only"));
  }
  if (!std::isfinite(query.dose_um) || query.dose_um <= 0) {
    return Invalid("INVALID_DOSE",
                   absl::StrCat("dose: found ", query.dose_um, " uM, expected above 0"));
  }
  UNLASTING_ASSIGN_OR_RETURN(const auto identity, KeptIdentity(bundle, query));
  *perturbation = *identity;
  perturbation->dose_um = query.dose_um;
  perturbation->log10_dose_um = static_cast<float>(std::log10(query.dose_um));
  AddNotes(perturbation);
  for (std::string& note : MoleculeModelNotes(manifest)) {
    perturbation->notes.push_back(std::move(note));
  }
  return AddCovariates(bundle, query, perturbation);
}

}  // namespace unlasting::predict
