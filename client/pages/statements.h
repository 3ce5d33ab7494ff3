// statements.h says in plain words how far a question lies from what a model was trained on, and
// how far wrong its answer is expected to be. Pure functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/report/remark.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::client {

// On the control cells: their scale, the genes that were filled in, cell types that training never
// saw perturbed. What is merely converted, filled in or left out is said in `adjusted` too.
// `model_genes` is the number of genes that the model has.
struct ResultStatements {
  std::vector<report::Remark> remarks;
  std::vector<std::string> adjusted;
};
ResultStatements StatementsOnResult(const v1::PredictHeader& header, int64_t model_genes);

// How far the perturbation is from the training data: one remark.
report::Remark DistanceStatement(const v1::ResolvedPerturbation& perturbation);

// What the model says of its error: one remark. `effect` is the E-distance of the predicted from
// the control cells over all genes of the model, where it is known: an error of its size leaves
// little of a prediction. `summary` may be null, for a server that said nothing.
report::Remark ErrorStatement(const v1::PerturbationSummary* summary, std::optional<double> effect);

// "−0.0112 to 0.733"; "" where the error is not calibrated.
std::string ErrorRange(const v1::PredictedError& error);

// A note of a server as a sentence: with a capital and a full stop.
std::string Sentence(std::string note);

}  // namespace unlasting::client
