// Manifest holds what manifest.json of a bundle says: everything about a model that is not a
// weight.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/bundle/error_model.h"
#include "core/bundle/stimulus.h"
#include "nlohmann/json.hpp"

namespace unlasting::bundle {

// Raised when a reader of the old version would misread the new file. Schema 2 keeps the weights in
// weights.safetensors; schema 1 had them in the TorchScript files alone.
inline constexpr int kSchemaVersion = 2;

// What a bundle of this schema may use beyond its first form. A reader refuses a bundle that lists
// a feature it does not know, so that no part of a model is left out in silence.
inline constexpr char kFeatureConditionVector[] = "condition_vector";
inline constexpr char kFeatureCovariates[] = "covariates";
inline constexpr char kFeatureExpectedResponse[] = "expected_response";
inline constexpr char kFeatureGrnPropagation[] = "grn_propagation";
inline constexpr char kFeatureMeetMeans[] = "meet_means";
inline constexpr char kFeatureMetMeans[] = "met_means";
inline constexpr char kFeatureMoleculeDescriptors[] = "molecule_descriptors";
inline constexpr char kFeatureMoleculeEmbeddings[] = "molecule_embeddings";
inline constexpr char kFeatureSigmoidDoseGate[] = "sigmoid_dose_gate";
inline constexpr char kFeatureTreatments[] = "treatments";

// How raw counts become the values that the model sees: counts / library * target_sum, log1p, and
// inside the model divided by x_max.
struct Normalisation {
  double target_sum = 0;  // 0 where training data came as log1p of an unknown target
  double x_max = 1;
  // Per cell type, the mean over the training control cells of the sum of expm1 over the model's
  // genes, by which control cells on another scale are told; empty in bundles from before.
  std::vector<double> control_sums;
};

struct FileEntry {
  std::string sha256;
  int64_t size = 0;  // bytes
};

// A drug seen in training; known to requests by name.
struct KnownMolecule {
  std::string name;
  std::string smiles;
  std::vector<double> doses_um;  // doses seen, micromolar, ascending
};

// Mean and deviation over the training drugs of each descriptor behind a molecule's fingerprint, as
// core/molecule/featurizer.h has them; empty where a featurizer needs none.
struct DescriptorScaling {
  std::vector<std::string> names;
  std::vector<double> mean;
  std::vector<double> deviation;  // 0: constant in training, the feature is 0
};

// How whole counts are drawn from predicted values (core/predict/job/counts.h); empty in bundles
// that were trained on log1p values, and in those from before.
struct CountModel {
  // Per gene, the phi of a negative binomial whose variance is mean + phi mean^2, [N]; 0 to
  // kMaxDispersion.
  std::vector<double> dispersion;
  // The part of the dispersion that draws have, 0 to 1: profiles vary by themselves.
  double dispersion_share = 1;
  // Median over the training control cells of their counts over all measured genes.
  double library_size = 0;
  // What else was tried: pairs of a share and its error (docs/bundle.md).
  nlohmann::json curve = nlohmann::json::array();

  static constexpr double kMaxDispersion = 10;
  bool empty() const { return dispersion.empty(); }
};

// The featurizer of bundles whose molecules are vectors from a table, not made from SMILES.
inline constexpr char kEmbeddingsName[] = "embeddings";

struct Manifest {
  std::string name;
  std::string version;
  std::string created;  // RFC 3339, UTC
  std::string software_version;
  std::vector<std::string> features;  // of the names above, ascending

  std::vector<std::string> genes;           // the model's output, in order; N
  std::vector<std::string> perturbed_only;  // extra nodes without expression; N' = N + these
  std::map<std::string, std::string> gene_symbols;  // gene -> symbol where the file had both
  std::vector<std::string> cell_types;
  std::vector<std::string> perturbation_kinds;  // of "gene", "molecule", "treatment"
  std::vector<std::string> conditions;          // training conditions, by name
  // For each cell type the training conditions that had cells of it, as indices into `conditions`;
  // empty where the bundle does not record it.
  std::map<std::string, std::vector<int32_t>> contexts;
  std::vector<KnownMolecule> molecules;

  Normalisation normalisation;
  CountModel counts;
  int schedule_steps = 500;
  double beta_first = 2e-4;
  double beta_last = 0.04;
  std::string solver = "dpmpp2m";  // default of requests
  int solver_steps = 10;
  std::string mask = "rank";  // default of requests: rank, cell, aggregate, sample, none

  // Whether answers with the mask `rank` have their active values scaled to the expected means.
  bool meet_means = false;

  std::string molecule_featurizer;  // "" where molecules are not known; see docs/bundle.md
  int molecule_features = 0;        // Ds
  DescriptorScaling molecule_scaling;

  // Treatments of training by name, ascending. Without vectors each one's features are 1 at its
  // place here and 0 elsewhere.
  std::vector<std::string> treatments;
  bool treatment_vectors = false;  // their features are those of Reference::treatments
  int treatment_features = 0;      // Dt
  std::vector<Covariate> covariates;

  nlohmann::json model;  // shape and switches of the networks (core/model/spec/config.h)
  nlohmann::json grn;    // the gene network: edges, prior, threshold, in-degrees, damping
  // How expected responses were made and what else was tried; null in models without them.
  nlohmann::json response;
  // How far answers are expected to be from the truth; absent in models without expected responses
  // and in bundles from before.
  std::optional<ErrorModel> prediction_error;
  nlohmann::json settings;  // the training settings as resolved, hyperparameters included
  nlohmann::json split;     // kind, seed, fraction, held-out conditions
  nlohmann::json training;  // steps, seconds, last losses, cells
  std::map<std::string, FileEntry> files;

  // SHA-256 over the gene names joined by newlines: equal hash, equal columns.
  std::string GeneHash() const;
  bool Knows(const std::string& kind) const;
  // Of the vector by which the networks are told of molecules and treatments.
  StimulusLayout Stimuli() const { return {molecule_features, treatment_features, covariates}; }

  nlohmann::json ToJson() const;
  // INVALID_ARGUMENT names the field that is absent, of the wrong type, or out of range, and
  // FAILED_PRECONDITION a schema version that this build does not read.
  static absl::StatusOr<Manifest> FromJson(const nlohmann::json& json);
};

}  // namespace unlasting::bundle
