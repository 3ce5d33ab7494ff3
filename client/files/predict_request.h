// MakePredictRequest turns the flags of `unlasting predict` into a request, all but its control
// cells, and ReadTreatmentVectors reads the table that one of the flags names. Stateless; any
// thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::client {

// Vectors of treatments by name, for models that were trained on such vectors.
using TreatmentVectors = std::map<std::string, std::vector<float>>;

// Genes of each perturbation that the JSON and the ranking list. A page asks the server for more.
constexpr int kRankedGenes = 10;

struct PredictFlags {
  std::string model;
  std::string model_version;
  std::vector<std::string> genes;  // each "STAT1" or "STAT1+JAK2"
  std::vector<std::string> smiles;
  std::vector<std::string> molecules;   // names known to the model
  std::vector<std::string> doses;       // each "0.2uM" or "0.1uM,1uM"; every molecule at every dose
  std::vector<std::string> treatments;  // names known to the model or to `treatment_vectors`
  TreatmentVectors treatment_vectors;   // those of a treatment that is named here go along
  std::vector<std::string> hours;       // each "6"; every molecule and treatment at each
  std::vector<std::string> covariates;  // each "NAME=NUMBER", of all molecules and treatments
  std::string solver;
  int solver_steps = 0;
  std::string mask;
  double mask_threshold = -1;  // below 0: the server's default
  uint64_t seed = 0;
  double eta = 0;  // noise of ddim's decoding steps
  std::vector<std::string> result_genes;
  std::string value_kind;       // "log1p" or "counts"; "": log1p
  std::optional<double> depth;  // counts of each drawn cell; none: those of its control cell
  bool bulk = false;
};

// Reads the table of --treatment-vectors, which has the format of the setting treatment_vectors of
// unlasting-train. Errors name the flag and the file.
absl::StatusOr<TreatmentVectors> ReadTreatmentVectors(const std::string& path);

// INVALID_ARGUMENT names the flag.
absl::StatusOr<v1::PredictRequest> MakePredictRequest(const PredictFlags& flags);

}  // namespace unlasting::client
