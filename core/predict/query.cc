#include "core/predict/query.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <random>
#include <set>
#include <unordered_map>

#include "absl/strings/str_join.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/molecule/featurizer.h"

namespace unlasting::predict {
namespace {

using bundle::Bundle;
using bundle::Manifest;

absl::Status Invalid(const std::string& reason, const std::string& message) {
  return WithReason(absl::InvalidArgumentError(message), reason);
}
absl::Status Missing(const std::string& reason, const std::string& message) {
  return WithReason(absl::NotFoundError(message), reason);
}

// Genes by name, then by symbol; nodes without expression by name.
std::unordered_map<std::string, int32_t> NodeIndex(const Manifest& manifest) {
  std::unordered_map<std::string, int32_t> index;
  const auto genes = static_cast<int32_t>(manifest.genes.size());
  for (int32_t g = 0; g < genes; ++g) index.emplace(manifest.genes[g], g);
  for (size_t k = 0; k < manifest.perturbed_only.size(); ++k) {
    index.emplace(manifest.perturbed_only[k], genes + static_cast<int32_t>(k));
  }
  for (int32_t g = 0; g < genes; ++g) {
    const auto symbol = manifest.gene_symbols.find(manifest.genes[g]);
    if (symbol != manifest.gene_symbols.end()) index.emplace(symbol->second, g);
  }
  return index;
}

absl::Status ResolveGenes(const Bundle& bundle, const PerturbationQuery& query,
                          Perturbation* perturbation) {
  const Manifest& manifest = bundle.manifest();
  if (!manifest.Knows("gene")) {
    return Invalid("UNSUPPORTED_PERTURBATION", absl::StrCat("genes: the model '", manifest.name,
                                                            "' was trained on molecules only"));
  }
  const auto index = NodeIndex(manifest);
  std::vector<std::string> unknown;
  std::set<int32_t> nodes;
  for (const auto& gene : query.genes) {
    const auto it = index.find(gene);
    if (it == index.end()) {
      unknown.push_back(gene);
    } else if (!nodes.insert(it->second).second) {
      return Invalid("DUPLICATE_GENE", absl::StrCat("genes: '", gene, "' stands there twice"));
    }
  }
  if (!unknown.empty()) {
    return Missing("UNKNOWN_GENE", absl::StrCat("genes: the model '", manifest.name,
                                                "' does not know ", absl::StrJoin(unknown, ", ")));
  }
  perturbation->kind = Perturbation::Kind::kGene;
  perturbation->label = absl::StrJoin(query.genes, "+");
  perturbation->knockout.assign(nodes.begin(), nodes.end());
  for (const auto& condition : manifest.conditions) {
    std::set<int32_t> trained;
    size_t start = 0;
    while (start <= condition.size()) {
      const size_t plus = std::min(condition.find('+', start), condition.size());
      const auto it = index.find(condition.substr(start, plus - start));
      if (it != index.end()) trained.insert(it->second);
      start = plus + 1;
    }
    if (trained == nodes) perturbation->seen_in_training = true;
  }
  if (!perturbation->seen_in_training) {
    perturbation->notes.push_back("this set of genes was not perturbed in training");
  }
  const auto& network = bundle.reference().network;
  for (const int32_t node : perturbation->knockout) {
    if (network.RowIndices(node).size() <= 1) {
      perturbation->notes.push_back(
          absl::StrCat("gene ",
                       node < static_cast<int32_t>(manifest.genes.size())
                           ? manifest.genes[node]
                           : manifest.perturbed_only[node - manifest.genes.size()],
                       " has no neighbours in the gene network"));
    }
  }
  return absl::OkStatus();
}

absl::Status FeaturizeInto(const Bundle& bundle, const std::string& smiles,
                           Perturbation* perturbation) {
  if (bundle.manifest().molecule_featuriser != molecule::kFeaturizerName) {
    return Invalid(
        "UNSUPPORTED_PERTURBATION",
        absl::StrCat("molecule: the model '", bundle.manifest().name, "' takes embeddings (",
                     bundle.manifest().molecule_featuriser, "), not SMILES"));
  }
  UNLASTING_ASSIGN_OR_RETURN(auto featurized, molecule::Featurize(smiles));
  perturbation->molecule = std::move(featurized.features);
  perturbation->smiles = std::move(featurized.canonical_smiles);
  return absl::OkStatus();
}

// Features of a bundle's own molecules, made once in a process: every request is compared with all
// of them. Null where the SMILES cannot be read.
std::shared_ptr<const molecule::Featurized> KnownFeatures(const std::string& smiles) {
  static std::mutex mutex;
  static auto* known =
      new std::unordered_map<std::string, std::shared_ptr<const molecule::Featurized>>;
  const std::lock_guard<std::mutex> lock(mutex);
  const auto [place, added] = known->try_emplace(smiles);
  if (added) {
    auto features = molecule::Featurize(smiles);
    if (features.ok()) {
      place->second = std::make_shared<const molecule::Featurized>(*std::move(features));
    }
  }
  return place->second;
}

// The nearest training molecule, in words, for the caller.
void NoteNearest(const Bundle& bundle, Perturbation* perturbation) {
  double best = -1;
  std::string name;
  for (const auto& known : bundle.manifest().molecules) {
    const auto features = KnownFeatures(known.smiles);
    if (features == nullptr) continue;
    const double similarity = molecule::Similarity(features->features, perturbation->molecule);
    if (similarity > best) {
      best = similarity;
      name = known.name;
    }
    if (features->canonical_smiles != perturbation->smiles) continue;
    perturbation->seen_in_training = true;
    // A training molecule goes by its name however it was asked for.
    perturbation->label = known.name;
  }
  if (best >= 0 && !perturbation->seen_in_training) {
    perturbation->notes.push_back(absl::StrCat("nearest training molecule: ", name,
                                               ", Tanimoto similarity ",
                                               std::round(best * 1000) / 1000));
  }
}

absl::Status ResolveMolecule(const Bundle& bundle, const PerturbationQuery& query,
                             Perturbation* perturbation) {
  const Manifest& manifest = bundle.manifest();
  if (!manifest.Knows("molecule")) {
    return Invalid("UNSUPPORTED_PERTURBATION", absl::StrCat("molecule: the model '", manifest.name,
                                                            "' was trained on genes only"));
  }
  if (!std::isfinite(query.dose_um) || query.dose_um <= 0) {
    return Invalid("INVALID_DOSE",
                   absl::StrCat("dose: found ", query.dose_um, " uM, expected above 0"));
  }
  perturbation->kind = Perturbation::Kind::kMolecule;
  perturbation->dose_um = query.dose_um;
  perturbation->log10_dose_um = static_cast<float>(std::log10(query.dose_um));
  if (!query.molecule_name.empty()) {
    const auto known =
        std::find_if(manifest.molecules.begin(), manifest.molecules.end(),
                     [&](const auto& molecule) { return molecule.name == query.molecule_name; });
    if (known == manifest.molecules.end()) {
      return Missing("UNKNOWN_MOLECULE",
                     absl::StrCat("molecule: the model '", manifest.name, "' does not know '",
                                  query.molecule_name, "'; give a SMILES"));
    }
    UNLASTING_RETURN_IF_ERROR(FeaturizeInto(bundle, known->smiles, perturbation));
    perturbation->label = query.molecule_name;
  } else if (!query.smiles.empty()) {
    UNLASTING_RETURN_IF_ERROR(FeaturizeInto(bundle, query.smiles, perturbation));
    perturbation->label = perturbation->smiles;
  } else {
    if (static_cast<int64_t>(query.embedding.size()) != manifest.molecule_features) {
      return Invalid("EMBEDDING_LENGTH",
                     absl::StrCat("embedding: found ", query.embedding.size(), " values, expected ",
                                  manifest.molecule_features));
    }
    bool any = false;
    for (const float value : query.embedding) {
      if (!std::isfinite(value)) {
        return Invalid("INVALID_VALUE", "embedding: found a value that is not finite");
      }
      any = any || value != 0;
    }
    if (!any) return Invalid("INVALID_VALUE", "embedding: found only zeros");
    perturbation->molecule = query.embedding;
    perturbation->label = "embedding";
  }
  NoteNearest(bundle, perturbation);
  return absl::OkStatus();
}

}  // namespace

std::string MoleculeKey(const Perturbation& perturbation) {
  if (perturbation.molecule.empty()) return "";
  std::string content(reinterpret_cast<const char*>(perturbation.molecule.data()),
                      perturbation.molecule.size() * sizeof(float));
  content.append(reinterpret_cast<const char*>(&perturbation.log10_dose_um), sizeof(float));
  return Sha256(content);
}

absl::StatusOr<std::shared_ptr<const Perturbation>> ResolvePerturbation(
    const Bundle& bundle, const PerturbationQuery& query) {
  const int forms = static_cast<int>(!query.molecule_name.empty()) +
                    static_cast<int>(!query.smiles.empty()) +
                    static_cast<int>(!query.embedding.empty());
  if (forms == 0 && query.genes.empty()) {
    return Invalid("EMPTY_PERTURBATION", "perturbation: expected genes or a molecule");
  }
  if (forms > 1 || (forms == 1 && !query.genes.empty())) {
    return Invalid("INVALID_OPTION",
                   "perturbation: expected genes, or a molecule by one of name, SMILES, embedding");
  }
  auto perturbation = std::make_shared<Perturbation>();
  UNLASTING_RETURN_IF_ERROR(forms == 1 ? ResolveMolecule(bundle, query, perturbation.get())
                                       : ResolveGenes(bundle, query, perturbation.get()));
  perturbation->molecule_key = MoleculeKey(*perturbation);
  return std::shared_ptr<const Perturbation>(std::move(perturbation));
}

absl::StatusOr<MaskMode> ParseMaskMode(const std::string& name) {
  for (const MaskMode mode : {MaskMode::kRank, MaskMode::kCell, MaskMode::kAggregate,
                              MaskMode::kSample, MaskMode::kNone}) {
    if (name == MaskModeName(mode)) return mode;
  }
  return Invalid(
      "INVALID_OPTION",
      absl::StrCat("mask: found '", name, "', expected rank, cell, aggregate, sample or none"));
}

const char* MaskModeName(MaskMode mode) {
  switch (mode) {
    case MaskMode::kRank:
      return "rank";
    case MaskMode::kCell:
      return "cell";
    case MaskMode::kAggregate:
      return "aggregate";
    case MaskMode::kSample:
      return "sample";
    case MaskMode::kNone:
      return "none";
  }
  return "";
}

PredictOptions DefaultOptions(const Bundle& bundle) {
  PredictOptions options;
  const auto solver = diffusion::ParseSolver(bundle.manifest().solver);
  if (solver.ok()) options.solver = *solver;
  options.solver_steps = bundle.manifest().solver_steps;
  const auto mask = ParseMaskMode(bundle.manifest().mask);
  if (mask.ok()) options.mask = *mask;
  return options;
}

}  // namespace unlasting::predict
