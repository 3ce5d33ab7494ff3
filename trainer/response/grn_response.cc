#include "trainer/response/grn_response.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "core/model/spec/propagation.h"
#include "trainer/response/edge_weights.h"

namespace unlasting::trainer {
namespace {

using torch::Tensor;

// Fewer genes than these say nothing of others.
constexpr size_t kFewestGenes = 8;
// Share of the squared residual that the network must foresee of left-out genes to be used.
constexpr double kSmallestGain = 0.01;
// A gene's own slope of variance or share is drawn to that of all genes by as many conditions.
constexpr double kSlopeConditions = 2;

// A gene perturbed alone, in one cell type: its response less the mean of the other genes'.
struct Single {
  int64_t gene = 0, type = 0;
  Response residual;
};

std::vector<Single> SinglesOf(const TrainingData& data, const ConditionMoments& moments) {
  std::vector<Single> singles;
  for (const auto& [condition, by_type] : moments.perturbed()) {
    const ConditionInputs& inputs = data.condition_inputs(condition);
    if (inputs.knockout.size() != 1 || !inputs.molecule.empty()) continue;
    for (const auto& [type, perturbed] : by_type) {
      singles.push_back({inputs.knockout[0], type, ResponseOf(perturbed, moments.control(type))});
    }
  }
  std::map<int64_t, std::vector<Response>> by_type;
  for (const Single& single : singles) by_type[single.type].push_back(single.residual);
  std::map<int64_t, Response> mean;
  for (const auto& [type, responses] : by_type) mean[type] = MeanOf(responses, data.genes());
  std::vector<Single> measured;
  for (Single& single : singles) {
    const auto count = static_cast<double>(by_type[single.type].size());
    if (single.gene >= data.genes() || count < 2) continue;
    // Less the mean of the others: n / (n - 1) times what is less the mean of all.
    single.residual = single.residual - mean[single.type];
    for (Tensor* part :
         {&single.residual.mean, &single.residual.log_variance, &single.residual.active_logit}) {
      *part *= count / (count - 1);
    }
    measured.push_back(single);
  }
  return measured;
}

size_t DistinctGenes(const std::vector<Single>& singles) {
  std::vector<int64_t> genes;
  for (const Single& single : singles) genes.push_back(single.gene);
  std::sort(genes.begin(), genes.end());
  return std::unique(genes.begin(), genes.end()) - genes.begin();
}

// Sums of a line's normal equations.
struct LineSums {
  double n = 0, x = 0, y = 0, xx = 0, xy = 0;

  LineSums Less(const LineSums& b) const {
    return {n - b.n, x - b.x, y - b.y, xx - b.xx, xy - b.xy};
  }
  struct Line {
    double at_zero = 0, slope = 0;
  };
  Line ThroughZero() const { return {0, xx > 0 ? xy / xx : 0}; }
  Line Free() const {
    const double spread = n * xx - x * x;
    if (spread <= 1e-9 * n * xx) return {n > 0 ? y / n : 0, 0};
    const double slope = (n * xy - x * y) / spread;
    return {(y - slope * x) / n, slope};
  }
};

// [C, N], log1p: what a gene itself changes by when it is perturbed, a line over its control mean;
// through zero (a knockout takes a share away) or free, whichever foresees left-out genes better.
Tensor OwnChanges(const std::vector<Single>& singles, const Tensor& control) {
  LineSums all;
  std::map<int64_t, LineSums> by_gene;
  std::vector<std::pair<double, double>> points;
  for (const Single& single : singles) {
    const double x = control[single.type][single.gene].item<double>();
    const double y = single.residual.mean[single.gene].item<double>();
    points.emplace_back(x, y);
    for (LineSums* sums : {&all, &by_gene[single.gene]}) {
      *sums = {sums->n + 1, sums->x + x, sums->y + y, sums->xx + x * x, sums->xy + x * y};
    }
  }
  double nothing = 0, zero_error = 0, free_error = 0;
  for (size_t k = 0; k < singles.size(); ++k) {
    const LineSums others = all.Less(by_gene[singles[k].gene]);
    const auto error = [&, x = points[k].first, y = points[k].second](const LineSums::Line& line) {
      return std::pow(y - line.at_zero - line.slope * x, 2);
    };
    nothing += error({});
    zero_error += error(others.ThroughZero());
    free_error += error(others.Free());
  }
  if (std::min(zero_error, free_error) >= nothing) return torch::zeros_like(control);
  const LineSums::Line line = zero_error <= free_error ? all.ThroughZero() : all.Free();
  return torch::maximum(control * line.slope + line.at_zero, -control);
}

// What travels from a gene at reach 1, less its own change; [N].
Tensor Reached(const Single& single, const Tensor& own, const grn::Graph& graph,
               const std::vector<double>& weights) {
  std::vector<double> start(graph.nodes(), 0.0);
  std::vector<bool> perturbed(graph.nodes(), false);
  start[single.gene] = own[single.type][single.gene].item<double>();
  perturbed[single.gene] = true;
  std::vector<double> change =
      model::Propagate<double>(graph.indptr, graph.sources, weights, start, perturbed);
  change[single.gene] = 0;
  return torch::tensor(change, torch::kFloat64).narrow(0, 0, own.size(1));
}

// How far changes reach: 0 where leaving genes out shows nothing gained.
double DampingOf(const std::vector<Single>& singles, const std::vector<Tensor>& reached) {
  std::map<int64_t, std::pair<double, double>> products;  // by gene: with the residual, with itself
  double total_product = 0, total_square = 0, residual = 0;
  for (size_t k = 0; k < singles.size(); ++k) {
    const double product = torch::dot(reached[k], singles[k].residual.mean).item<double>();
    const double square = torch::dot(reached[k], reached[k]).item<double>();
    products[singles[k].gene].first += product;
    products[singles[k].gene].second += square;
    total_product += product;
    total_square += square;
    Tensor others = singles[k].residual.mean.clone();
    others[singles[k].gene] = 0.0;
    residual += others.square().sum().item<double>();
  }
  if (total_square <= 0 || total_product <= 0) return 0;
  double best = 0, gained = kSmallestGain * residual;
  for (const double share : {0.25, 0.5, 0.75, 1.0}) {
    double gain = 0;
    for (const auto& [gene, own] : products) {
      const double square = total_square - own.second;
      if (square <= 0) continue;
      const double reach = share * std::max(0.0, (total_product - own.first) / square);
      gain += 2 * reach * own.first - reach * reach * own.second;
    }
    if (gain <= gained) continue;
    gained = gain;
    best = share * total_product / total_square;
  }
  return best;
}

// [N]: the slope of one part of the residuals on their means, a gene's own drawn to that of all.
Tensor SlopeOnMean(const std::vector<Single>& singles, Tensor Response::*part) {
  std::vector<Tensor> x, y;
  for (const Single& single : singles) {
    x.push_back(single.residual.mean);
    y.push_back(single.residual.*part);
  }
  const Tensor mean = torch::stack(x), other = torch::stack(y);
  const Tensor squares = mean.square().sum(0), products = (mean * other).sum(0);
  const double all = (products.sum() / squares.sum().clamp_min(1e-12)).item<double>();
  const double weight = kSlopeConditions * mean.square().mean().item<double>();
  return (products + weight * all) / (squares + std::max(weight, 1e-12));
}

}  // namespace

std::optional<model::GrnResponse> EstimateGrnResponse(const TrainingData& data,
                                                      const ConditionMoments& moments,
                                                      const grn::Graph& graph) {
  const std::vector<Single> singles = SinglesOf(data, moments);
  if (DistinctGenes(singles) < kFewestGenes) return std::nullopt;
  std::vector<Tensor> means;
  for (int64_t type = 0; type < moments.cell_types(); ++type) {
    means.push_back(moments.control(static_cast<int32_t>(type)).mean);
  }
  const Tensor own = OwnChanges(singles, torch::stack(means));
  const std::vector<double> weights = EdgeWeights(data, moments, graph);
  std::vector<Tensor> reached;
  for (const Single& single : singles) reached.push_back(Reached(single, own, graph, weights));
  model::GrnResponse response;
  response.damping = DampingOf(singles, reached);
  if (response.damping <= 0) return std::nullopt;
  const double x_max = data.prepared().x_max;
  response.self_effect = torch::zeros({own.size(0), graph.nodes()}, torch::kFloat64);
  response.self_effect.narrow(1, 0, data.genes()).copy_(own / x_max);
  response.edge_weights = torch::tensor(weights, torch::kFloat64);
  response.log_variance = SlopeOnMean(singles, &Response::log_variance) * x_max;
  response.active_logit = SlopeOnMean(singles, &Response::active_logit) * x_max;
  return response;
}

}  // namespace unlasting::trainer
