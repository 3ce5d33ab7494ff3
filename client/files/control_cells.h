// ReadControlCells reads the control cells that a caller selects from an .h5ad file, as the
// cells::ControlMatrix that a request or an upload is encoded from (proto/codec/control_codec.h).
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "core/cells/control_matrix.h"
#include "unlasting/v1/model_service.pb.h"

namespace unlasting::client {

struct ControlSelection {
  std::string path;
  std::string obs_table;                       // "" reads the table beside 10x .h5 and MTX
  std::string layer;                           // "" reads X, "raw" reads raw/X with its own genes
  std::string condition_column = "condition";  // "" takes every row as a control cell
  // Condition of control cells, or several separated by commas; at its default the names of the
  // field are found too (core/cells/labels.h).
  std::string control_value = "ctrl";
  std::string cell_type_column = "cell_type";
  // Takes only cells of this type; "" takes all. Where the file has no such column, this is the
  // type of all cells.
  std::string cell_type;
  // Type of all cells that are taken, whatever the file says; "" leaves them theirs.
  std::string new_cell_type;
  std::string matrix = "auto";      // counts, log1p or auto
  std::string library_size_column;  // "" sums each row
  double target_sum = 0;            // that log1p values were normalised to; 0: found out
  int64_t max_cells = 0;            // 0 takes all; otherwise as many are drawn by `seed`
  uint64_t seed = 0;
  cells::MissingGenes missing_genes = cells::MissingGenes::kError;
};

// Only genes that the model knows are kept, while library sizes are summed over all genes of the
// file. Logarithms to another base become natural ones, and the sum that log1p values were
// normalised to goes along with them. Cells stay in the file's order. Errors name the file and what
// was looked for: NOT_FOUND for a file, column or cells that are absent, INVALID_ARGUMENT for
// values that are negative, not finite, or not what `matrix` says, and for a gene that occurs
// twice.
absl::StatusOr<cells::ControlMatrix> ReadControlCells(const ControlSelection& selection,
                                                      const v1::Model& model);

}  // namespace unlasting::client
