// Shrinkage draws measured responses towards what is expected without them, by how far their
// sampling noise alone could explain them: empirical Bayes with a mixture of Gaussians of any
// scale, which suits a few large effects as well as many small ones (Stephens, Biostatistics 18,
// 275, 2017). Pure functions; any thread.
#pragma once

#include <vector>

#include "trainer/response/condition_moments.h"

namespace unlasting::trainer {

// The expected true difference of each gene given its measured one, [N]. True differences are taken
// to be a mixture of Gaussians around 0, whose variances are multiples of each gene's sampling
// variance; its weights are those under which the differences of the genes `telling` are the most
// likely. Genes without noise, which are constant in both groups, keep their difference.
GeneValues ShrinkToZero(const GeneValues& difference, const GeneValues& variance,
                        const std::vector<bool>& telling);

// The genes active in so many cells that sampling noise is about Gaussian, [N]. Of rarer ones most
// differences are those of a single cell, whatever was done.
std::vector<bool> TellingGenes(const Moments& perturbed, const Moments& control);

// The share of the sum of squares that noise does not explain, 0..1 (James and Stein).
double TrustIn(const GeneValues& difference, const GeneValues& variance);

// The response of a group of cells, drawn towards no change; mean, variance and share each by
// itself. A mean response is drawn only as far as the response as a whole may be noise: shrinking
// gene by gene a response that clearly stands above its noise shortens it along its own direction.
Response ShrunkResponse(const Moments& perturbed, const Moments& control);
// The same, drawn towards what is expected without the measurement, which has noise of its own.
Response ShrunkResponse(const Moments& perturbed, const Moments& control, const Response& expected,
                        const Response& expected_noise);
// The mean response alone, drawn towards no change gene by gene, [N]. Where answers are brought to
// a mean exactly, each gene's noise would be brought in with it.
GeneValues ShrunkMeanByGene(const Moments& perturbed, const Moments& control);

}  // namespace unlasting::trainer
