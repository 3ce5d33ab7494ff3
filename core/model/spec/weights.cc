#include "core/model/spec/weights.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status.h"

namespace unlasting::model {
namespace {

using Shape = std::vector<int64_t>;

std::string Text(const Shape& shape) { return absl::StrCat("[", absl::StrJoin(shape, ", "), "]"); }

// Checks one set of arrays and remembers which of them it has asked for.
class Checker {
 public:
  Checker(NetworkKind kind, const ModelConfig& config, const NetworkWeights<float>& weights)
      : kind_(kind), config_(config), weights_(weights) {}

  absl::Status Check() {
    for (const ParameterSpec& spec : ParameterSpecs(kind_, config_)) {
      UNLASTING_RETURN_IF_ERROR(Values(spec.name, spec.shape));
    }
    UNLASTING_RETURN_IF_ERROR(CheckEdges());
    UNLASTING_RETURN_IF_ERROR(CheckStatistics());
    if (config_.expected_response) UNLASTING_RETURN_IF_ERROR(CheckResponse());
    for (const auto& [name, shape] : weights_.shapes) {
      if (asked_.count(name) == 0) {
        return absl::InvalidArgumentError(
            absl::StrCat("'", name, "': found an array that the model in the manifest has not"));
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Mismatch(const std::string& name, const Shape& expected) const {
    const auto found = weights_.shapes.find(name);
    return absl::InvalidArgumentError(absl::StrCat(
        "'", name, "': found ",
        found == weights_.shapes.end() ? "nothing" : absl::StrCat("shape ", Text(found->second)),
        ", expected shape ", Text(expected)));
  }

  absl::Status Values(const std::string& name, const Shape& shape) {
    asked_.insert(name);
    const auto found = weights_.shapes.find(name);
    if (found == weights_.shapes.end() || found->second != shape) return Mismatch(name, shape);
    if (weights_.values.count(name) > 0) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("'", name, "': found integers, expected float32"));
  }

  // The length of a vector, -1 where there is none by this name.
  int64_t Length(const std::string& name) const {
    const auto found = weights_.shapes.find(name);
    return found == weights_.shapes.end() || found->second.size() != 1 ? -1 : found->second[0];
  }
  // Size of one dimension of a matrix, -1 where there is none by this name.
  int64_t Size(const std::string& name, size_t dimension) const {
    const auto found = weights_.shapes.find(name);
    return found == weights_.shapes.end() || found->second.size() != 2 ? -1
                                                                       : found->second[dimension];
  }

  absl::Status Indices(const std::string& name, int64_t end) {
    asked_.insert(name);
    const auto found = weights_.indices.find(name);
    if (found == weights_.indices.end() || Length(name) < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", name, "': expected a vector of int64 indices"));
    }
    for (const int64_t index : found->second) {
      if (index < 0 || index >= end) {
        return absl::InvalidArgumentError(absl::StrCat("'", name, "': found the index ", index,
                                                       ", expected 0 or more and less than ", end));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckEdges() const {
    const auto& indptr = weights_.edge_indptr;
    const auto edges = static_cast<int64_t>(weights_.edge_source.size());
    if (static_cast<int64_t>(indptr.size()) != config_.nodes + 1 || indptr.front() != 0 ||
        indptr.back() != edges || !std::is_sorted(indptr.begin(), indptr.end())) {
      return absl::InvalidArgumentError(
          absl::StrCat("'grn.edge_indptr': expected ", config_.nodes + 1,
                       " ascending offsets from 0 to the ", edges, " edges"));
    }
    for (const int32_t source : weights_.edge_source) {
      if (source < 0 || source >= config_.nodes) {
        return absl::InvalidArgumentError(absl::StrCat("'grn.edge_source': found the node ", source,
                                                       ", expected 0 or more and less than ",
                                                       config_.nodes));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckStatistics() {
    const Shape by_type = {config_.cell_types, config_.genes};
    UNLASTING_RETURN_IF_ERROR(Values("prior_mean", by_type));
    UNLASTING_RETURN_IF_ERROR(Values("prior_variance", by_type));
    if (kind_ == NetworkKind::kMask) return Values("active_logit", by_type);
    UNLASTING_RETURN_IF_ERROR(Values("alpha_bar", {config_.times}));
    return Values("frequency", {kFrequencies});
  }

  absl::Status CheckResponse() {
    const int64_t parts = kind_ == NetworkKind::kMask ? 1 : 2, columns = parts * config_.genes;
    UNLASTING_RETURN_IF_ERROR(Indices("response_nodes", config_.nodes));
    const int64_t drugs = std::max<int64_t>(Size("response_drugs", 1), 0);
    UNLASTING_RETURN_IF_ERROR(Indices("response_drug", drugs));
    const int64_t entries = Length("response_nodes") + 1 + Length("response_drug");
    UNLASTING_RETURN_IF_ERROR(Values("response_dose", {Length("response_drug")}));
    // Without molecules the features are an empty matrix of either shape.
    const int64_t features =
        config_.molecule_features > 0 ? config_.molecule_features : Size("response_drugs", 0);
    UNLASTING_RETURN_IF_ERROR(Values("response_drugs", {features, drugs}));
    if (config_.molecule_features > 0 && Length("response_drug") == 0) {
      return absl::InvalidArgumentError("'response_drug': found no drug, expected one or more");
    }
    const int64_t rank = std::max<int64_t>(Size("response_basis", 0), 0);
    UNLASTING_RETURN_IF_ERROR(
        Values("response_coefficients", {config_.cell_types * entries, rank}));
    UNLASTING_RETURN_IF_ERROR(Values("response_basis", {rank, columns}));
    if (kind_ == NetworkKind::kDenoiser && config_.trained_from_control &&
        weights_.shapes.count("response_met_basis") > 0) {
      const int64_t met = std::max<int64_t>(Size("response_met_basis", 0), 0);
      UNLASTING_RETURN_IF_ERROR(
          Values("response_met_coefficients", {config_.cell_types * entries, met}));
      UNLASTING_RETURN_IF_ERROR(Values("response_met_basis", {met, config_.genes}));
    }
    if (weights_.shapes.count("response_self_effect") == 0) return absl::OkStatus();
    UNLASTING_RETURN_IF_ERROR(Values("response_self_effect", {config_.cell_types, config_.nodes}));
    UNLASTING_RETURN_IF_ERROR(Values("response_of_untrained", {config_.nodes}));
    UNLASTING_RETURN_IF_ERROR(
        Values("response_edge_weights", {static_cast<int64_t>(weights_.edge_source.size())}));
    UNLASTING_RETURN_IF_ERROR(Values("response_damping", {1}));
    return Values("response_gain", {parts, config_.genes});
  }

  const NetworkKind kind_;
  const ModelConfig& config_;
  const NetworkWeights<float>& weights_;
  std::set<std::string> asked_;
};

}  // namespace

absl::Status CheckWeights(NetworkKind kind, const ModelConfig& config,
                          const NetworkWeights<float>& weights) {
  return Checker(kind, config, weights).Check();
}

}  // namespace unlasting::model
