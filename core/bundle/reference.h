// reference.h5ad of a bundle. X: the control panel, log1p; obs/cell_type; varm/control_mean and
// varm/control_deviation [N, cell types]; varp/network [N, N] among measured genes (row = target);
// uns/network: all edges by node index, the extra nodes included.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "core/bundle/bundle.h"

namespace unlasting::bundle {

absl::Status WriteReference(const Manifest& manifest, const Reference& reference,
                            const std::string& path);
// INVALID_ARGUMENT where the file does not fit the manifest.
absl::StatusOr<Reference> ReadReference(const Manifest& manifest, const std::string& path);

}  // namespace unlasting::bundle
