// OpenTenXH5 opens the .h5 file of a 10x Cell Ranger run (filtered_feature_bc_matrix.h5, or
// filtered_gene_bc_matrices_h5.h5 of version 2) for OpenReader. Private to core/anndata.
//
// Version 3 holds the group matrix: barcodes [cells], shape {features, cells}, data, indices and
// indptr of a CSC matrix [features, cells], and the group features with id, name, feature_type and
// genome [features]. Version 2 holds one group per genome, named after it: the same arrays, with
// genes and gene_names in place of features. The columns of the CSC matrix are cells, so that rows
// of cells are read in constant memory.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/anndata/hdf5.h"
#include "core/anndata/reader.h"

namespace unlasting::anndata {

// By the groups that are there, within an Hdf5Scope.
bool IsTenXH5(const Handle& file);

// `file` is the open HDF5 file at `path`; `obs_table` as in OpenOptions. Errors name the file and
// the element. INVALID_ARGUMENT where a file of version 2 holds several genomes.
absl::StatusOr<std::unique_ptr<Reader>> OpenTenXH5(const std::string& path, Handle file,
                                                   const std::string& obs_table);

}  // namespace unlasting::anndata
