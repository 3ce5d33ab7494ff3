// AppendControls adds the control cells themselves to predicted counts, for tools that compare each
// perturbation with control cells of the same file. Pure function; any thread.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "core/anndata/anndata.h"
#include "core/cells/control_matrix.h"
#include "unlasting/v1/model_service.pb.h"

namespace unlasting::client {

// Appends a row for each of `cells`: their counts of the genes of `data`, 0 for genes that they
// lack; obs "condition" is `label` and "perturbation" "control", and columns of molecules and
// covariates have no value. `data` is PredictionCollector's, with X in CSR. INVALID_ARGUMENT names
// the flag where the cells are not counts.
absl::Status AppendControls(const cells::ControlMatrix& cells, const v1::Model& model,
                            const std::string& label, anndata::AnnData* data);

}  // namespace unlasting::client
