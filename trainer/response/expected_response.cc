#include "trainer/response/expected_response.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace unlasting::trainer {
namespace {

using torch::Tensor;

// A slope over few cell types is drawn towards 1 as if as many more had that.
constexpr double kSlopeTypes = 2;

class Table {
 public:
  Table(const TrainingData& data, const ConditionMoments& moments, const TrainConfig& config)
      : data_(data), moments_(moments), share_slope_(config.mask_prior()) {
    slopes_ = {SlopeOf(Mean), SlopeOf(LogVarianceOf)};
  }

  model::ExpectedResponse Make() {
    model::ExpectedResponse table;
    FindEntries(&table);
    std::vector<Tensor> mean, log_variance, active_logit;
    for (int64_t type = 0; type < moments_.cell_types(); ++type) {
      for (const Response& entry : EntriesOf(static_cast<int32_t>(type), table)) {
        mean.push_back(entry.mean.to(torch::kFloat32));
        log_variance.push_back(entry.log_variance.to(torch::kFloat32));
        active_logit.push_back(entry.active_logit.to(torch::kFloat32));
      }
    }
    table.mean = torch::stack(mean) / data_.prepared().x_max;
    table.log_variance = torch::stack(log_variance);
    table.active_logit = torch::stack(active_logit);
    return table;
  }

 private:
  // What predicts each measured type's statistic best from the others of its condition, by least
  // squares over genes: theirs and `slope` times the difference of the controls.
  template <typename Statistic>
  double SlopeOf(const Statistic& statistic) const {
    double covariance = 0, variance = 0;
    size_t measured = 0;
    for (const auto& [condition, by_type] : moments_.perturbed()) {
      const auto count = static_cast<double>(by_type.size());
      if (count < 3) continue;
      measured = std::max(measured, by_type.size());
      Tensor perturbed_sum = torch::zeros({data_.genes()}, torch::kFloat64);
      Tensor control_sum = perturbed_sum.clone();
      for (const auto& [type, moments] : by_type) {
        perturbed_sum += statistic(moments, moments_.control(type));
        control_sum += statistic(moments_.control(type), moments_.control(type));
      }
      for (const auto& [type, moments] : by_type) {
        const Tensor own = statistic(moments, moments_.control(type));
        const Tensor own_control = statistic(moments_.control(type), moments_.control(type));
        const Tensor x = own_control - (control_sum - own_control) / (count - 1);
        const Tensor y = own - (perturbed_sum - own) / (count - 1);
        covariance += (x * y).sum().item<double>();
        variance += (x * x).sum().item<double>();
      }
    }
    if (variance <= 0) return 1.0;
    const double prior = kSlopeTypes / static_cast<double>(measured);
    return std::clamp((covariance / variance + prior) / (1 + prior), 0.0, 1.0);
  }

  static Tensor Mean(const Moments& moments, const Moments&) { return moments.mean; }

  struct Slopes {
    double mean = 1, log_variance = 1;
  };
  // What the perturbed cells have beyond the slopes times the control's.
  Response Beyond(const Moments& perturbed, const Moments& control) const {
    return {
        perturbed.mean - slopes_.mean * control.mean,
        LogVarianceOf(perturbed, control) - slopes_.log_variance * LogVarianceOf(control, control),
        LogitOf(ShareOf(perturbed, control)) - share_slope_ * LogitOf(control.share)};
  }

  Response ConditionIn(int32_t condition, int32_t type) const {
    const auto& by_type = moments_.perturbed().at(condition);
    const Moments& control = moments_.control(type);
    const auto own = by_type.find(type);
    if (own != by_type.end()) return ResponseOf(own->second, control);
    std::vector<Response> others;
    for (const auto& [other, moments] : by_type) {
      others.push_back(Beyond(moments, moments_.control(other)));
    }
    Response response = MeanOf(others, data_.genes());
    response.mean += (slopes_.mean - 1.0) * control.mean;
    response.log_variance += (slopes_.log_variance - 1.0) * LogVarianceOf(control, control);
    response.active_logit += (share_slope_ - 1.0) * LogitOf(control.share);
    return response;
  }

  const ConditionInputs& InputsOf(int32_t condition) const {
    return data_.condition_inputs(condition);
  }

  void FindEntries(model::ExpectedResponse* table) {
    std::map<std::vector<float>, int64_t> drugs;
    std::vector<Tensor> rows;
    for (const auto& [condition, by_type] : moments_.perturbed()) {
      const ConditionInputs& inputs = InputsOf(condition);
      for (const int32_t node : inputs.knockout) table->nodes.push_back(node);
      if (inputs.molecule.empty()) continue;
      const auto [place, added] =
          drugs.emplace(inputs.molecule, static_cast<int64_t>(drugs.size()));
      if (added) {
        const Tensor row = torch::tensor(inputs.molecule);
        rows.push_back(row / row.norm().clamp_min(1e-12));
      }
      drug_conditions_.push_back(condition);
      table->drug.push_back(place->second);
      table->log10_dose.push_back(inputs.log10_dose_um);
    }
    auto& nodes = table->nodes;
    std::sort(nodes.begin(), nodes.end());
    nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
    if (data_.any_molecule() && rows.empty()) {
      // All drugs are held out: an entry that is near to none, with the mean over what there is.
      rows.push_back(torch::zeros({data_.molecule_features()}));
      drug_conditions_.push_back(-1);
      table->drug.push_back(0);
      table->log10_dose.push_back(0);
    }
    table->drugs = rows.empty() ? torch::zeros({0, data_.molecule_features()}) : torch::stack(rows);
  }

  std::vector<Response> EntriesOf(int32_t type, const model::ExpectedResponse& table) const {
    std::vector<Response> entries = GenesOf(type, table.nodes);
    std::vector<Response> all, drugs;
    for (const auto& [condition, by_type] : moments_.perturbed())
      all.push_back(ConditionIn(condition, type));
    const Response mean = MeanOf(entries.empty() ? all : entries, data_.genes());
    entries.push_back(mean);
    for (const int32_t condition : drug_conditions_) {
      entries.push_back(condition < 0 ? mean : ConditionIn(condition, type));
    }
    return entries;
  }

  // Genes perturbed alone stand for themselves; of those that only occur in combinations, what the
  // others leave over, by least squares.
  std::vector<Response> GenesOf(int32_t type, const std::vector<int64_t>& nodes) const {
    std::vector<Response> genes(nodes.size());
    const auto place = [&](int32_t node) {
      return std::lower_bound(nodes.begin(), nodes.end(), node) - nodes.begin();
    };
    for (const auto& [condition, by_type] : moments_.perturbed()) {
      const auto& knockout = InputsOf(condition).knockout;
      if (knockout.size() == 1) genes[place(knockout[0])] = ConditionIn(condition, type);
    }
    std::vector<int64_t> open;
    for (size_t g = 0; g < genes.size(); ++g) {
      if (!genes[g].mean.defined()) open.push_back(static_cast<int64_t>(g));
    }
    if (open.empty()) return genes;
    std::vector<Tensor> design, mean, log_variance, active_logit;
    for (const auto& [condition, by_type] : moments_.perturbed()) {
      const auto& knockout = InputsOf(condition).knockout;
      if (knockout.size() < 2) continue;
      Response left = ConditionIn(condition, type);
      Tensor row = torch::zeros({static_cast<int64_t>(open.size())}, torch::kFloat64);
      for (const int32_t node : knockout) {
        const int64_t gene = place(node);
        if (genes[gene].mean.defined()) {
          left = left - genes[gene];
        } else {
          row[std::lower_bound(open.begin(), open.end(), gene) - open.begin()] = 1;
        }
      }
      design.push_back(row);
      mean.push_back(left.mean);
      log_variance.push_back(left.log_variance);
      active_logit.push_back(left.active_logit);
    }
    const Tensor a = torch::stack(design);
    const Tensor inverse = torch::linalg_pinv(a, /*rcond=*/1e-6);
    const Tensor means = inverse.matmul(torch::stack(mean));
    const Tensor variances = inverse.matmul(torch::stack(log_variance));
    const Tensor logits = inverse.matmul(torch::stack(active_logit));
    for (size_t k = 0; k < open.size(); ++k) {
      const auto at = static_cast<int64_t>(k);
      genes[open[k]] = {means[at], variances[at], logits[at]};
    }
    return genes;
  }

  const TrainingData& data_;
  const ConditionMoments& moments_;
  double share_slope_;
  Slopes slopes_;
  std::vector<int32_t> drug_conditions_;  // of the table's drug entries
};

}  // namespace

model::ExpectedResponse EstimateExpectedResponse(const TrainingData& data,
                                                 const ConditionMoments& moments,
                                                 const TrainConfig& config) {
  return Table(data, moments, config).Make();
}

}  // namespace unlasting::trainer
