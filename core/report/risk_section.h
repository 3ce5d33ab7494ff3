// risk_section.h shows whether the model knows where it is wrong. Private to core/report.
#pragma once

#include <string>

#include "core/evaluate/scorecard.h"

namespace unlasting::report {

// The mean error of the answers that remain as those of the greatest predicted error are left out,
// and each group's predicted interval with its true error. "" where the model predicts no errors.
std::string RiskSection(const evaluate::Scorecard& card);

}  // namespace unlasting::report
