// PerturbationQuery is a perturbation as a caller asks for it, and Perturbation the same resolved
// for the engine of one bundle, with how far it lies from the training's. Plain values; whoever
// resolves a query (core/predict/query/query.h) makes them. Functions are stateless; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/bundle/trained_genes.h"

namespace unlasting::predict {

// One perturbation as asked for: genes, or a molecule by exactly one of name, SMILES, embedding, or
// a treatment by its name, its vector or both.
struct PerturbationQuery {
  std::vector<std::string> genes;
  std::string molecule_name;
  std::string smiles;
  std::vector<float> embedding;
  double dose_um = 0;  // micromolar; molecules only
  std::string treatment = {};
  std::vector<float> treatment_vector = {};
  std::map<std::string, double> covariates = {};  // of molecules and treatments, by name
};

// One knocked-out gene and those that training perturbed.
struct GeneDistance {
  std::string gene;
  bundle::TrainedGenes::Training training = bundle::TrainedGenes::Training::kNever;
  // Edges of the gene network, followed either way, to the nearest gene that training perturbed; 0
  // for such a gene; absent where no path leads to one.
  std::optional<int32_t> hops;
  std::string nearest;  // that gene; "" where absent
};

// A molecule at a dose and those of the training.
struct MoleculeDistance {
  // To the nearest training molecule: Tanimoto of Morgan counts, 0 to 1, or the cosine of vectors,
  // -1 to 1, where the bundle was trained on embeddings; absent where there is none to compare.
  std::optional<double> similarity;
  bool cosine = false;
  std::string nearest;
  // Doses seen in training, micromolar: of this molecule where it was seen, else of all.
  double lowest_dose_um = 0;
  double highest_dose_um = 0;
};

enum class DoseRange { kUnknown, kBelow, kWithin, kAbove };
// Where a dose lies among those of the training.
DoseRange DoseRangeOf(const MoleculeDistance& distance, double dose_um);

// Immutable; shared by the rows of a job.
struct Perturbation {
  enum class Kind { kGene, kMolecule, kTreatment };
  Kind kind = Kind::kGene;
  std::string label;      // "STAT1+JAK2", or the treatment's name, or the molecule's or its SMILES
  std::string condition;  // as the training's column of conditions has it, or would have it
  std::vector<int32_t> knockout;  // node indices in [0, N')
  // What the networks are told of a molecule or a treatment (core/bundle/stimulus.h).
  std::vector<float> molecule;
  float log10_dose_um = 0;
  std::string molecule_key;  // equal for equal `molecule` and dose; "" for genes
  std::string smiles;        // canonical; "" where unknown
  double dose_um = 0;
  std::map<std::string, double> covariates;
  bool seen_in_training = false;
  // Cell types of which training cells say how they respond: those that had this perturbation, else
  // those that had any.
  std::vector<int32_t> measured_in;
  std::vector<std::string> notes;   // in words, for the caller
  std::vector<GeneDistance> genes;  // one per knocked-out gene, in the order of `knockout`
  std::optional<MoleculeDistance> molecule_distance;
};

// The memory that it takes, in bytes, about.
int64_t PerturbationBytes(const Perturbation& perturbation);

// A digest of a molecule's features and dose; "" where there is no molecule.
std::string MoleculeKey(const Perturbation& perturbation);

}  // namespace unlasting::predict
