// TextWidth estimates how wide a text of a plot is, for charts that must hold with any font.
// Private to core/report.
#pragma once

#include "absl/strings/string_view.h"

namespace unlasting::report {

// The width of UTF-8 `text` in units of the plot, at a font size of `size` units. Letters are as
// wide as those of Helvetica, Arial and Liberation Sans; others are given a width by their script.
// A chart asks the browser for this very width (textLength), so that a wider font is condensed
// instead of running out of the plot.
double TextWidth(absl::string_view text, double size);

}  // namespace unlasting::report
