// VolcanoFigure plots how far genes change against how surely they do. Private to core/report.
#pragma once

#include <string>
#include <vector>

#include "core/report/gene_change.h"

namespace unlasting::report {

// A figure: log2 fold change against -log10 of the adjusted p, with the names of the surest genes.
// Genes without a p value are left out, and of those that do not change all but about `max_still`.
// Changes beyond 6 doublings, or beyond what the sure genes and nearly all others need, are drawn
// at the edge. "" where no gene has a p value.
std::string VolcanoFigure(const std::vector<GeneChange>& genes, size_t max_still);

}  // namespace unlasting::report
