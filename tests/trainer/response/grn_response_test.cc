#include "trainer/response/grn_response.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "core/anndata/writer.h"
#include "core/cells/simulation.h"
#include "core/model/spec/expected_response.h"
#include "tests/support/files.h"
#include "trainer/response/edge_weights.h"

namespace unlasting::trainer {
namespace {

// Simulated knockouts, three in ten of them held out, and the network that was planted.
class GrnResponseTest : public testing::Test {
 protected:
  void Simulate(int64_t perturbations) {
    cells::SimulationOptions options;
    options.cells = 3000;
    options.genes = 60;
    options.perturbations = perturbations;
    options.density = 0.6;
    options.dropout = 0.05;
    options.seed = 5;
    auto simulated = cells::Simulate(options);
    ASSERT_OK(simulated);
    planted_ = std::get<CsrMatrix>(simulated->varp.at("network"));
    ASSERT_OK(anndata::WriteAnnData(*simulated, folder_.At("cells.h5ad"), {}));
    cells::PreprocessOptions preprocess;
    preprocess.genes = 0;
    preprocess.split.kind = "conditions";
    auto prepared = cells::PreprocessFile(folder_.At("cells.h5ad"), {}, preprocess);
    ASSERT_OK(prepared);
    prepared_ = *std::move(prepared);
    auto data = TrainingData::Create(prepared_);
    ASSERT_OK(data);
    data_ = *std::move(data);
  }

  // Genes of the file keep their order in `prepared_`. The graph has neither signs nor sizes.
  grn::Graph Graph(const std::vector<int32_t>& names) const {
    std::vector<grn::Edge> edges;
    for (int32_t target = 0; target < planted_.rows; ++target) {
      for (const int32_t source : planted_.RowIndices(target)) {
        edges.push_back({names[source], names[target]});
      }
    }
    return grn::BuildGraph(data_.nodes(), edges, 0);
  }
  grn::Graph Planted() const {
    std::vector<int32_t> names(planted_.rows);
    std::iota(names.begin(), names.end(), 0);
    return Graph(names);
  }

  // By held-out knocked-out gene: the true change of the mean, log1p.
  std::map<int64_t, GeneValues> HeldOut() const {
    const cells::Dataset& cells = prepared_.data;
    std::map<int64_t, std::vector<int64_t>> rows;
    std::vector<int64_t> controls;
    for (int64_t cell = 0; cell < cells.n_cells(); ++cell) {
      const cells::Condition& condition = cells.conditions[cells.condition[cell]];
      if (condition.control) controls.push_back(cell);
      if (prepared_.split.test[cell]) rows[prepared_.NodeOf(condition.genes[0])].push_back(cell);
    }
    const auto mean = [&](const std::vector<int64_t>& of) {
      std::vector<double> means, deviations;
      cells::MeanAndDeviation(cells.values, of, &means, &deviations);
      return GeneValues(means.data(), means.size());
    };
    std::map<int64_t, GeneValues> changes;
    for (const auto& [gene, members] : rows) changes[gene] = mean(members) - mean(controls);
    return changes;
  }

  const test::TempFolder folder_;
  CsrMatrix planted_;
  cells::Prepared prepared_;
  TrainingData data_;
};

// The predicted change of a knockout, [N], log1p: the propagation of
// core/model/torch/expected_response.h, with a dense W.
GeneValues Predicted(const GrnResponseEstimate& response, const grn::Graph& graph, int64_t gene) {
  const auto nodes = static_cast<size_t>(graph.nodes());
  std::vector<GeneValues> w(nodes, GeneValues(0.0, nodes));
  for (size_t node = 0; node < nodes; ++node) {
    if (static_cast<int64_t>(node) == gene) continue;
    for (int64_t e = graph.indptr[node]; e < graph.indptr[node + 1]; ++e) {
      w[node][graph.sources[e]] = response.edge_weights[e];
    }
  }
  GeneValues start(0.0, nodes);
  start[gene] = response.self_effect[0][gene];
  GeneValues change = start;
  for (int hop = 0; hop < model::kPropagationHops; ++hop) {
    GeneValues next = start;
    for (size_t node = 0; node < nodes; ++node) next[node] += GeneValues(w[node] * change).sum();
    change = next;
  }
  const GeneValues damped = start + response.damping * (change - start);
  return damped[std::slice(0, response.self_effect[0].size(), 1)];
}

double SquaresOf(const GeneValues& values) { return GeneValues(values * values).sum(); }

TEST_F(GrnResponseTest, PredictsKnockoutsThatTrainingNeverSaw) {
  Simulate(40);
  const grn::Graph graph = Planted();
  const auto response = EstimateGrnResponse(data_, ConditionMoments(data_), graph);
  ASSERT_TRUE(response.has_value());
  EXPECT_GT(response->damping, 0);
  double itself = 0, error_of_itself = 0, others = 0, error_of_others = 0;
  const auto held_out = HeldOut();
  ASSERT_EQ(held_out.size(), 12u);
  for (const auto& [gene, truth] : held_out) {
    const GeneValues error = Predicted(*response, graph, gene) - truth;
    itself += truth[gene] * truth[gene];
    error_of_itself += error[gene] * error[gene];
    others += SquaresOf(truth) - truth[gene] * truth[gene];
    error_of_others += SquaresOf(error) - error[gene] * error[gene];
  }
  EXPECT_LT(error_of_itself, 0.25 * itself) << "of the knocked-out genes";
  EXPECT_LT(error_of_others, 0.75 * others) << "of all other genes";
}

TEST_F(GrnResponseTest, AGeneNetworkThatPredictsNothingIsNotUsed) {
  Simulate(40);
  std::vector<int32_t> names(planted_.rows);
  std::iota(names.begin(), names.end(), 0);
  std::rotate(names.begin(), names.begin() + 17, names.end());
  EXPECT_FALSE(EstimateGrnResponse(data_, ConditionMoments(data_), Graph(names)).has_value());
  EXPECT_FALSE(
      EstimateGrnResponse(data_, ConditionMoments(data_), grn::BuildGraph(data_.nodes(), {}, 0))
          .has_value());
}

TEST_F(GrnResponseTest, TooFewKnockoutsGiveNoEstimate) {
  Simulate(10);
  EXPECT_FALSE(EstimateGrnResponse(data_, ConditionMoments(data_), Planted()).has_value());
}

TEST_F(GrnResponseTest, EdgeWeightsDoNotDependOnTheThreads) {
  Simulate(40);
  const grn::Graph graph = Planted();
  const ConditionMoments moments(data_);
  const std::vector<double> weights = EstimateEdgeWeights(data_, moments, graph, 1);
  ASSERT_EQ(weights.size(), static_cast<size_t>(graph.edges()));
  EXPECT_EQ(weights, EstimateEdgeWeights(data_, moments, graph, 3));
}

TEST_F(GrnResponseTest, EdgeWeightsHaveTheSignsOfThePlantedOnes) {
  Simulate(40);
  const grn::Graph graph = Planted();
  const std::vector<double> weights = EstimateEdgeWeights(data_, ConditionMoments(data_), graph);
  int64_t edges = 0, agree = 0;
  for (int64_t target = 0; target < planted_.rows; ++target) {
    const auto sources = planted_.RowIndices(target);
    const auto truth = planted_.RowValues(target);
    for (int64_t e = graph.indptr[target]; e < graph.indptr[target + 1]; ++e) {
      const auto found = std::find(sources.begin(), sources.end(), graph.sources[e]);
      if (found == sources.end()) {
        EXPECT_EQ(weights[e], 0) << "a self-loop";
        continue;
      }
      ++edges;
      agree += (weights[e] > 0) == (truth[found - sources.begin()] > 0) ? 1 : 0;
    }
  }
  ASSERT_GT(edges, 0);
  EXPECT_GT(agree, 0.85 * static_cast<double>(edges)) << agree << " of " << edges;
}

}  // namespace
}  // namespace unlasting::trainer
