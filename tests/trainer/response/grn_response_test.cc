#include "trainer/response/grn_response.h"

#include <algorithm>
#include <numeric>

#include "core/anndata/writer.h"
#include "core/cells/simulation.h"
#include "core/model/spec/expected_response.h"
#include "tests/support/files.h"
#include "trainer/response/edge_weights.h"

namespace unlasting::trainer {
namespace {

using torch::Tensor;

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

  // Genes of the file keep their order in `prepared_`. Signs and sizes of the edges are not told.
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

  // Of a held-out knockout: true change of the mean.
  std::map<int64_t, Tensor> HeldOut() const {
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
      return torch::tensor(means, torch::kFloat64);
    };
    std::map<int64_t, Tensor> changes;
    for (const auto& [gene, members] : rows) changes[gene] = mean(members) - mean(controls);
    return changes;
  }

  const test::TempFolder folder_;
  CsrMatrix planted_;
  cells::Prepared prepared_;
  TrainingData data_;
};

// core/model/torch/expected_response.h with a dense W, in log1p units.
Tensor Foreseen(const model::GrnResponse& response, const grn::Graph& graph, int64_t gene,
                double x_max) {
  const int64_t nodes = graph.nodes();
  Tensor w = torch::zeros({nodes, nodes}, torch::kFloat64);
  for (int64_t node = 0; node < nodes; ++node) {
    for (int64_t e = graph.indptr[node]; e < graph.indptr[node + 1]; ++e) {
      w[node][graph.sources[e]] = response.edge_weights[e];
    }
  }
  w[gene].zero_();
  Tensor own = torch::zeros({nodes}, torch::kFloat64);
  own[gene] = response.self_effect[0][gene];
  Tensor change = own;
  for (int hop = 0; hop < model::kPropagationHops; ++hop) change = own + torch::matmul(w, change);
  return x_max * (own + response.damping * (change - own));
}

TEST_F(GrnResponseTest, ForeseesKnockoutsThatTrainingNeverSaw) {
  Simulate(40);
  const grn::Graph graph = Planted();
  const auto response = EstimateGrnResponse(data_, ConditionMoments(data_), graph);
  ASSERT_TRUE(response.has_value());
  EXPECT_GT(response->damping, 0);
  double squares = 0, errors = 0, others = 0, errors_of_others = 0;
  const auto held_out = HeldOut();
  ASSERT_EQ(held_out.size(), 12u);
  for (const auto& [gene, truth] : held_out) {
    const Tensor error = Foreseen(*response, graph, gene, prepared_.x_max) - truth;
    const auto square = [gene = gene](const Tensor& of, bool itself) {
      const double own = of[gene].square().item<double>();
      return itself ? own : of.square().sum().item<double>() - own;
    };
    squares += square(truth, true);
    errors += square(error, true);
    others += square(truth, false);
    errors_of_others += square(error, false);
  }
  EXPECT_LT(errors, 0.25 * squares) << "of the knocked-out genes";
  EXPECT_LT(errors_of_others, 0.75 * others) << "of what they reach";
}

TEST_F(GrnResponseTest, ANetworkThatForeseesNothingIsNotFollowed) {
  Simulate(40);
  std::vector<int32_t> names(planted_.rows);
  std::iota(names.begin(), names.end(), 0);
  std::rotate(names.begin(), names.begin() + 17, names.end());
  EXPECT_FALSE(EstimateGrnResponse(data_, ConditionMoments(data_), Graph(names)).has_value());
  EXPECT_FALSE(
      EstimateGrnResponse(data_, ConditionMoments(data_), grn::BuildGraph(data_.nodes(), {}, 0))
          .has_value());
}

TEST_F(GrnResponseTest, FewKnockoutsSayNothingOfOthers) {
  Simulate(10);
  EXPECT_FALSE(EstimateGrnResponse(data_, ConditionMoments(data_), Planted()).has_value());
}

TEST_F(GrnResponseTest, EdgesHaveTheSignsOfThePlantedOnes) {
  Simulate(40);
  const grn::Graph graph = Planted();
  const std::vector<double> weights = EdgeWeights(data_, ConditionMoments(data_), graph);
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
  EXPECT_GT(agree, 0.85 * static_cast<double>(edges)) << agree << " of " << edges;
}

}  // namespace
}  // namespace unlasting::trainer
