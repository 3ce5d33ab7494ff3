// These constants say how near a trained drug is to a query (core/model/torch/expected_response.h),
// for the networks in every form.
#pragma once

namespace unlasting::model {

// Difference in cosine at which a trained drug counts e-fold less, and in powers of ten of the dose
// at which it counts exp(1/2)-fold less: doses are mostly a factor of ten apart, and one that was
// trained is met almost by itself.
inline constexpr double kResponseSimilarity = 0.2;
inline constexpr double kResponseDecades = 0.3;
// Cosine above which a drug is the trained one, which then outweighs all others by
// e^kResponseBonus.
inline constexpr double kResponseSame = 0.9999;
inline constexpr double kResponseBonus = 40;

// Edges that the change of an untrained gene travels along, one after the other.
inline constexpr int kPropagationHops = 3;

// Largest |log| of a variance against the control's: a gene that is silent in control cells says
// nothing of a ratio, and combinations add up.
inline constexpr double kResponseLogVariance = 2.8;

}  // namespace unlasting::model
