// Random networks and rows for the tests of CudaNetwork, which compare it with CpuNetwork.
#pragma once

#include <cmath>
#include <functional>
#include <random>
#include <string>

#include "core/base/counter_rng.h"
#include "core/diffusion/solver.h"
#include "core/model/cuda/cuda_network.h"
#include "gtest/gtest.h"
#include "tests/support/random_weights.h"

namespace unlasting::model {

using cpu::CpuNetwork;
using cpu::Molecule;
using cpu::NetworkRow;
using cuda::Cell;
using cuda::CellStep;
using cuda::Context;
using cuda::CudaNetwork;
using cuda::CudaOptions;
using cuda::Precision;
using test::MakeRandomGraph;
using test::RandomGraph;
using test::RandomWeights;

class CudaNetworkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (cuda::DeviceCount() == 0) GTEST_SKIP() << "no CUDA device";
    context_ = std::make_shared<Context>(0);
  }
  std::shared_ptr<Context> context_;
};

inline ModelConfig Config(int64_t genes, int64_t extra) {
  ModelConfig config;
  config.genes = genes;
  config.nodes = genes + extra;
  config.cell_types = 3;
  config.molecule_features = 5;
  config.dim = 20;
  config.hidden = 40;
  return config;
}

// Rows of every kind: source model, knockouts, molecules; several times and cell types.
struct Rows {
  Rows(const ModelConfig& config, int64_t count, bool controls = false) : genes(config.genes) {
    std::mt19937_64 random(6);
    std::normal_distribution<float> normal;
    std::uniform_real_distribution<float> uniform(0.0f, 1.0f);
    x_t.resize(count * genes);
    control.resize(count * genes);
    out.resize(count * genes);
    features.resize(count * config.molecule_features);
    for (float& value : x_t) value = normal(random);
    for (float& value : control) value = uniform(random);
    for (float& value : features) value = uniform(random);
    knockouts.resize(count);
    molecules.resize(count);
    for (int64_t k = 0; k < count; ++k) {
      NetworkRow<float> row;
      row.x_t = x_t.data() + k * genes;
      row.time = static_cast<int32_t>((k * 131) % config.times);
      row.cell_type = static_cast<int32_t>(k % config.cell_types);
      row.out = out.data() + k * genes;
      if (controls || k % 3 > 0) row.control = control.data() + k * genes;
      if (k % 3 == 1) {
        knockouts[k] = {static_cast<int32_t>(k % config.nodes),
                        static_cast<int32_t>(config.nodes - 1)};
      }
      if (k % 3 == 2 && config.molecule_features > 0) {
        molecules[k].features = absl::MakeConstSpan(features).subspan(k * config.molecule_features,
                                                                      config.molecule_features);
        molecules[k].log10_dose_um = 0.1f * static_cast<float>(k) - 1.0f;
        molecules[k].key = std::to_string(k);
        row.molecule = &molecules[k];
      }
      row.knockout = knockouts[k];
      rows.push_back(row);
    }
  }
  std::vector<float> RunThrough(CpuNetwork<float>* network) {
    network->Run(rows);
    return out;
  }
  std::vector<float> RunThrough(CudaNetwork* network) {
    std::fill(out.begin(), out.end(), NAN);
    network->Run(rows);
    return out;
  }

  int64_t genes;
  std::vector<float> x_t, control, out, features;
  std::vector<std::vector<int32_t>> knockouts;
  std::vector<Molecule<float>> molecules;
  std::vector<NetworkRow<float>> rows;
};

// Largest difference, in units of the largest value where that is above 1.
inline double Distance(const std::vector<float>& expected, const std::vector<float>& found) {
  double scale = 1, largest = 0;
  for (size_t k = 0; k < expected.size(); ++k) {
    scale = std::max(scale, std::abs(static_cast<double>(expected[k])));
    const double difference = std::abs(static_cast<double>(expected[k]) - found[k]);
    if (!(difference <= largest)) largest = difference;  // NaN stays
  }
  return largest / scale;
}

// float32 differs by the order of sums; TF32 keeps 11 bits of each factor, bfloat16 8.
inline constexpr std::pair<Precision, double> kTolerances[] = {
    {Precision::kFloat32, 2e-5}, {Precision::kTf32, 2e-2}, {Precision::kBf16, 6e-2}};

inline void ExpectParity(const std::shared_ptr<Context>& context, const ModelConfig& config,
                         const RandomGraph& graph, const std::string& what) {
  for (const NetworkKind kind : {NetworkKind::kDenoiser, NetworkKind::kMask}) {
    const bool denoiser = kind == NetworkKind::kDenoiser;
    const NetworkWeights<float> arrays = RandomWeights(kind, config, graph, 7);
    Rows rows(config, 7, /*controls=*/!denoiser);
    CpuNetwork<float> fused(denoiser, config, arrays, 1);
    const std::vector<float> expected = rows.RunThrough(&fused);
    for (const auto& [precision, tolerance] : kTolerances) {
      CudaOptions options;
      options.precision = precision;
      CudaNetwork network(denoiser, config, arrays, context, options);
      const std::vector<float> found = rows.RunThrough(&network);
      EXPECT_LT(Distance(expected, found), tolerance)
          << what << (denoiser ? ", denoiser" : ", mask") << ", precision "
          << static_cast<int>(precision);
      EXPECT_EQ(found, rows.RunThrough(&network)) << what << ": equal calls give equal bits";
    }
  }
}

}  // namespace unlasting::model
