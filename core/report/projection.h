// projection.h plots where a group's predicted cells lie among its control and true cells. Private
// to core/report.
#pragma once

#include <string>

#include "core/evaluate/scorer.h"

namespace unlasting::report {

// A figure: the first two principal components of the control and true cells, as many of each as
// their smaller number, with the predicted cells projected onto them. At most 500 cells a kind.
std::string EmbeddingFigure(const evaluate::Group& group);

}  // namespace unlasting::report
