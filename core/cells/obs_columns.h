// obs_columns.h is the one place that knows under which names the field keeps what is wanted of
// obs: conditions, cell types, structures, doses and each cell's whole count. A column that is
// absent is refused with those that look like it, and with how to name one. Pure functions; any
// thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/anndata/anndata.h"
#include "core/anndata/reader.h"
#include "core/base/matrix.h"
#include "core/cells/dataset.h"

namespace unlasting::cells {

enum class Wanted { kCondition, kCellType, kSmiles, kDose, kLibrarySize };

// The columns of obs that hold a value and whose names read like the wanted one, whatever their
// case and punctuation (celltype, Cell Type, cell_line; perturbation, guide_identity, drug,
// target_gene, ...), the likeliest first. The column `name` itself is not among them.
std::vector<std::string> LookAlikes(const anndata::DataFrame& obs, Wanted wanted,
                                    const std::string& name);

// How to name a column: "--set cell_type_column=celltype", or where `options.flags` are the
// program's way "--cell-type-column celltype".
std::string HowToName(const LoadOptions& options, Wanted wanted, const std::string& column);

// A column as trimmed text, or NOT_FOUND that lists what looks like it, or else what there is.
absl::StatusOr<std::vector<std::string>> RequiredColumn(const anndata::DataFrame& obs,
                                                        const std::string& name, Wanted wanted,
                                                        const LoadOptions& options);

// INVALID_ARGUMENT where the column `name`, which stands at its default, is absent or holds no
// value while a look-alike holds two values or more: cells of several types would become one.
// Naming a column, or none (""), settles it.
absl::Status CheckNoneIsIgnored(const anndata::DataFrame& obs, const std::string& name,
                                Wanted wanted, const LoadOptions& options);

// Warns (anndata::Warn) where there is no column of cell types but one of clusters (leiden,
// louvain, seurat_clusters, ...). They may be cell types, or what a perturbation did; the user
// knows which.
void WarnOfClusters(const std::string& path, const anndata::DataFrame& obs,
                    const LoadOptions& options);

// The column of obs that is each cell's whole count where the matrix holds a part of the genes
// alone: no value is below the row's sum, most are above it, and its name says counts or it follows
// the sums. "" where there is none. `row_sums` are those of the counts.
std::string WholeCountColumn(const anndata::DataFrame& obs, const std::vector<double>& row_sums);

// Warns (anndata::Warn) where counts are normalised by their rows' sums although obs has such a
// column: a panel of a few genes says little of how deep a cell was sequenced. Nothing for
// logarithms.
void WarnOfWholeCounts(anndata::Reader* reader, MatrixKind kind,
                       const std::vector<double>& row_sums, const LoadOptions& options);

}  // namespace unlasting::cells
