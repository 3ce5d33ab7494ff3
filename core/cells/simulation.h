// Simulate makes cells whose truth is known, for tests and benchmarks at any scale: a planted gene
// network, effects that propagate along it, and for each perturbed cell the cell it would have been
// without the perturbation.
//
// A gene's log rate is a base of its cell type plus a deviation: its own noise, a share of the
// cell's program, and weighted deviations of its regulators. A knockout pins a regulator's
// deviation low, a molecule shifts those of its targets by strength * dose / (dose + EC50), and
// what depends on them follows. Only responders respond: cells whose program is high enough, so
// that the response of a gene has two modes and can be foreseen from the unperturbed cell. Counts
// are Poisson draws at a log-normal library size, thinned by dropout of weak genes; the unperturbed
// twin shares every random number with its cell.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "core/anndata/anndata.h"

namespace unlasting::cells {

struct SimulationOptions {
  int64_t cells = 5000;
  int64_t genes = 500;
  int64_t perturbations = 20;  // knockouts of single genes
  int64_t doubles = 0;         // knockouts of pairs of those genes
  int64_t molecules = 0;       // drugs, each at every one of `doses_um`
  std::vector<double> doses_um = {0.1, 1, 10};
  int64_t cell_types = 1;
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

// X: counts (CSR); layers `unperturbed`: counts of each cell had nothing been done to it, and with
// `expected` also `expected` and `expected_unperturbed`: log1p of the expected counts. obs:
// condition, cell_type, SMILES, dose_val, dose_unit (with molecules), responder, program,
// library_size. varp `network`: weights, row = target, column = regulator. varm `effects`: change
// of each gene's log rate in a responder, per condition in the order of uns simulation/conditions.
// A function of the options alone, `threads` left out. INVALID_ARGUMENT names the option at fault.
absl::StatusOr<anndata::AnnData> Simulate(
    const SimulationOptions& options,
    const std::function<void(int64_t done, int64_t total)>& progress = nullptr);

}  // namespace unlasting::cells
