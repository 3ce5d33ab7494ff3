// ResolveLayout finds which columns of a file hold what, in the layouts of the field
// (core/anndata/layout.h), for LoadDataset.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/cells/dataset.h"

namespace unlasting::cells {

// `options` with the layout found out and every column that stands at its default replaced by the
// layout's name for it. INVALID_ARGUMENT for an unknown layout, or doses whose unit nothing says.
absl::StatusOr<LoadOptions> ResolveLayout(const anndata::DataFrame& obs,
                                          const anndata::DataFrame& var, LoadOptions options);

// The column of var that holds gene symbols beside other names; "" where there is none.
std::string SymbolColumn(const anndata::DataFrame& var);

// scPerturb joins the genes of a perturbation with underscores, which gene and construct names hold
// too. `count` is its column nperts, 0 where absent: as many parts as that where they come out
// even; else the name as it is where `measured` knows it, else its part before the first underscore
// where that is measured (BHLHE40_pDS258), else the name.
std::vector<std::string> ScPerturbGenes(const std::string& name, int64_t count,
                                        const std::vector<std::string>& sorted_measured);

}  // namespace unlasting::cells
