// ControlMatrix holds control cells as a caller gives them, between the bytes of a file or a
// message and the genes of a model; client, server and predict share the one form and the one
// checker.
//
//   cells::ControlMatrix controls = ...;                     // names, kind, policy
//   cells::CheckGenes(controls.genes, &faults);              // once
//   cells::AppendCells(std::move(part), &controls, &faults);  // once for each part of the cells
//   if (faults.empty()) ...                                  // predict::ResolveControls takes it
//
// Nothing here knows a model: that genes and cell types are known is predict::ResolveControls's
// business. Plain values and pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/matrix.h"
#include "core/cells/dataset.h"

namespace unlasting::cells {

// What stands for a gene of the model that the control cells lack.
enum class MissingGenes {
  kError,
  kZero,
  kPanelMean,  // the mean over the bundle's own control cells of the cell's type
};

struct ControlMatrix {
  MatrixKind kind = MatrixKind::kLog1p;
  std::vector<std::string> genes;       // column names; empty where gene_list_hash stands for them
  std::string gene_list_hash;           // the columns are those of the model with this gene list
  CsrMatrix values;                     // [cells, columns]
  std::vector<std::string> cell_types;  // one per cell
  std::vector<std::string> barcodes;    // one per cell, or empty
  // Per cell, the counts over all genes measured; empty for log1p values, and where the sum over
  // the columns is meant.
  std::vector<double> library_sizes;
  MissingGenes missing_genes = MissingGenes::kError;
  // What the counts behind log1p values were normalised to; 0: not said. Never with counts.
  double target_sum = 0;
  // A cell type that the model may not know, of which all cells are whose type is this; "" for
  // none.
  std::string new_context;
  // The values are on the scale of the model, and nobody asks again: cells of its own training
  // file.
  bool on_model_scale = false;

  // Bytes held in memory, for budgets.
  int64_t Bytes() const;
};

// One thing that is wrong with control cells.
struct ControlFault {
  std::string field;    // as the API names it: genes, matrix, cell_types, cell_ids, library_sizes
  std::string reason;   // stable, in upper case: INVALID_VALUE, INVALID_SHAPE, DUPLICATE_GENE, ...
  std::string message;  // what was found and what was expected
};
using ControlFaults = std::vector<ControlFault>;

// Adds a fault where there is no name, or where a name occurs twice.
void CheckGenes(const std::vector<std::string>& genes, ControlFaults* faults);

// Checks the cells of `part` and appends them to `whole`, whose kind, names and policy hold for
// both (those of `part` are not read). `part` needs at least one cell, as many columns as `whole`
// has names or columns, a cell type per cell (none: all are of new_context), barcodes and library
// sizes for all cells or for none, in both; finite values of 0 or more that agree with the kind
// (core/cells/dataset.h); library sizes above 0, with counts only. Each violation is added to
// `faults`; `whole` is then unchanged.
void AppendCells(ControlMatrix part, ControlMatrix* whole, ControlFaults* faults);

// OK where there are no faults, else INVALID_ARGUMENT with the reason of the first and all messages
// in one line: what a program prints for a file.
absl::Status ToStatus(const ControlFaults& faults);

}  // namespace unlasting::cells
