#include "tests/support/random_arrays.h"

#include <cmath>
#include <random>

#include "core/diffusion/schedule.h"

namespace unlasting::test {

using model::NetworkKind;
using model::cpu::AlignedVector;

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

model::cpu::Arrays<float> RandomArrays(NetworkKind kind, const model::ModelConfig& config,
                                       const RandomGraph& graph, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<float> uniform(0.0f, 1.0f);
  model::cpu::Arrays<float> arrays;
  for (const auto& spec : model::ParameterSpecs(kind, config)) {
    int64_t count = 1;
    for (const int64_t length : spec.shape) count *= length;
    AlignedVector<float>& values = arrays.values[spec.name];
    values.resize(count);
    const float centre = std::isnan(spec.bound) ? 1.0f : 0.0f;
    // Weights that start at zero or one are moved from there too.
    const float reach = spec.bound > 0 ? static_cast<float>(spec.bound) : 0.1f;
    for (float& value : values) value = centre + reach * (2.0f * uniform(random) - 1.0f);
  }
  const auto profile = [&](const char* name, const auto& make) {
    AlignedVector<float>& values = arrays.values[name];
    values.resize(config.cell_types * config.genes);
    for (float& value : values) value = make();
  };
  profile("prior_mean", [&] { return uniform(random); });
  profile("prior_variance", [&] {
    const float deviation = 0.2f * uniform(random) + 0.05f;
    return deviation * deviation;
  });
  if (config.expected_response) {
    // Two genes, their mean and three entries of two drugs, of full rank.
    const int64_t drugs = config.molecule_features > 0 ? 2 : 0;
    arrays.indices["response_nodes"] = {1, config.nodes - 1};
    arrays.indices["response_drug"] = {};
    if (drugs > 0) arrays.indices["response_drug"] = {0, 1, 1};
    const auto entries = static_cast<int64_t>(3 + arrays.indices["response_drug"].size());
    const int64_t rank = config.cell_types * entries;
    const int64_t columns = kind == NetworkKind::kMask ? config.genes : 2 * config.genes;
    const auto draw = [&](const char* name, int64_t count, float size) {
      arrays.values[name].resize(count);
      for (float& value : arrays.values[name]) value = size * (2.0f * uniform(random) - 1.0f);
    };
    draw("response_dose", entries - 3, 1.0f);
    draw("response_drugs", config.molecule_features * drugs, 0.7f);
    draw("response_coefficients", rank * rank, 0.3f);
    draw("response_basis", rank * columns, 0.3f);
    draw("response_self_effect", config.cell_types * config.nodes, 0.2f);
    draw("response_edge_weights", static_cast<int64_t>(graph.sources.size()), 0.5f);
    draw("response_damping", 1, 1.0f);
    draw("response_gain", columns, 1.0f);
  }
  arrays.edge_indptr = graph.indptr;
  arrays.edge_source = graph.sources;
  if (kind == NetworkKind::kMask) {
    profile("active_logit", [&] { return 4.0f * uniform(random) - 2.0f; });
    return arrays;
  }
  const diffusion::Schedule schedule;
  for (int t = 0; t < schedule.steps(); ++t) {
    arrays.values["alpha_bar"].push_back(static_cast<float>(schedule.alpha_bar(t)));
  }
  for (int64_t k = 0; k < model::kFrequencies; ++k) {
    arrays.values["frequency"].push_back(static_cast<float>(
        std::pow(10000.0, -static_cast<double>(k) / static_cast<double>(model::kFrequencies))));
  }
  return arrays;
}

}  // namespace unlasting::test
