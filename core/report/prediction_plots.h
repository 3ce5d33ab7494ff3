// prediction_plots.h draws what is predicted of one perturbation and says it in a sentence. Private
// to core/report.
#pragma once

#include <string>

#include "core/report/perturbation_result.h"

namespace unlasting::report {

// The volcano, the cells on two principal components, and the distributions of the six genes that
// change most surely. What cannot be drawn, e.g. of one cell, is left out.
std::string PlotsHtml(const PerturbationResult& result);

// "42 of 303 genes change at an adjusted p below 0.05: 30 up, 12 down.", or why there is no test.
// HTML.
std::string ChangeSentence(const ChangeCount& count);

}  // namespace unlasting::report
