// Describe says what a file or folder holds that Reader can read, for `unlasting-train inspect`.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace unlasting::anndata {

// Keys: `format` (h5ad|10x_h5|mtx), `n_obs`, `n_vars`, `x` (dense|csr|csc; absent where X is None),
// `obs` and `var` (column -> {kind, levels?, why?}; levels for categorical and string columns with
// at most 50 distinct values, level -> cell count; of a column that cannot be read the kind is
// `unread` and `why` says the reason), `layers`, `obsm`, `uns` (names), `raw` (boolean), `layout`
// (plain|gears|scperturb|chemcpa). Errors are those of Reader.
absl::StatusOr<nlohmann::json> Describe(const std::string& path);

}  // namespace unlasting::anndata
