// grn_summary.h summarises a model's gene regulatory network in a few numbers. Private to
// core/report.
#pragma once

#include <string>
#include <vector>

#include "core/base/matrix.h"

namespace unlasting::report {

// Edges, degrees as bars, and the genes with most targets. `network` is [nodes, nodes] with an
// entry where the column's gene acts on the row's; self-loops are left out. "" without edges and
// where the names do not fit.
std::string NetworkSection(const CsrMatrix& network, const std::vector<std::string>& nodes);

}  // namespace unlasting::report
