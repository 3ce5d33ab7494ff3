// SimulationOptions says for Simulate (simulation.h) what to simulate: how many cells of what, how
// they respond and how noisy their counts are.
#pragma once

#include <cstdint>
#include <vector>

namespace unlasting::cells {

struct SimulationOptions {
  int64_t cells = 5000;
  int64_t genes = 500;
  int64_t perturbations = 20;  // knockouts of single genes
  int64_t doubles = 0;         // knockouts of pairs of those genes
  int64_t molecules = 0;       // drugs, each at every one of `doses_um`
  std::vector<double> doses_um = {0.1, 1, 10};
  int64_t cell_types = 1;
  // Above 0: as many cell types, which lie along an axis of their control cells; with the place on
  // it regulation and the strength of each condition's effect change. In place of `cell_types`.
  int64_t contexts = 0;
  double control_share = 0.25;   // of the cells
  double response_share = 0.7;   // of perturbed cells that respond; 1: all
  double density = 0.2;          // share of entries above 0, before effects and dropout
  double dropout = 0.1;          // largest probability that a weak gene's count is lost
  double library_spread = 0.35;  // standard deviation of the log of the library size
  int64_t in_degree = 2;         // most regulators of a gene
  bool expected = false;         // also the noise-free profiles, as dense layers
  uint64_t seed = 0;
  int threads = 1;
};

}  // namespace unlasting::cells
