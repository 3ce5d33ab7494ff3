#include "core/predict/query/predicted_error.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/predict/query/vectors.h"

namespace unlasting::predict {
namespace {

using bundle::Bundle;
using bundle::ErrorCondition;
using bundle::ErrorQuery;

// From the control cells of a type: a known one's, or those whose mean is given.
double ContextDistance(const Bundle& bundle, int32_t known, int32_t asked,
                       absl::Span<const double> control_mean) {
  const DenseMatrix& mean = bundle.reference().control_mean;
  double squares = 0;
  for (int64_t g = 0; g < mean.cols; ++g) {
    const double own =
        control_mean.empty() ? static_cast<double>(mean.At(asked, g)) : control_mean[g];
    squares += (own - mean.At(known, g)) * (own - mean.At(known, g));
  }
  return std::sqrt(squares);
}

void AskGenes(const Perturbation& perturbation, std::string* asked, ErrorQuery* query) {
  int32_t farthest = 0;
  for (const GeneDistance& gene : perturbation.genes) {
    farthest =
        std::max(farthest, std::min(gene.hops.value_or(bundle::kMostHops), bundle::kMostHops));
  }
  *asked = bundle::GenesAsked(perturbation.knockout.size(), farthest > 0);
  query->condition_distance = farthest;
}

double NearestTreatment(const Bundle& bundle, const Perturbation& perturbation) {
  const auto& stimuli = bundle.manifest().Stimuli();
  const std::vector<float> own(
      perturbation.molecule.begin() + stimuli.molecule_features,
      perturbation.molecule.begin() + stimuli.molecule_features + stimuli.treatment_features);
  double nearest = -1;
  for (const std::string& name : bundle.manifest().treatments) {
    const auto vector = bundle.reference().treatments.find(name);
    if (vector == bundle.reference().treatments.end()) continue;
    nearest = std::max(nearest, Cosine(vector->second, own));
  }
  return nearest;
}

void AskStimulus(const Bundle& bundle, const Perturbation& perturbation, std::string* asked,
                 ErrorQuery* query) {
  if (perturbation.seen_in_training) {
    *asked = bundle::kDoseAsked;
    if (perturbation.kind == Perturbation::Kind::kTreatment) return;
    query->condition_distance = HUGE_VAL;
    for (const ErrorCondition& known : bundle.manifest().prediction_error->conditions) {
      if (known.name != perturbation.condition || known.dose_um <= 0) continue;
      query->condition_distance =
          std::min(query->condition_distance,
                   std::abs(std::log10(known.dose_um) - std::log10(perturbation.dose_um)));
    }
    // A drug of which training kept no cell but those held out for validation.
    if (!std::isfinite(query->condition_distance)) query->condition_distance = 0;
    return;
  }
  if (perturbation.kind == Perturbation::Kind::kTreatment) {
    *asked = "treatment";
    query->condition_distance = 1 - NearestTreatment(bundle, perturbation);
    return;
  }
  *asked = "drug";
  const bool known = perturbation.molecule_distance.has_value();
  query->condition_distance =
      1 - (known ? perturbation.molecule_distance->similarity.value_or(0) : 0);
}

// Cell types with perturbed training cells: of one condition, or of any.
std::set<int32_t> SourcesOf(const bundle::ErrorModel& model, const ErrorCondition* condition) {
  std::set<int32_t> types;
  if (condition != nullptr) {
    for (const auto& [type, unused] : condition->cells) types.insert(type);
    return types;
  }
  for (const ErrorCondition& each : model.conditions) {
    for (const auto& [type, unused] : each.cells) types.insert(type);
  }
  return types;
}

}  // namespace

ErrorQuery ErrorQueryOf(const Bundle& bundle, const Perturbation& perturbation, int32_t cell_type,
                        double change, absl::Span<const double> control_mean) {
  const bundle::ErrorModel& model = *bundle.manifest().prediction_error;
  const ErrorCondition* const seen =
      model.Find(perturbation.condition, perturbation.dose_um, perturbation.covariates);
  ErrorQuery query;
  query.change = change;
  const std::set<int32_t> sources = SourcesOf(model, seen);
  const bool here = sources.count(cell_type) > 0;
  std::string asked;
  if (seen != nullptr) {
    asked = perturbation.kind == Perturbation::Kind::kTreatment ? "treatment"
            : perturbation.kind == Perturbation::Kind::kMolecule
                ? "drug"
                : bundle::GenesAsked(perturbation.knockout.size(), false);
    for (const auto& [type, cells] : seen->cells) query.cells += cells;
    if (here) query.cells = seen->cells.at(cell_type);
  } else if (perturbation.kind == Perturbation::Kind::kGene) {
    AskGenes(perturbation, &asked, &query);
  } else {
    AskStimulus(bundle, perturbation, &asked, &query);
  }
  if (!here && !sources.empty()) {
    query.context_distance = HUGE_VAL;
    for (const int32_t source : sources) {
      query.context_distance = std::min(query.context_distance,
                                        ContextDistance(bundle, source, cell_type, control_mean));
    }
  }
  query.kind = bundle::ErrorKind(asked, seen != nullptr, here);
  return query;
}

std::vector<PredictedError> PredictedErrors(const Bundle& bundle, const Perturbation& perturbation,
                                            absl::Span<const int32_t> cell_types,
                                            const DenseMatrix& predicted, const CsrMatrix& controls,
                                            absl::Span<const int32_t> cell_type) {
  std::vector<PredictedError> errors;
  const auto& model = bundle.manifest().prediction_error;
  if (!model.has_value()) return errors;
  for (const int32_t type : cell_types) {
    std::vector<double> change(predicted.cols, 0.0), control_mean(predicted.cols, 0.0);
    double cells = 0;
    for (int64_t r = 0; r < predicted.rows; ++r) {
      if (cell_type[r] != type) continue;
      ++cells;
      for (int64_t g = 0; g < predicted.cols; ++g) change[g] += predicted.At(r, g);
      const auto columns = controls.RowIndices(r);
      const auto values = controls.RowValues(r);
      for (size_t k = 0; k < columns.size(); ++k) {
        change[columns[k]] -= values[k];
        control_mean[columns[k]] += values[k];
      }
    }
    cells = std::max(cells, 1.0);
    for (double& sum : control_mean) sum /= cells;
    const bool known = type < static_cast<int32_t>(bundle.manifest().cell_types.size());
    if (known) control_mean.clear();
    double squares = 0;
    for (const double sum : change) squares += sum * sum;
    const ErrorQuery query =
        ErrorQueryOf(bundle, perturbation, type, std::sqrt(squares) / cells, control_mean);
    errors.push_back({type, query.kind, model->Estimate(query)});
  }
  return errors;
}

}  // namespace unlasting::predict
