// style.h holds the page's style sheet. Private to core/report.
#pragma once

namespace unlasting::report {

// Light and dark by the reader's preference, light on paper. Colours of control, true and predicted
// cells are told apart by colour-blind readers.
extern const char kStyleSheet[];

}  // namespace unlasting::report
