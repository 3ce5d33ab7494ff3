#include "trainer/response/grn_response.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "core/model/spec/propagation.h"
#include "trainer/response/edge_weights.h"

namespace unlasting::trainer {
namespace {

// Fewer perturbed genes than this do not tell how effects propagate.
constexpr size_t kMinGenes = 8;
// Share of the squared residuals of left-out genes that the gene network must explain to be used.
constexpr double kSmallestGain = 0.01;
// A gene's slope of variance or share is shrunk towards that of all genes, as if this many more
// conditions had the latter.
constexpr double kSlopeConditions = 2;
constexpr double kSmallestSquares = 1e-12;

// A gene perturbed alone, in one cell type: its response minus the mean response of the others.
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
    // Minus the mean of the others is n / (n - 1) times minus the mean of all.
    single.residual -= mean[single.type];
    single.residual *= count / (count - 1);
    measured.push_back(std::move(single));
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

double Dot(const GeneValues& a, const GeneValues& b) {
  return std::inner_product(std::begin(a), std::end(a), std::begin(b), 0.0);
}

// By cell type: how a gene changes when it is itself perturbed, as a line over its control mean;
// through zero (a knockout takes a share away) or free, whichever predicts left-out genes better.
std::vector<GeneValues> SelfEffects(const std::vector<Single>& singles,
                                    const ConditionMoments& moments) {
  LineSums all;
  std::map<int64_t, LineSums> by_gene;
  std::vector<std::pair<double, double>> points;
  for (const Single& single : singles) {
    const double x = moments.control(static_cast<int32_t>(single.type)).mean[single.gene];
    const double y = single.residual.mean[single.gene];
    points.emplace_back(x, y);
    for (LineSums* sums : {&all, &by_gene[single.gene]}) {
      *sums = {sums->n + 1, sums->x + x, sums->y + y, sums->xx + x * x, sums->xy + x * y};
    }
  }
  double no_effect_error = 0, zero_error = 0, free_error = 0;
  for (size_t k = 0; k < singles.size(); ++k) {
    const LineSums others = all.Less(by_gene[singles[k].gene]);
    const auto error = [&, x = points[k].first, y = points[k].second](const LineSums::Line& line) {
      return std::pow(y - line.at_zero - line.slope * x, 2);
    };
    no_effect_error += error({});
    zero_error += error(others.ThroughZero());
    free_error += error(others.Free());
  }
  LineSums::Line line;
  if (std::min(zero_error, free_error) < no_effect_error) {
    line = zero_error <= free_error ? all.ThroughZero() : all.Free();
  }
  std::vector<GeneValues> effects;
  for (int64_t type = 0; type < moments.cell_types(); ++type) {
    GeneValues effect = moments.control(static_cast<int32_t>(type)).mean;
    // A gene cannot lose more than it has.
    for (double& x : effect) x = std::max(line.at_zero + line.slope * x, -x);
    effects.push_back(std::move(effect));
  }
  return effects;
}

// [N]: the effect of a perturbed gene on all others at damping 1; 0 for the gene itself.
GeneValues EffectOnOthers(const Single& single, double self_effect, int64_t genes,
                          const grn::Graph& graph, const std::vector<double>& weights) {
  std::vector<double> start(graph.nodes(), 0.0);
  std::vector<bool> perturbed(graph.nodes(), false);
  start[single.gene] = self_effect;
  perturbed[single.gene] = true;
  std::vector<double> change =
      model::Propagate<double>(graph.indptr, graph.sources, weights, start, perturbed);
  change[single.gene] = 0;
  return {change.data(), static_cast<size_t>(genes)};
}

// The damping with which left-out genes are predicted best; 0 where none predicts them better than
// no propagation does.
double DampingOf(const std::vector<Single>& singles, const std::vector<GeneValues>& effects) {
  struct Products {
    double with_residual = 0, with_itself = 0;
  };
  std::map<int64_t, Products> by_gene;
  Products total;
  double residual_squares = 0;
  for (size_t k = 0; k < singles.size(); ++k) {
    const GeneValues& residual = singles[k].residual.mean;
    const Products products = {Dot(effects[k], residual), Dot(effects[k], effects[k])};
    for (Products* sums : {&total, &by_gene[singles[k].gene]}) {
      sums->with_residual += products.with_residual;
      sums->with_itself += products.with_itself;
    }
    const double itself = residual[singles[k].gene];
    residual_squares += Dot(residual, residual) - itself * itself;
  }
  if (total.with_itself <= 0 || total.with_residual <= 0) return 0;
  double best = 0, best_gain = kSmallestGain * residual_squares;
  for (const double share : {0.25, 0.5, 0.75, 1.0}) {
    double gain = 0;
    for (const auto& [gene, left_out] : by_gene) {
      const double square = total.with_itself - left_out.with_itself;
      if (square <= 0) continue;
      const double damping =
          share * std::max(0.0, (total.with_residual - left_out.with_residual) / square);
      gain += 2 * damping * left_out.with_residual - damping * damping * left_out.with_itself;
    }
    if (gain <= best_gain) continue;
    best_gain = gain;
    best = share * total.with_residual / total.with_itself;
  }
  return best;
}

// [N]: the slope of one part of the residuals on their means, shrunk towards that of all genes.
GeneValues SlopeOnMean(const std::vector<Single>& singles, GeneValues Response::*part) {
  const size_t genes = singles.front().residual.mean.size();
  GeneValues squares(0.0, genes), products(0.0, genes);
  for (const Single& single : singles) {
    squares += single.residual.mean * single.residual.mean;
    products += single.residual.mean * single.residual.*part;
  }
  const double all = products.sum() / std::max(squares.sum(), kSmallestSquares);
  const double mean_square = squares.sum() / static_cast<double>(singles.size() * genes);
  const double weight = kSlopeConditions * mean_square;
  return (products + weight * all) / (squares + std::max(weight, kSmallestSquares));
}

}  // namespace

std::optional<GrnResponseEstimate> EstimateGrnResponse(const TrainingData& data,
                                                       const ConditionMoments& moments,
                                                       const grn::Graph& graph, int threads) {
  const std::vector<Single> singles = SinglesOf(data, moments);
  if (DistinctGenes(singles) < kMinGenes) return std::nullopt;
  GrnResponseEstimate estimate;
  estimate.self_effect = SelfEffects(singles, moments);
  estimate.edge_weights = EstimateEdgeWeights(data, moments, graph, threads);
  std::vector<GeneValues> effects;
  for (const Single& single : singles) {
    effects.push_back(EffectOnOthers(single, estimate.self_effect[single.type][single.gene],
                                     data.genes(), graph, estimate.edge_weights));
  }
  estimate.damping = DampingOf(singles, effects);
  if (estimate.damping <= 0) return std::nullopt;
  estimate.log_variance = SlopeOnMean(singles, &Response::log_variance);
  estimate.active_logit = SlopeOnMean(singles, &Response::active_logit);
  return estimate;
}

}  // namespace unlasting::trainer
