// Control cells of an .h5ad file, as the API wants them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/matrix.h"
#include "unlasting/v1/model_service.pb.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::client {

// Cells to send: only genes that the model knows, library sizes from all genes of the file.
struct ControlCells {
  CsrMatrix values;  // [cells, genes]
  std::vector<std::string> genes;
  std::vector<std::string> cell_types;  // one per cell
  std::vector<std::string> cell_ids;    // barcodes
  std::vector<double> library_sizes;    // counts per cell; empty for log1p
  v1::ValueKind value_kind = v1::VALUE_KIND_LOG1P;
  v1::MissingGenes missing_genes = v1::MISSING_GENES_ERROR;

  // Bytes of a message that holds them all, about.
  int64_t Bytes() const;
  v1::ControlCells Message() const;
  // Parts of an upload; rows [first, last).
  v1::RegisterControlsHeader Header() const;
  v1::RegisterControlsChunk Chunk(int64_t first, int64_t last) const;
};

struct ControlSelection {
  std::string path;
  std::string obs_table;                       // "" reads the table beside 10x .h5 and MTX
  std::string layer;                           // "" reads X
  std::string condition_column = "condition";  // "" takes every row as a control cell
  std::string control_value = "ctrl";          // condition of control cells
  std::string cell_type_column = "cell_type";
  // Only cells of this type; "" takes all. Where the file has no such column: the type of all
  // cells.
  std::string cell_type;
  std::string matrix = "auto";      // counts, log1p or auto
  std::string library_size_column;  // "" sums each row
  int64_t max_cells = 0;            // 0 takes all, else a draw by `seed`
  uint64_t seed = 0;
  v1::MissingGenes missing_genes = v1::MISSING_GENES_ERROR;
};

// Cells stay in the file's order. Errors name the file and what was looked for: NOT_FOUND for a
// file, column or cells that are absent, INVALID_ARGUMENT for values that are negative, not finite,
// or not what `matrix` says.
absl::StatusOr<ControlCells> ReadControlCells(const ControlSelection& selection,
                                              const v1::Model& model);

}  // namespace unlasting::client
