// AddErrorColumns writes what a model says of its errors into the file of a prediction. Pure; any
// thread.
#pragma once

#include <vector>

#include "core/anndata/anndata.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::client {

// Columns of uns/unlasting/perturbations, with the error of the cell type of which the model is
// least sure, and a column of obs with that of each cell's own type; none where the model says
// nothing. `data` has a row for each cell of each perturbation, those of a perturbation together.
void AddErrorColumns(const v1::PredictHeader& header,
                     const std::vector<v1::PerturbationSummary>& summaries, anndata::AnnData* data);

}  // namespace unlasting::client
