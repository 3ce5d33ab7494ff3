// GenesOf turns a perturbation's summary into what a page says of each gene. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "core/report/gene_change.h"
#include "unlasting/v1/model_service.pb.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::client {

// Columns of PredictHeader.genes that the control cells have: those that were filled in say
// nothing.
std::vector<int64_t> MeasuredColumns(const v1::PredictHeader& header);

// One entry for each of `columns`, in their order. p values are there where the summary ranks every
// one of these genes, and there are two cells or more. Numbers that the server did not send, or
// that are not finite, are unknown. `model` gives the symbols.
std::vector<report::GeneChange> GenesOf(const v1::PredictHeader& header,
                                        const v1::PerturbationSummary& summary,
                                        const std::vector<int64_t>& columns,
                                        const v1::Model& model);

}  // namespace unlasting::client
