#include "tests/support/random_weights.h"

#include <cmath>

#include "core/diffusion/schedule.h"

namespace unlasting::test {

using model::NetworkKind;
using model::NetworkWeights;

RandomGraph MakeRandomGraph(int64_t nodes, const std::function<int64_t(int64_t)>& degree) {
  std::mt19937_64 random(11);
  RandomGraph graph;
  for (int64_t i = 0; i < nodes; ++i) {
    for (int64_t k = 0; k < degree(i); ++k) {
      graph.sources.push_back(static_cast<int32_t>(random() % nodes));
    }
    graph.indptr.push_back(static_cast<int64_t>(graph.sources.size()));
  }
  return graph;
}

void AddRandom(const std::string& name, const std::vector<int64_t>& shape, float centre,
               float spread, std::mt19937_64* random, NetworkWeights<float>* weights) {
  int64_t count = 1;
  for (const int64_t length : shape) count *= length;
  std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
  weights->shapes[name] = shape;
  AlignedVector<float>& values = weights->values[name];
  values.resize(count);
  for (float& value : values) value = centre + spread * uniform(*random);
}

void AddIndices(const std::string& name, const std::vector<int64_t>& indices,
                NetworkWeights<float>* weights) {
  weights->shapes[name] = {static_cast<int64_t>(indices.size())};
  weights->indices[name] = indices;
}

NetworkWeights<float> RandomParameters(NetworkKind kind, const model::ModelConfig& config,
                                       std::mt19937_64* random) {
  NetworkWeights<float> weights;
  for (const auto& spec : model::ParameterSpecs(kind, config)) {
    // Weights that start at zero or one are moved from there too.
    AddRandom(spec.name, spec.shape, std::isnan(spec.bound) ? 1.0f : 0.0f,
              spec.bound > 0 ? static_cast<float>(spec.bound) : 0.1f, random, &weights);
  }
  if (kind == NetworkKind::kMask) return weights;
  const diffusion::Schedule schedule;
  weights.shapes["alpha_bar"] = {schedule.steps()};
  for (int t = 0; t < schedule.steps(); ++t) {
    weights.values["alpha_bar"].push_back(static_cast<float>(schedule.alpha_bar(t)));
  }
  weights.shapes["frequency"] = {model::kFrequencies};
  for (int64_t k = 0; k < model::kFrequencies; ++k) {
    weights.values["frequency"].push_back(static_cast<float>(
        std::pow(10000.0, -static_cast<double>(k) / static_cast<double>(model::kFrequencies))));
  }
  return weights;
}

NetworkWeights<float> RandomWeights(NetworkKind kind, const model::ModelConfig& config,
                                    const RandomGraph& graph, uint64_t seed) {
  std::mt19937_64 random(seed);
  NetworkWeights<float> weights = RandomParameters(kind, config, &random);
  const auto draw = [&](const char* name, const std::vector<int64_t>& shape, float centre,
                        float spread) {
    AddRandom(name, shape, centre, spread, &random, &weights);
  };
  const bool mask = kind == NetworkKind::kMask;
  const std::vector<int64_t> by_type = {config.cell_types, config.genes};
  draw("prior_mean", by_type, 0.5f, 0.5f);
  draw("prior_variance", by_type, 0.15f, 0.1f);
  for (float& value : weights.values["prior_variance"]) value *= value;
  if (mask) draw("active_logit", by_type, 0.0f, 2.0f);
  weights.edge_indptr = graph.indptr;
  weights.edge_source = graph.sources;
  if (!config.expected_response) return weights;
  // Two genes, their mean and three entries of two drugs, of full rank.
  const int64_t drugs = config.molecule_features > 0 ? 2 : 0, parts = mask ? 1 : 2;
  AddIndices("response_nodes", {1, config.nodes - 1}, &weights);
  AddIndices("response_drug", drugs > 0 ? std::vector<int64_t>{0, 1, 1} : std::vector<int64_t>(),
             &weights);
  const int64_t entries = drugs > 0 ? 6 : 3, rank = config.cell_types * entries;
  draw("response_dose", {entries - 3}, 0.0f, 1.0f);
  draw("response_drugs", {config.molecule_features, drugs}, 0.0f, 0.7f);
  draw("response_coefficients", {rank, rank}, 0.0f, 0.3f);
  draw("response_basis", {rank, parts * config.genes}, 0.0f, 0.3f);
  if (!mask && config.trained_from_control) {
    draw("response_met_coefficients", {rank, 2}, 0.0f, 0.3f);
    draw("response_met_basis", {2, config.genes}, 0.0f, 0.3f);
  }
  draw("response_self_effect", {config.cell_types, config.nodes}, 0.0f, 0.2f);
  draw("response_of_untrained", {config.nodes}, 1.0f, 0.0f);
  for (const int64_t node : weights.indices["response_nodes"]) {
    weights.values["response_of_untrained"][node] = 0.0f;
  }
  draw("response_edge_weights", {static_cast<int64_t>(graph.sources.size())}, 0.0f, 0.5f);
  draw("response_damping", {1}, 0.0f, 1.0f);
  draw("response_gain", {parts, config.genes}, 0.0f, 1.0f);
  return weights;
}

}  // namespace unlasting::test
