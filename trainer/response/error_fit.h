// FitErrorModel makes of the errors that training left out a model of how far an answer is expected
// to be from the truth, with conformal intervals. Pure functions; any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/bundle/error_model.h"
#include "trainer/response/left_out_errors.h"

namespace unlasting::trainer {

// The kinds of the model. Of each, asinh(E-distance / scale) is fitted by ridge regression on the
// features of FeaturesOf with weights of 0 or more; how much they are shrunk is chosen by leaving
// errors out. The half-width of the interval is the ceil(0.9 (n + 1))-th least residual of n errors
// that each were left out of the fit (split conformal's rank on leave-one-out residuals), and a
// gene's factor the least with which 0.9 of all genes of all errors are covered. A kind of fewer
// than kMinLeftOut errors has neither.
std::map<std::string, bundle::KindOfError> FitErrorModel(const std::vector<LeftOutError>& errors,
                                                         double level);

// The model of a training: leaves out, fits, and lists the training's conditions.
bundle::ErrorModel MakeErrorModel(const TrainingData& data, const ResponseChoice& choice,
                                  const grn::Graph& graph, const LeaveOutOptions& options);

}  // namespace unlasting::trainer
