#include "trainer/shift_table.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/cells/normalise.h"

namespace unlasting::trainer {
namespace {

using torch::Tensor;

// Spread of few cells is drawn towards the control's: as many control cells join them.
constexpr double kVarianceCells = 10;
constexpr double kShareCells = 2;
// A slope over few cell types is drawn towards 1 as if as many more had that.
constexpr double kSlopeTypes = 2;
constexpr double kSmallestVariance = 2.5e-3;  // of log1p values, added: of nearly silent genes
constexpr double kSmallestShare = 1e-3;       // as the mask model's own logits

struct Moments {
  double cells = 0;
  Tensor mean, variance, share;  // [N] float64, log1p
};

Moments MomentsOf(const TrainingData& data, const std::vector<int64_t>& cells) {
  const CsrMatrix& values = data.prepared().data.values;
  std::vector<double> mean, deviation, active(data.genes(), 0.0);
  cells::MeanAndDeviation(values, cells, &mean, &deviation);
  for (const int64_t cell : cells) {
    const auto columns = values.RowIndices(cell);
    const auto row = values.RowValues(cell);
    for (size_t k = 0; k < columns.size(); ++k) active[columns[k]] += row[k] > 0 ? 1 : 0;
  }
  Moments moments;
  moments.cells = static_cast<double>(cells.size());
  moments.mean = torch::tensor(mean, torch::kFloat64);
  moments.variance = torch::tensor(deviation, torch::kFloat64).nan_to_num().square();
  moments.share = torch::tensor(active, torch::kFloat64) / moments.cells;
  return moments;
}

Tensor Logit(const Tensor& share) { return torch::logit(share, kSmallestShare); }

// Of one condition in one cell type: what is added to the control's.
struct Response {
  Tensor mean, log_variance, active_logit;  // [N]
};

Response operator-(const Response& a, const Response& b) {
  return {a.mean - b.mean, a.log_variance - b.log_variance, a.active_logit - b.active_logit};
}

Response MeanOf(const std::vector<Response>& responses, int64_t genes) {
  const Tensor none = torch::zeros({genes}, torch::kFloat64);
  Response sum{none.clone(), none.clone(), none.clone()};
  for (const Response& response : responses) {
    sum.mean += response.mean;
    sum.log_variance += response.log_variance;
    sum.active_logit += response.active_logit;
  }
  const auto count = static_cast<double>(std::max<size_t>(responses.size(), 1));
  return {sum.mean / count, sum.log_variance / count, sum.active_logit / count};
}

class Table {
 public:
  Table(const TrainingData& data, const TrainConfig& config)
      : data_(data), share_slope_(config.mask_prior()) {
    const auto types = static_cast<int32_t>(data.prepared().data.cell_types.size());
    for (int32_t type = 0; type < types; ++type) {
      control_.push_back(MomentsOf(data, data.controls(type)));
    }
    const cells::Dataset& cells = data.prepared().data;
    std::vector<bool> left_out(cells.n_cells(), false);
    for (const auto& group : data.validation_groups()) {
      for (const int64_t cell : group) left_out[cell] = true;
    }
    std::map<int32_t, std::map<int32_t, std::vector<int64_t>>> groups;
    for (const int64_t cell : data.prepared().split.Cells(/*test_cells=*/false)) {
      if (left_out[cell] || cells.conditions[cells.condition[cell]].control) continue;
      groups[cells.condition[cell]][cells.cell_type[cell]].push_back(cell);
    }
    for (const auto& [condition, by_type] : groups) {
      for (const auto& [type, members] : by_type) {
        perturbed_[condition].emplace(type, MomentsOf(data, members));
      }
    }
    slopes_ = {SlopeOf(Mean), SlopeOf(LogVariance)};
  }

  model::ShiftTable Make() {
    model::ShiftTable table;
    FindEntries(&table);
    std::vector<Tensor> mean, log_variance, active_logit;
    for (size_t type = 0; type < control_.size(); ++type) {
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
    for (const auto& [condition, by_type] : perturbed_) {
      const auto count = static_cast<double>(by_type.size());
      if (count < 3) continue;
      measured = std::max(measured, by_type.size());
      Tensor perturbed_sum = torch::zeros({data_.genes()}, torch::kFloat64);
      Tensor control_sum = perturbed_sum.clone();
      for (const auto& [type, moments] : by_type) {
        perturbed_sum += statistic(moments, control_[type]);
        control_sum += statistic(control_[type], control_[type]);
      }
      for (const auto& [type, moments] : by_type) {
        const Tensor own = statistic(moments, control_[type]);
        const Tensor own_control = statistic(control_[type], control_[type]);
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
  static Tensor LogVariance(const Moments& moments, const Moments& control) {
    return torch::log((moments.variance * moments.cells + control.variance * kVarianceCells) /
                          (moments.cells + kVarianceCells) +
                      kSmallestVariance);
  }

  struct Slopes {
    double mean = 1, log_variance = 1;
  };
  // What the perturbed cells have beyond the slopes times the control's.
  Response ResponseOf(const Moments& perturbed, const Moments& control,
                      const Slopes& slopes) const {
    const Tensor share = (perturbed.share * perturbed.cells + control.share * kShareCells) /
                         (perturbed.cells + kShareCells);
    return {perturbed.mean - slopes.mean * control.mean,
            LogVariance(perturbed, control) - slopes.log_variance * LogVariance(control, control),
            Logit(share) - share_slope_ * Logit(control.share)};
  }

  Response ConditionIn(int32_t condition, int32_t type) const {
    const auto& by_type = perturbed_.at(condition);
    const Moments& control = control_[type];
    const auto own = by_type.find(type);
    if (own != by_type.end()) return ResponseOf(own->second, control, {});
    std::vector<Response> others;
    for (const auto& [other, moments] : by_type) {
      others.push_back(ResponseOf(moments, control_[other], slopes_));
    }
    Response response = MeanOf(others, data_.genes());
    response.mean += (slopes_.mean - 1.0) * control.mean;
    response.log_variance += (slopes_.log_variance - 1.0) * LogVariance(control, control);
    return response;
  }

  const ConditionInputs& InputsOf(int32_t condition) const {
    return data_.condition_inputs(condition);
  }

  void FindEntries(model::ShiftTable* table) {
    std::map<std::vector<float>, int64_t> drugs;
    std::vector<Tensor> rows;
    for (const auto& [condition, by_type] : perturbed_) {
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

  std::vector<Response> EntriesOf(int32_t type, const model::ShiftTable& table) const {
    std::vector<Response> entries = GenesOf(type, table.nodes);
    std::vector<Response> all, drugs;
    for (const auto& [condition, by_type] : perturbed_) all.push_back(ConditionIn(condition, type));
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
    for (const auto& [condition, by_type] : perturbed_) {
      const auto& knockout = InputsOf(condition).knockout;
      if (knockout.size() == 1) genes[place(knockout[0])] = ConditionIn(condition, type);
    }
    std::vector<int64_t> open;
    for (size_t g = 0; g < genes.size(); ++g) {
      if (!genes[g].mean.defined()) open.push_back(static_cast<int64_t>(g));
    }
    if (open.empty()) return genes;
    std::vector<Tensor> design, mean, log_variance, active_logit;
    for (const auto& [condition, by_type] : perturbed_) {
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
  double share_slope_;
  Slopes slopes_;
  std::vector<Moments> control_;                             // by cell type
  std::map<int32_t, std::map<int32_t, Moments>> perturbed_;  // by condition, cell type
  std::vector<int32_t> drug_conditions_;                     // of the table's drug entries
};

}  // namespace

model::ShiftTable ShiftTableOf(const TrainingData& data, const TrainConfig& config) {
  return Table(data, config).Make();
}

}  // namespace unlasting::trainer
