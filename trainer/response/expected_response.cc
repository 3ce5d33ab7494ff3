#include "trainer/response/expected_response.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "trainer/response/symmetric_eigen.h"

namespace unlasting::trainer {
namespace {

// Singular values below this share of the largest are taken for zero in least squares.
constexpr double kSmallestSingularValue = 1e-6;

// The least-squares solution X of least norm of A X = Y, where every row of A is 1 in `columns` and
// 0 elsewhere and Y is `right`; one response for each of the `n` columns of A.
std::vector<Response> LeastSquares(const std::vector<std::vector<size_t>>& columns,
                                   const std::vector<Response>& right, size_t n, int64_t genes) {
  std::vector<double> products(n * n);
  std::vector<Response> projected(n, ZeroResponse(genes));
  for (size_t row = 0; row < columns.size(); ++row) {
    for (const size_t i : columns[row]) {
      for (const size_t j : columns[row]) products[i * n + j] += 1;
      projected[i] += right[row];
    }
  }
  const SymmetricEigen eigen = DecomposeSymmetric(std::move(products), n);
  const double largest = *std::max_element(eigen.values.begin(), eigen.values.end());
  std::vector<double> inverse(n * n);
  for (size_t k = 0; k < n; ++k) {
    if (eigen.values[k] <= kSmallestSingularValue * kSmallestSingularValue * largest) continue;
    const double* vector = &eigen.vectors[k * n];
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) inverse[i * n + j] += vector[i] * vector[j] / eigen.values[k];
    }
  }
  std::vector<Response> solution(n, ZeroResponse(genes));
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      Response part = projected[j];
      solution[i] += (part *= inverse[i * n + j]);
    }
  }
  return solution;
}

std::vector<float> UnitLength(const std::vector<float>& features) {
  double squares = 0;
  for (const float value : features) squares += static_cast<double>(value) * value;
  const double norm = std::max(std::sqrt(squares), 1e-12);
  std::vector<float> unit;
  for (const float value : features) unit.push_back(static_cast<float>(value / norm));
  return unit;
}

class Estimator {
 public:
  Estimator(const TrainingData& data, const ConditionMoments& moments,
            const MeasuredResponses& measured, const ResponseChoice& choice)
      : data_(data), moments_(moments), measured_(measured), choice_(choice) {}

  ExpectedResponseEstimate Estimate() {
    ExpectedResponseEstimate estimate;
    FindEntries(&estimate);
    for (DenseMatrix* part :
         {&estimate.mean, &estimate.log_variance, &estimate.active_logit, &estimate.met_mean}) {
      part->cols = data_.genes();
    }
    for (int64_t type = 0; type < moments_.cell_types(); ++type) {
      for (const Response& entry : EntriesOf(static_cast<int32_t>(type), estimate)) {
        AppendRow(entry.mean, &estimate.mean);
        AppendRow(entry.log_variance, &estimate.log_variance);
        AppendRow(entry.active_logit, &estimate.active_logit);
        AppendRow(entry.mean, &estimate.met_mean);
      }
      MeetMeans(static_cast<int32_t>(type), &estimate);
    }
    return estimate;
  }

 private:
  static void AppendRow(const GeneValues& values, DenseMatrix* matrix) {
    ++matrix->rows;
    for (const double value : values) matrix->values.push_back(static_cast<float>(value));
  }

  Response ResponseIn(int32_t type, int32_t condition) const {
    Response response = measured_.In(condition, type, choice_.rules);
    if (!choice_.finish.spread) response.log_variance = 0.0;
    return response;
  }

  const ConditionInputs& InputsOf(int32_t condition) const {
    return data_.condition_inputs(condition);
  }

  void FindEntries(ExpectedResponseEstimate* estimate) {
    std::map<std::vector<float>, int64_t> drugs;
    std::vector<std::vector<float>> rows;
    for (const auto& [condition, by_type] : moments_.perturbed()) {
      const ConditionInputs& inputs = InputsOf(condition);
      for (const int32_t node : inputs.knockout) estimate->nodes.push_back(node);
      if (inputs.molecule.empty()) continue;
      const auto [drug, added] = drugs.emplace(inputs.molecule, static_cast<int64_t>(drugs.size()));
      if (added) rows.push_back(UnitLength(inputs.molecule));
      drug_conditions_.push_back(condition);
      estimate->drug.push_back(drug->second);
      estimate->log10_dose.push_back(inputs.log10_dose_um);
    }
    auto& nodes = estimate->nodes;
    std::sort(nodes.begin(), nodes.end());
    nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
    if (data_.stimulus_features() > 0 && rows.empty()) {
      // Every drug is held out: one entry, similar to no drug, with the mean response.
      rows.emplace_back(data_.stimulus_features());
      drug_conditions_.push_back(kNoCondition);
      estimate->drug.push_back(0);
      estimate->log10_dose.push_back(0);
    }
    estimate->drugs = DenseMatrix(static_cast<int64_t>(rows.size()), data_.stimulus_features());
    for (size_t r = 0; r < rows.size(); ++r) {
      std::copy(rows[r].begin(), rows[r].end(),
                estimate->drugs.Row(static_cast<int64_t>(r)).begin());
    }
  }

  std::vector<Response> EntriesOf(int32_t type, const ExpectedResponseEstimate& estimate) const {
    std::vector<Response> entries = GenesOf(type, estimate.nodes);
    std::vector<Response> all;
    for (const auto& [condition, by_type] : moments_.perturbed()) {
      all.push_back(ResponseIn(type, condition));
    }
    const Response mean = MeanOf(entries.empty() ? all : entries, data_.genes());
    entries.push_back(mean);
    for (const int32_t condition : drug_conditions_) {
      entries.push_back(condition == kNoCondition ? mean : ResponseIn(type, condition));
    }
    return entries;
  }

  // Replaces the means of what was perturbed by itself.
  void MeetMeans(int32_t type, ExpectedResponseEstimate* estimate) const {
    const auto& nodes = estimate->nodes;
    const auto entries = static_cast<int64_t>(nodes.size() + 1 + drug_conditions_.size());
    const auto replace = [&](int64_t entry, int32_t condition) {
      const GeneValues mean = measured_.MetMeanIn(condition, type, choice_.rules);
      const auto row = estimate->met_mean.Row(type * entries + entry);
      for (size_t g = 0; g < mean.size(); ++g) row[g] = static_cast<float>(mean[g]);
    };
    for (const auto& [condition, by_type] : moments_.perturbed()) {
      const ConditionInputs& inputs = InputsOf(condition);
      if (inputs.knockout.size() != 1 || !inputs.molecule.empty()) continue;
      const auto at = std::lower_bound(nodes.begin(), nodes.end(), inputs.knockout[0]);
      replace(at - nodes.begin(), condition);
    }
    for (size_t m = 0; m < drug_conditions_.size(); ++m) {
      if (drug_conditions_[m] == kNoCondition) continue;
      replace(static_cast<int64_t>(nodes.size() + 1 + m), drug_conditions_[m]);
    }
  }

  // A gene perturbed alone has its own response. Genes that occur in combinations alone share what
  // the other genes of these leave unexplained, by least squares.
  std::vector<Response> GenesOf(int32_t type, const std::vector<int64_t>& nodes) const {
    std::vector<Response> genes(nodes.size());
    const auto index = [&](int32_t node) {
      return std::lower_bound(nodes.begin(), nodes.end(), node) - nodes.begin();
    };
    for (const auto& [condition, by_type] : moments_.perturbed()) {
      const auto& knockout = InputsOf(condition).knockout;
      if (knockout.size() == 1) genes[index(knockout[0])] = ResponseIn(type, condition);
    }
    std::vector<int64_t> unsolved;  // in `nodes`
    for (size_t g = 0; g < genes.size(); ++g) {
      if (genes[g].mean.size() == 0) unsolved.push_back(static_cast<int64_t>(g));
    }
    if (unsolved.empty()) return genes;
    std::vector<std::vector<size_t>> columns;
    std::vector<Response> unexplained;
    for (const auto& [condition, by_type] : moments_.perturbed()) {
      const auto& knockout = InputsOf(condition).knockout;
      if (knockout.size() < 2) continue;
      columns.emplace_back();
      unexplained.push_back(ResponseIn(type, condition));
      for (const int32_t node : knockout) {
        const auto gene = index(node);
        if (genes[gene].mean.size() > 0) {
          unexplained.back() -= genes[gene];
        } else {
          columns.back().push_back(std::lower_bound(unsolved.begin(), unsolved.end(), gene) -
                                   unsolved.begin());
        }
      }
    }
    std::vector<Response> solved =
        LeastSquares(columns, unexplained, unsolved.size(), data_.genes());
    for (size_t k = 0; k < unsolved.size(); ++k) genes[unsolved[k]] = std::move(solved[k]);
    return genes;
  }

  static constexpr int32_t kNoCondition = -1;

  const TrainingData& data_;
  const ConditionMoments& moments_;
  const MeasuredResponses& measured_;
  const ResponseChoice& choice_;
  std::vector<int32_t> drug_conditions_;  // [M], or kNoCondition
};

}  // namespace

ExpectedResponseEstimate EstimateExpectedResponse(const TrainingData& data,
                                                  const ConditionMoments& moments,
                                                  const MeasuredResponses& measured,
                                                  const ResponseChoice& choice) {
  return Estimator(data, moments, measured, choice).Estimate();
}

}  // namespace unlasting::trainer
