// What an .h5ad file holds, for `unlasting-train inspect X.h5ad`.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace unlasting::anndata {

// Keys: `n_obs`, `n_vars`, `x` (dense|csr|csc), `obs` and `var` (column -> {kind, levels?}; levels
// for categorical and string columns with at most 50 distinct values, level -> cell count),
// `layers`, `obsm`, `uns` (names), `raw` (boolean), `layout` (plain|gears|scperturb|chemcpa).
absl::StatusOr<nlohmann::json> Describe(const std::string& path);

}  // namespace unlasting::anndata
