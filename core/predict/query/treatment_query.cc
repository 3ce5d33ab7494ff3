// Treatments by name or vector, and the covariates of treatments and molecules.
#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/did_you_mean.h"
#include "core/base/status.h"
#include "core/predict/query/refusal.h"
#include "core/predict/query/resolve.h"
#include "core/predict/query/vectors.h"

namespace unlasting::predict {
namespace {

using bundle::Bundle;
using bundle::Covariate;
using bundle::Manifest;

// Names in an error; a screen's bundle may know hundreds.
constexpr size_t kMaxNamed = 10;

// Names the treatments that the model knows.
absl::Status Unknown(const Manifest& manifest, const std::string& name) {
  const auto& known = manifest.treatments;
  const size_t named = std::min(known.size(), kMaxNamed);
  return WithReason(
      absl::NotFoundError(absl::StrCat(
          "treatment: the model '", manifest.name, "' was not trained on '", name, "'",
          DidYouMean(name, known), "; it knows ",
          absl::StrJoin(known.begin(), known.begin() + static_cast<int64_t>(named), ", "),
          known.size() > named ? absl::StrCat(" and ", known.size() - named, " more") : "",
          manifest.treatment_vectors
              ? "; give a vector for another (--treatment-vectors)"
              : "; a model that is trained with treatment_vectors takes others by their vector")),
      "UNKNOWN_TREATMENT");
}

absl::Status ResolveVector(const Manifest& manifest, const std::vector<float>& vector) {
  if (!manifest.treatment_vectors) {
    return Invalid("UNSUPPORTED_PERTURBATION",
                   absl::StrCat("treatment: the model '", manifest.name,
                                "' knows treatments by name alone: it was trained without "
                                "treatment_vectors"));
  }
  return CheckVector("treatment: vector", vector, manifest.treatment_features);
}

void NoteNearest(const Bundle& bundle, Perturbation* perturbation) {
  std::string nearest;
  double largest = -2;
  for (const auto& name : bundle.manifest().treatments) {
    const auto vector = bundle.reference().treatments.find(name);
    if (vector == bundle.reference().treatments.end()) continue;
    const double cosine = Cosine(vector->second, perturbation->molecule);
    if (cosine <= largest) continue;
    largest = cosine;
    nearest = name;
  }
  if (nearest.empty()) return;
  perturbation->notes.push_back(absl::StrCat("nearest training treatment: ", nearest, ", cosine ",
                                             std::round(largest * 1000) / 1000));
}

absl::Status ResolveName(const Bundle& bundle, const std::string& name,
                         Perturbation* perturbation) {
  const Manifest& manifest = bundle.manifest();
  const auto known = std::find(manifest.treatments.begin(), manifest.treatments.end(), name);
  perturbation->seen_in_training = known != manifest.treatments.end();
  if (manifest.treatment_vectors) {
    // The table also has treatments that were held out.
    const auto vector = bundle.reference().treatments.find(name);
    if (vector == bundle.reference().treatments.end()) return Unknown(manifest, name);
    perturbation->molecule = vector->second;
    return absl::OkStatus();
  }
  if (!perturbation->seen_in_training) return Unknown(manifest, name);
  perturbation->molecule.assign(manifest.treatment_features, 0.0f);
  perturbation->molecule[known - manifest.treatments.begin()] = 1.0f;
  return absl::OkStatus();
}

void NoteRange(const Covariate& covariate, double value, Perturbation* perturbation) {
  const double lowest = covariate.values.front(), highest = covariate.values.back();
  if (value < lowest || value > highest) {
    perturbation->notes.push_back(absl::StrCat(
        covariate.name, " ", value, " lies ", value < lowest ? "below" : "above",
        " those of training, ",
        lowest == highest ? absl::StrCat(lowest) : absl::StrCat(lowest, " to ", highest)));
  }
  if (covariate.deviation > 0) return;
  perturbation->notes.push_back(absl::StrCat("training knew ", covariate.name, " ", lowest,
                                             " alone: the prediction does not depend on it"));
}

}  // namespace

absl::Status ResolveTreatment(const Bundle& bundle, const PerturbationQuery& query,
                              Perturbation* perturbation) {
  const Manifest& manifest = bundle.manifest();
  if (!manifest.Knows("treatment")) {
    return Invalid("UNSUPPORTED_PERTURBATION",
                   absl::StrCat("treatment: the model '", manifest.name, "' was trained on ",
                                absl::StrJoin(manifest.perturbation_kinds, "s and "), "s only"));
  }
  perturbation->kind = Perturbation::Kind::kTreatment;
  const std::string name(absl::StripAsciiWhitespace(query.treatment));
  perturbation->label = name.empty() ? "treatment" : name;
  perturbation->condition = perturbation->label;
  if (query.treatment_vector.empty()) {
    UNLASTING_RETURN_IF_ERROR(ResolveName(bundle, name, perturbation));
  } else {
    UNLASTING_RETURN_IF_ERROR(ResolveVector(manifest, query.treatment_vector));
    perturbation->molecule = query.treatment_vector;
    const auto known = bundle.reference().treatments.find(name);
    perturbation->seen_in_training =
        known != bundle.reference().treatments.end() && known->second == query.treatment_vector &&
        std::count(manifest.treatments.begin(), manifest.treatments.end(), name) > 0;
  }
  if (!perturbation->seen_in_training) {
    perturbation->notes.push_back("this treatment was not in the training data");
    NoteNearest(bundle, perturbation);
  }
  return AddCovariates(bundle, query, perturbation);
}

absl::Status AddCovariates(const Bundle& bundle, const PerturbationQuery& query,
                           Perturbation* perturbation) {
  const Manifest& manifest = bundle.manifest();
  const auto kind = perturbation->kind == Perturbation::Kind::kTreatment
                        ? bundle::StimulusKind::kTreatment
                        : bundle::StimulusKind::kMolecule;
  UNLASTING_ASSIGN_OR_RETURN(
      perturbation->molecule,
      bundle::EncodeStimulus(manifest.Stimuli(), kind, perturbation->molecule, query.covariates));
  perturbation->covariates = query.covariates;
  for (const Covariate& covariate : manifest.covariates) {
    NoteRange(covariate, query.covariates.at(covariate.name), perturbation);
  }
  return absl::OkStatus();
}

}  // namespace unlasting::predict
