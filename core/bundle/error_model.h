// ErrorModel says how far an answer is expected to be from the truth, as a function of what is
// asked: it was fitted on the errors that training made where it left out cells, conditions and
// contexts (trainer/response/left_out_errors.h), and its intervals are conformal. A bundle keeps it
// under `prediction_error` of its manifest. Plain values; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "nlohmann/json.hpp"

namespace unlasting::bundle {

// A kind with fewer left-out errors has no interval: nine are the fewest of which the largest is
// not exceeded by a tenth one in nine cases of ten.
inline constexpr int kMinLeftOut = 9;

// What is asked, as the errors depend on it.
struct ErrorQuery {
  // What was perturbed and where, e.g. "new gene, seen context" (ErrorKind).
  std::string kind;
  // Euclidean length of the mean change over the model's genes, log1p.
  double change = 0;
  // Training cells of the same condition: of this context where it was measured there, else of all
  // others; 0 for conditions that training did not see.
  double cells = 0;
  // Euclidean distance of the mean control profile from that of the nearest context in which
  // training measured what the answer rests on, log1p; 0 for a seen context.
  double context_distance = 0;
  // How far the perturbation is from those of training: edges of the gene network for new genes,
  // 1 - similarity for new drugs, powers of ten for new doses; 0 for seen ones.
  double condition_distance = 0;
};

// Edges to genes that are farther, or that no path leads to, count as this many.
inline constexpr int32_t kMostHops = 4;

// Of genes, by how many there are and whether training perturbed not all of them: "gene", "pair"
// (two or more) or "pair with new genes".
std::string GenesAsked(size_t genes, bool any_new);
// A drug or treatment of training at another dose or with other covariates.
inline constexpr char kDoseAsked[] = "dose or time";
// `perturbation` is one of the former, "drug" or "treatment".
std::string ErrorKind(const std::string& perturbation, bool condition_seen, bool context_seen);

// E-distances, unbiased, which may be below 0.
struct ErrorEstimate {
  double expected = 0;
  double low = 0, high = 0;
  bool calibrated = false;  // whether low and high are an interval of the model's level
  int32_t left_out = 0;     // the errors behind it
};

// The errors of one kind of query: asinh(E-distance / scale) is linear in the features of
// ErrorQuery, which makes it about the logarithm where the distance stands above its noise.
struct KindOfError {
  // log of the change, minus half the log of the cells, log of the context's distance, and the
  // condition's distance.
  static constexpr size_t kFeatures = 4;
  using Features = std::array<double, kFeatures>;

  int32_t left_out = 0;
  double scale = 1;      // above 0
  double intercept = 0;  // at the mean features
  Features weight = {};  // 0 or more, per deviation of the feature
  Features mean = {}, deviation = {};
  double half_width = 0;  // of the interval, on the scale of the linear function
  // A gene's half-width is gene_factor times the root of its change's squared standard error plus
  // gene_spread^2 times the variance of its predicted cells plus gene_change^2 times its squared
  // mean change.
  double gene_factor = 0, gene_spread = 0, gene_change = 0;

  bool calibrated() const { return left_out >= kMinLeftOut; }
  // The linear function's value.
  double At(const Features& features) const;
};
KindOfError::Features FeaturesOf(const ErrorQuery& query);

// Added to the variance of a gene's predicted cells, so that a gene that is silent in all of them
// has a half-width too.
inline constexpr double kLeastGeneVariance = 1e-4;

// A condition of training, as drugs have one for each dose.
struct ErrorCondition {
  std::string name;
  double dose_um = 0;
  std::map<std::string, double> covariates;
  std::map<int32_t, int32_t> cells;  // by cell type, an index into Manifest::cell_types
};

struct ErrorModel {
  double level = 0.9;  // of the intervals
  std::map<std::string, KindOfError> kinds;
  std::vector<ErrorCondition> conditions;

  // Absent where nothing of the kind was left out.
  std::optional<ErrorEstimate> Estimate(const ErrorQuery& query) const;
  // Null where the kind is not calibrated.
  const KindOfError* Calibrated(const std::string& kind) const;
  // The condition with this name, dose and covariates; null where training had none.
  const ErrorCondition* Find(const std::string& name, double dose_um,
                             const std::map<std::string, double>& covariates) const;

  nlohmann::json ToJson() const;
  // INVALID_ARGUMENT names the field that is absent, of the wrong type or out of range. Throws what
  // nlohmann::json throws where a field has another type; `cell_types` bounds the indices.
  static absl::StatusOr<ErrorModel> FromJson(const nlohmann::json& json, int64_t cell_types);
};

// Half of a gene's interval for its mean change, log1p. `standard_error` is that of the change,
// `variance` that of the predicted cells.
double GeneHalfWidth(const KindOfError& kind, double standard_error, double variance,
                     double change);

}  // namespace unlasting::bundle
