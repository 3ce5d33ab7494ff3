#include "core/bundle/manifest.h"

// Long because each field of the manifest is written, read and checked, and these belong together.

#include <algorithm>
#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/version.h"

namespace unlasting::bundle {
namespace {

using nlohmann::json;

absl::Status Malformed(const std::string& why) {
  return WithReason(absl::InvalidArgumentError(absl::StrCat("manifest.json: ", why)),
                    "MALFORMED_BUNDLE");
}

constexpr const char* kKnownFeatures[] = {kFeatureConditionVector,     kFeatureCovariates,
                                          kFeatureExpectedResponse,    kFeatureGrnPropagation,
                                          kFeatureMeetMeans,           kFeatureMetMeans,
                                          kFeatureMoleculeDescriptors, kFeatureMoleculeEmbeddings,
                                          kFeatureSigmoidDoseGate,     kFeatureTreatments};

absl::Status Unsupported(const std::string& why) {
  return WithReason(absl::FailedPreconditionError(absl::StrCat("manifest.json: ", why)),
                    "UNSUPPORTED_BUNDLE");
}

absl::Status CheckSchema(const json& version) {
  const int schema = version;
  if (schema == kSchemaVersion) return absl::OkStatus();
  return Unsupported(absl::StrCat(
      "schema_version: found ", schema, ", expected ", kSchemaVersion, "; ",
      schema < kSchemaVersion
          ? "the bundle was written by an older version and has no weights.safetensors: train it "
            "again with `unlasting-train fit`"
          : "the bundle was written by a newer version: update this software"));
}

absl::Status CheckFeatures(const std::vector<std::string>& features) {
  for (const auto& feature : features) {
    if (std::find(std::begin(kKnownFeatures), std::end(kKnownFeatures), feature) !=
        std::end(kKnownFeatures)) {
      continue;
    }
    return Unsupported(absl::StrCat("features: found '", feature, "', which ", kVersion,
                                    " does not know: update this software"));
  }
  return absl::OkStatus();
}

absl::Status CheckNames(const char* field, const std::vector<std::string>& names) {
  std::set<std::string> seen;
  for (const auto& name : names) {
    if (name.empty()) return Malformed(absl::StrCat(field, ": found an empty name"));
    if (!seen.insert(name).second) {
      return Malformed(absl::StrCat(field, ": '", name, "' stands there twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckContexts(const Manifest& m) {
  for (const auto& [type, conditions] : m.contexts) {
    bool sound = std::find(m.cell_types.begin(), m.cell_types.end(), type) != m.cell_types.end();
    for (const int32_t condition : conditions) {
      sound = sound && condition >= 0 && condition < static_cast<int64_t>(m.conditions.size());
    }
    if (!sound) {
      return Malformed(absl::StrCat("contexts: '", type,
                                    "': expected a cell type with indices into conditions"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckCounts(const Manifest& m) {
  const CountModel& counts = m.counts;
  if (counts.empty() && counts.library_size == 0) return absl::OkStatus();
  bool sound = counts.dispersion.size() == m.genes.size();
  for (const double phi : counts.dispersion) {
    sound = sound && phi >= 0 && phi <= CountModel::kMaxDispersion;
  }
  if (!sound) {
    return Malformed(absl::StrCat("counts.dispersion: expected a number from 0 to ",
                                  CountModel::kMaxDispersion, " for each of the ", m.genes.size(),
                                  " genes"));
  }
  if (!(counts.dispersion_share >= 0 && counts.dispersion_share <= 1)) {
    return Malformed(absl::StrCat("counts.dispersion_share: found ", counts.dispersion_share,
                                  ", expected 0 to 1"));
  }
  if (!(counts.library_size > 0) || !std::isfinite(counts.library_size)) {
    return Malformed(absl::StrCat("counts.library_size: found ", counts.library_size,
                                  ", expected a number above 0"));
  }
  if (!(m.normalisation.target_sum > 0)) {
    return Malformed("counts: found them with normalisation.target_sum 0, expected a sum above 0");
  }
  return absl::OkStatus();
}

absl::Status CheckStimuli(const Manifest& m) {
  UNLASTING_RETURN_IF_ERROR(CheckNames("treatments.names", m.treatments));
  const bool sound = m.treatment_vectors
                         ? m.treatment_features > 0
                         : m.treatment_features == static_cast<int>(m.treatments.size());
  if (m.treatments.empty() && m.treatment_features > 0) {
    return Malformed("treatments.names: found none");
  }
  if (!sound || m.Knows("treatment") != (m.treatment_features > 0)) {
    return Malformed(absl::StrCat("treatments.features: found ", m.treatment_features,
                                  ", expected as many as treatments or as their vectors have"));
  }
  std::vector<std::string> names;
  for (const Covariate& covariate : m.covariates) {
    names.push_back(covariate.name);
    const bool finite = std::all_of(covariate.values.begin(), covariate.values.end(),
                                    [](double value) { return std::isfinite(value); });
    if (finite && !covariate.values.empty() && std::isfinite(covariate.mean) &&
        std::isfinite(covariate.deviation) && covariate.deviation >= 0) {
      continue;
    }
    return Malformed(absl::StrCat("covariates: '", covariate.name,
                                  "': expected finite values, one or more, a finite mean and a "
                                  "deviation of 0 or more"));
  }
  return CheckNames("covariates", names);
}

absl::Status Check(const Manifest& m) {
  if (m.genes.empty()) return Malformed("genes: found none");
  if (m.cell_types.empty()) return Malformed("cell_types: found none");
  UNLASTING_RETURN_IF_ERROR(CheckNames("genes", m.genes));
  UNLASTING_RETURN_IF_ERROR(CheckNames("perturbed_only", m.perturbed_only));
  UNLASTING_RETURN_IF_ERROR(CheckNames("cell_types", m.cell_types));
  // The largest log1p value of the training; beyond these bounds it or its inverse overflows.
  if (!(m.normalisation.x_max >= 1e-6 && m.normalisation.x_max <= 1e6)) {
    return Malformed("normalisation.x_max: expected 1e-6 to 1e6");
  }
  if (!std::isfinite(m.normalisation.target_sum) || m.normalisation.target_sum < 0) {
    return Malformed("normalisation.target_sum: expected 0 or more");
  }
  const auto& sums = m.normalisation.control_sums;
  const bool fits = sums.empty() || sums.size() == m.cell_types.size();
  if (!fits || std::any_of(sums.begin(), sums.end(),
                           [](double sum) { return !std::isfinite(sum) || sum < 0; })) {
    return Malformed("normalisation.control_sums: expected a number of 0 or more per cell type");
  }
  if (m.schedule_steps < 2 || m.schedule_steps > 100000 || !(m.beta_first > 0) ||
      !(m.beta_last < 1)) {
    return Malformed("schedule: expected 2 to 100000 steps and betas between 0 and 1");
  }
  UNLASTING_RETURN_IF_ERROR(CheckContexts(m));
  UNLASTING_RETURN_IF_ERROR(CheckCounts(m));
  if (m.molecule_features < 0) return Malformed("molecule.features: expected 0 or more");
  const DescriptorScaling& scaling = m.molecule_scaling;
  bool sound = scaling.mean.size() == scaling.names.size() &&
               scaling.deviation.size() == scaling.names.size() &&
               static_cast<int64_t>(scaling.names.size()) <= m.molecule_features;
  for (const double value : scaling.mean) sound = sound && std::isfinite(value);
  for (const double value : scaling.deviation) sound = sound && std::isfinite(value) && value >= 0;
  if (!sound) {
    return Malformed(
        "molecule_scaling: expected a name, a finite mean and a deviation of 0 or more for each "
        "descriptor, no more of them than molecule_features");
  }
  return CheckStimuli(m);
}

}  // namespace

std::string Manifest::GeneHash() const { return Sha256(absl::StrJoin(genes, "\n")); }

bool Manifest::Knows(const std::string& kind) const {
  return std::find(perturbation_kinds.begin(), perturbation_kinds.end(), kind) !=
         perturbation_kinds.end();
}

namespace {

void WriteCounts(const CountModel& counts, json* all) {
  if (counts.empty()) return;
  (*all)["counts"] = {{"dispersion", counts.dispersion},
                      {"dispersion_share", counts.dispersion_share},
                      {"library_size", counts.library_size},
                      {"curve", counts.curve}};
}

void WriteStimuli(const Manifest& m, json* all) {
  if (m.treatment_features > 0) {
    (*all)["treatments"] = {{"names", m.treatments},
                            {"features", m.treatment_features},
                            {"vectors", m.treatment_vectors}};
  }
  for (const Covariate& covariate : m.covariates) {
    (*all)["covariates"].push_back({{"name", covariate.name},
                                    {"unit", covariate.unit},
                                    {"scale", covariate.logarithmic ? "log10" : "linear"},
                                    {"mean", covariate.mean},
                                    {"deviation", covariate.deviation},
                                    {"values", covariate.values}});
  }
}

}  // namespace

json Manifest::ToJson() const {
  json molecules_json = json::array();
  for (const auto& molecule : molecules) {
    molecules_json.push_back(
        {{"name", molecule.name}, {"smiles", molecule.smiles}, {"doses_um", molecule.doses_um}});
  }
  json files_json = json::object();
  for (const auto& [file, entry] : files) {
    files_json[file] = {{"sha256", entry.sha256}, {"size", entry.size}};
  }
  json all = {
      {"schema_version", kSchemaVersion},
      {"name", name},
      {"version", version},
      {"created", created},
      {"software_version", software_version},
      {"features", features},
      {"genes", genes},
      {"gene_hash", GeneHash()},
      {"gene_symbols", gene_symbols},
      {"perturbed_only", perturbed_only},
      {"cell_types", cell_types},
      {"perturbation_kinds", perturbation_kinds},
      {"conditions", conditions},
      {"molecules", molecules_json},
      {"normalisation", {{"target_sum", normalisation.target_sum}, {"x_max", normalisation.x_max}}},
      {"schedule",
       {{"steps", schedule_steps}, {"beta_first", beta_first}, {"beta_last", beta_last}}},
      {"defaults",
       {{"solver", solver},
        {"solver_steps", solver_steps},
        {"mask", mask},
        {"meet_means", meet_means}}},
      {"molecule_featurizer", molecule_featurizer},
      {"molecule_features", molecule_features},
      {"model", model},
      {"grn", grn},
      {"response", response},
      {"settings", settings},
      {"split", split},
      {"training", training},
      {"files", files_json}};
  if (!contexts.empty()) all["contexts"] = contexts;
  if (!normalisation.control_sums.empty()) {
    all["normalisation"]["control_sums"] = normalisation.control_sums;
  }
  if (!molecule_scaling.names.empty()) {
    all["molecule_scaling"] = {{"names", molecule_scaling.names},
                               {"mean", molecule_scaling.mean},
                               {"deviation", molecule_scaling.deviation}};
  }
  if (prediction_error.has_value()) all["prediction_error"] = prediction_error->ToJson();
  WriteCounts(counts, &all);
  WriteStimuli(*this, &all);
  return all;
}

namespace {

void ReadDefaults(const json& defaults, Manifest* m) {
  m->solver = defaults.at("solver");
  m->solver_steps = defaults.at("solver_steps");
  m->mask = defaults.at("mask");
  // Absent in bundles that do not list the feature.
  m->meet_means = defaults.value("meet_means", false);
}

void ReadNormalisation(const json& j, Normalisation* normalisation) {
  normalisation->target_sum = j.at("target_sum");
  normalisation->x_max = j.at("x_max");
  if (j.contains("control_sums")) {
    normalisation->control_sums = j.at("control_sums").get<std::vector<double>>();
  }
}

void ReadCounts(const json& j, Manifest* m) {
  if (!j.contains("counts")) return;
  const json& counts = j.at("counts");
  m->counts.dispersion = counts.at("dispersion").get<std::vector<double>>();
  m->counts.dispersion_share = counts.at("dispersion_share");
  m->counts.library_size = counts.at("library_size");
  m->counts.curve = counts.at("curve");
}

void ReadStimuli(const json& j, Manifest* m) {
  if (j.contains("treatments")) {
    const json& treatments = j.at("treatments");
    m->treatments = treatments.at("names").get<std::vector<std::string>>();
    m->treatment_features = treatments.at("features");
    m->treatment_vectors = treatments.at("vectors");
  }
  if (!j.contains("covariates")) return;
  for (const json& each : j.at("covariates")) {
    m->covariates.push_back({each.at("name"), each.at("unit"), each.at("scale") == "log10",
                             each.at("mean"), each.at("deviation"),
                             each.at("values").get<std::vector<double>>()});
  }
}

absl::Status ReadErrors(const json& j, Manifest* m) {
  if (!j.contains("prediction_error")) return absl::OkStatus();
  auto errors =
      ErrorModel::FromJson(j.at("prediction_error"), static_cast<int64_t>(m->cell_types.size()));
  if (!errors.ok()) return Malformed(std::string(errors.status().message()));
  m->prediction_error = *std::move(errors);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Manifest> Manifest::FromJson(const json& j) {
  Manifest m;
  try {
    UNLASTING_RETURN_IF_ERROR(CheckSchema(j.at("schema_version")));
    m.features = j.at("features").get<std::vector<std::string>>();
    UNLASTING_RETURN_IF_ERROR(CheckFeatures(m.features));
    m.name = j.at("name");
    m.version = j.at("version");
    m.created = j.at("created");
    m.software_version = j.at("software_version");
    m.genes = j.at("genes").get<std::vector<std::string>>();
    m.gene_symbols = j.at("gene_symbols").get<std::map<std::string, std::string>>();
    m.perturbed_only = j.at("perturbed_only").get<std::vector<std::string>>();
    m.cell_types = j.at("cell_types").get<std::vector<std::string>>();
    m.perturbation_kinds = j.at("perturbation_kinds").get<std::vector<std::string>>();
    m.conditions = j.at("conditions").get<std::vector<std::string>>();
    for (const auto& molecule : j.at("molecules")) {
      m.molecules.push_back({molecule.at("name"), molecule.at("smiles"),
                             molecule.at("doses_um").get<std::vector<double>>()});
    }
    if (j.contains("contexts")) {
      m.contexts = j.at("contexts").get<std::map<std::string, std::vector<int32_t>>>();
    }
    ReadNormalisation(j.at("normalisation"), &m.normalisation);
    ReadCounts(j, &m);
    m.schedule_steps = j.at("schedule").at("steps");
    m.beta_first = j.at("schedule").at("beta_first");
    m.beta_last = j.at("schedule").at("beta_last");
    ReadDefaults(j.at("defaults"), &m);
    m.molecule_featurizer = j.at("molecule_featurizer");
    m.molecule_features = j.at("molecule_features");
    if (j.contains("molecule_scaling")) {
      const json& scaling = j.at("molecule_scaling");
      m.molecule_scaling.names = scaling.at("names").get<std::vector<std::string>>();
      m.molecule_scaling.mean = scaling.at("mean").get<std::vector<double>>();
      m.molecule_scaling.deviation = scaling.at("deviation").get<std::vector<double>>();
    }
    ReadStimuli(j, &m);
    m.model = j.at("model");
    m.grn = j.at("grn");
    m.response = j.value("response", json());
    UNLASTING_RETURN_IF_ERROR(ReadErrors(j, &m));
    m.settings = j.at("settings");
    m.split = j.at("split");
    m.training = j.at("training");
    for (const auto& [file, entry] : j.at("files").items()) {
      m.files[file] = {entry.at("sha256"), entry.at("size")};
    }
    if (j.at("gene_hash") != m.GeneHash()) return Malformed("gene_hash does not fit genes");
  } catch (const json::exception& error) {
    return Malformed(error.what());
  }
  UNLASTING_RETURN_IF_ERROR(Check(m));
  return m;
}

}  // namespace unlasting::bundle
