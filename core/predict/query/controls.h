// ResolveControls brings the control cells of a request to one bundle: its genes in its order, its
// cell types, its normalisation. PanelControls takes the bundle's own control cells instead.
//
// Each error carries a reason (core/base/status.h): INVALID_SHAPE, INVALID_OPTION, MISSING_GENES,
// UNKNOWN_CELL_TYPE, KNOWN_CELL_TYPE, TOO_FEW_CELLS, UNKNOWN_GENE_LIST, NO_CELLS, SCALE_MISMATCH.
// Stateless; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/matrix.h"
#include "core/bundle/bundle.h"
#include "core/cells/control_matrix.h"
#include "core/model/spec/new_context.h"

namespace unlasting::predict {

// Control cells as a bundle sees them. Sparse until a job makes its one dense copy, in model units.
struct ControlSet {
  CsrMatrix values;  // [cells, N], log1p, in the bundle's gene order
  // Per cell, an index into Manifest.cell_types, or their number for a cell of `new_context`.
  std::vector<int32_t> cell_type;
  std::shared_ptr<const model::NewContext> new_context;  // null where there is none
  std::vector<std::string> barcodes;                     // per cell
  // Per cell, counts over all measured genes; empty where they are not known, as of log1p values.
  std::vector<double> library_size;
  std::vector<std::string> missing_genes;  // that the caller's cells lack; filled in by policy
  int64_t ignored_genes = 0;               // the caller's columns that the bundle does not know
  std::vector<std::string> notes;          // in words, for the caller
};

// The name of a cell type of `controls`, by its index.
const std::string& CellTypeName(const bundle::Bundle& bundle, const ControlSet& controls,
                                int32_t cell_type);

// `controls` has passed the checks of core/cells/control_matrix.h: its shapes and values are not
// looked at again. Genes are matched by name, then by symbol, never by position, unless a gene list
// hash says that the columns are the bundle's. Counts become log1p of counts / library size *
// target_sum; a cell's library size is the sum over all its columns where none is given, those
// included that the bundle does not know. Log1p values of another target sum are rescaled where
// that is known, with a note, and refused where they plainly do not fit (control_scale.h).
absl::StatusOr<ControlSet> ResolveControls(const bundle::Bundle& bundle,
                                           const cells::ControlMatrix& controls);

// `count` cells of the bundle's own panel (0: all of the type), drawn without replacement by seed.
absl::StatusOr<ControlSet> PanelControls(const bundle::Bundle& bundle, const std::string& cell_type,
                                         int64_t count, uint64_t seed);

}  // namespace unlasting::predict
