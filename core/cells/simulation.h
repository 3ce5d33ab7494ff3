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
// twin shares every random number with its cell. Contexts are cell types along an axis of their
// control cells: with the place on it, edges and effects grow or shrink, so that how a context
// responds can be foreseen from its control cells and from its neighbours' responses.
#pragma once

#include <cstdint>
#include <functional>

#include "absl/status/statusor.h"
#include "core/anndata/anndata.h"
#include "core/cells/simulation_options.h"

namespace unlasting::cells {

// X: counts (CSR); layers `unperturbed`: counts of each cell had nothing been done to it, and with
// `expected` also `expected` and `expected_unperturbed`: log1p of the expected counts. obs:
// condition, cell_type, SMILES, dose_val, dose_unit (with molecules), responder, program,
// library_size. varp `network`: weights, row = target, column = regulator. varm `effects`: change
// of each gene's log rate in a responder, per condition in the order of uns simulation/conditions
// (of contexts: in the middle of the axis; uns simulation/places has theirs, by cell type).
// A function of the options alone, `threads` left out. INVALID_ARGUMENT names the option at fault.
absl::StatusOr<anndata::AnnData> Simulate(
    const SimulationOptions& options,
    const std::function<void(int64_t done, int64_t total)>& progress = nullptr);

}  // namespace unlasting::cells
