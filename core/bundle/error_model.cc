#include "core/bundle/error_model.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace unlasting::bundle {
namespace {

using nlohmann::json;

// Below these, a change or a distance is none.
constexpr double kLeastChange = 1e-3;
constexpr double kLeastContextDistance = 1e-3;
// Features farther from those of the left-out errors, in deviations, count as this far.
constexpr double kFarthest = 3;
constexpr double kDoseTolerance = 1e-6;

absl::Status WrongField(const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("prediction_error.", what));
}

absl::Status CheckKind(const std::string& name, const KindOfError& kind) {
  bool finite = kind.left_out >= 1 && kind.scale > 0 && kind.half_width >= 0 &&
                kind.gene_factor >= 0 && kind.gene_spread >= 0 && kind.gene_change >= 0;
  for (const double value : {kind.scale, kind.intercept, kind.half_width, kind.gene_factor,
                             kind.gene_spread, kind.gene_change}) {
    finite = finite && std::isfinite(value);
  }
  for (size_t k = 0; k < KindOfError::kFeatures; ++k) {
    finite = finite && std::isfinite(kind.weight[k]) && kind.weight[k] >= 0 &&
             std::isfinite(kind.mean[k]) && std::isfinite(kind.deviation[k]) &&
             kind.deviation[k] >= 0;
  }
  if (finite) return absl::OkStatus();
  return WrongField(
      absl::StrCat("kinds: '", name,
                   "': expected left_out of 1 or more, a scale above 0, finite numbers, and "
                   "weights, deviations and half-widths of 0 or more"));
}

bool Near(double a, double b) {
  return std::abs(a - b) <= kDoseTolerance * std::max({std::abs(a), std::abs(b), 1e-12});
}

}  // namespace

std::string GenesAsked(size_t genes, bool any_new) {
  return genes < 2 ? "gene" : any_new ? "pair with new genes" : "pair";
}

std::string ErrorKind(const std::string& perturbation, bool condition_seen, bool context_seen) {
  return absl::StrCat(condition_seen ? "seen " : "new ", perturbation, ", ",
                      context_seen ? "seen" : "new", " context");
}

double KindOfError::At(const Features& features) const {
  double value = intercept;
  for (size_t k = 0; k < kFeatures; ++k) {
    if (deviation[k] <= 0) continue;
    value += weight[k] * std::clamp((features[k] - mean[k]) / deviation[k], -kFarthest, kFarthest);
  }
  return value;
}

KindOfError::Features FeaturesOf(const ErrorQuery& query) {
  return {std::log(std::max(query.change, kLeastChange)),
          query.cells > 0 ? -0.5 * std::log(query.cells) : 0.0,
          query.context_distance > 0
              ? std::log(std::max(query.context_distance, kLeastContextDistance))
              : 0.0,
          query.condition_distance};
}

std::optional<ErrorEstimate> ErrorModel::Estimate(const ErrorQuery& query) const {
  const auto found = kinds.find(query.kind);
  if (found == kinds.end()) return std::nullopt;
  const KindOfError& kind = found->second;
  const double middle = kind.At(FeaturesOf(query));
  ErrorEstimate estimate;
  estimate.expected = kind.scale * std::sinh(middle);
  estimate.calibrated = kind.calibrated();
  estimate.left_out = kind.left_out;
  if (!estimate.calibrated) return estimate;
  estimate.low = kind.scale * std::sinh(middle - kind.half_width);
  estimate.high = kind.scale * std::sinh(middle + kind.half_width);
  return estimate;
}

const KindOfError* ErrorModel::Calibrated(const std::string& kind) const {
  const auto found = kinds.find(kind);
  return found != kinds.end() && found->second.calibrated() ? &found->second : nullptr;
}

const ErrorCondition* ErrorModel::Find(const std::string& name, double dose_um,
                                       const std::map<std::string, double>& covariates) const {
  for (const ErrorCondition& condition : conditions) {
    if (condition.name != name || !Near(condition.dose_um, dose_um) ||
        condition.covariates.size() != covariates.size()) {
      continue;
    }
    const bool same = std::equal(covariates.begin(), covariates.end(), condition.covariates.begin(),
                                 [](const auto& a, const auto& b) {
                                   return a.first == b.first && Near(a.second, b.second);
                                 });
    if (same) return &condition;
  }
  return nullptr;
}

json ErrorModel::ToJson() const {
  json all = {{"level", level}, {"kinds", json::object()}, {"conditions", json::array()}};
  for (const auto& [name, kind] : kinds) {
    all["kinds"][name] = {{"left_out", kind.left_out},
                          {"scale", kind.scale},
                          {"intercept", kind.intercept},
                          {"weight", kind.weight},
                          {"mean", kind.mean},
                          {"deviation", kind.deviation},
                          {"half_width", kind.half_width},
                          {"gene_factor", kind.gene_factor},
                          {"gene_spread", kind.gene_spread},
                          {"gene_change", kind.gene_change}};
  }
  for (const ErrorCondition& condition : conditions) {
    json one = {{"name", condition.name}, {"cells", json::array()}};
    if (condition.dose_um > 0) one["dose_um"] = condition.dose_um;
    if (!condition.covariates.empty()) one["covariates"] = condition.covariates;
    for (const auto& [type, cells] : condition.cells) one["cells"].push_back({type, cells});
    all["conditions"].push_back(std::move(one));
  }
  return all;
}

absl::StatusOr<ErrorModel> ErrorModel::FromJson(const json& j, int64_t cell_types) {
  ErrorModel model;
  model.level = j.at("level");
  if (!(model.level > 0 && model.level < 1)) {
    return WrongField(absl::StrCat("level: found ", model.level, ", expected above 0 and below 1"));
  }
  for (const auto& [name, one] : j.at("kinds").items()) {
    KindOfError kind;
    kind.left_out = one.at("left_out");
    kind.scale = one.at("scale");
    kind.intercept = one.at("intercept");
    kind.weight = one.at("weight").get<KindOfError::Features>();
    kind.mean = one.at("mean").get<KindOfError::Features>();
    kind.deviation = one.at("deviation").get<KindOfError::Features>();
    kind.half_width = one.at("half_width");
    kind.gene_factor = one.at("gene_factor");
    kind.gene_spread = one.at("gene_spread");
    kind.gene_change = one.at("gene_change");
    const absl::Status status = CheckKind(name, kind);
    if (!status.ok()) return status;
    model.kinds.emplace(name, kind);
  }
  for (const json& one : j.at("conditions")) {
    ErrorCondition condition;
    condition.name = one.at("name");
    condition.dose_um = one.value("dose_um", 0.0);
    if (one.contains("covariates")) {
      condition.covariates = one.at("covariates").get<std::map<std::string, double>>();
    }
    for (const json& cells : one.at("cells")) {
      const int32_t type = cells.at(0), count = cells.at(1);
      if (type < 0 || type >= cell_types || count < 1) {
        return WrongField(absl::StrCat("conditions: '", condition.name, "': found ", count,
                                       " cells of type ", type,
                                       ", expected 1 or more of a type below ", cell_types));
      }
      condition.cells[type] = count;
    }
    model.conditions.push_back(std::move(condition));
  }
  return model;
}

double GeneHalfWidth(const KindOfError& kind, double standard_error, double variance,
                     double change) {
  const double spread = kind.gene_spread * kind.gene_spread * (variance + kLeastGeneVariance);
  const double model = kind.gene_change * kind.gene_change * change * change;
  return kind.gene_factor * std::sqrt(standard_error * standard_error + spread + model);
}

}  // namespace unlasting::bundle
