// SimulationModel holds the planted truth of a simulation (network, base rates, conditions) for
// simulation.cc; private to core/cells.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/counter_rng.h"
#include "core/base/matrix.h"
#include "core/cells/simulation_options.h"

namespace unlasting::cells {

// Random numbers as a function of where they are used: the same in any order and on any thread.
class CounterRng {
 public:
  CounterRng(uint64_t seed, uint64_t stream)
      : base_(diffusion::MixBits(seed * 0x9E3779B97F4A7C15u + stream)) {}
  uint64_t Bits(uint64_t a, uint64_t b = 0) const {
    return diffusion::MixBits(diffusion::MixBits(base_ + a) + b);
  }
  // In (0, 1).
  double Uniform(uint64_t a, uint64_t b = 0) const {
    return (static_cast<double>(Bits(a, b) >> 11) + 0.5) * 0x1p-53;
  }
  // Mean 0, deviation 1: the sum of four uniforms, within +-3.5.
  double Normal(uint64_t a, uint64_t b = 0) const;

 private:
  uint64_t base_;
};

// What one condition does to the deviations of some regulators.
struct SimulatedCondition {
  std::string name;
  std::vector<int32_t> knocked_out;
  std::vector<int32_t> targets;  // of a molecule
  double shift = 0;              // of the targets' deviations
  std::string smiles;
  double dose_um = 0;
  double slope = 0;  // how much stronger the effect is at place 1 of the contexts' axis, -1 to 1
};

struct SimulationModel {
  std::vector<std::string> genes;
  std::vector<int32_t> order;  // genes, regulators before what they regulate
  CsrMatrix network;           // [target, regulator] weights
  // By edge, how much of its weight the place of a context adds or takes; empty without contexts.
  std::vector<float> edge_slope;
  std::vector<double> place;           // [cell types], of contexts on their axis, -1 to 1; else 0
  std::vector<float> program_loading;  // [genes]
  DenseMatrix base;                    // [cell types, genes] log rates
  double library_size = 1;             // median counts of a cell
  std::vector<SimulatedCondition> conditions;  // the first is control

  // Deviations [genes] of a cell from its own noise [genes] (taken and returned in `deviation`),
  // with a condition's effect where `condition` is not null, at a place of the contexts' axis.
  void Propagate(const SimulatedCondition* condition, double place,
                 std::vector<float>* deviation) const;
};

// The options with as many cell types as there are contexts. INVALID_ARGUMENT where both are given.
absl::StatusOr<SimulationOptions> WithTypes(SimulationOptions options);

// Makes all but the library size, which stays 1.
absl::StatusOr<SimulationModel> MakeSimulationModel(const SimulationOptions& options);

}  // namespace unlasting::cells
