// FitCountModel estimates how the counts of each gene vary between like cells, for whole counts
// drawn from predictions (core/predict/job/counts.h). Pure function; any thread.
#pragma once

#include <cstdint>

#include "core/bundle/manifest.h"
#include "trainer/data/training_data.h"

namespace unlasting::trainer {

// The dispersion of a gene is that of a negative binomial, by moments: what the squares of the
// differences between the counts of a cell and those expected at its library size have beyond the
// expected counts, over groups of training cells of one condition and cell type. It is drawn
// towards that of genes with similar means by its sampling noise. Cells as they are predicted vary
// by themselves, and a draw varies them once more: the share of the dispersion that draws have is
// the one with which counts drawn from one half of the control cells of a type are nearest, by
// E-distance of log1p values, to the other half. Empty where the file held log1p values, from which
// counts are not known. Same data and seed: same model.
bundle::CountModel FitCountModel(const TrainingData& data, uint64_t seed);

}  // namespace unlasting::trainer
