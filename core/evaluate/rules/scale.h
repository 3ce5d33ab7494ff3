// The scale of vcc2026 places an aggregate between what the mean response scores (0) and what a
// replicate of the experiment scores (1).
#pragma once

#include <string>
#include <vector>

namespace unlasting::evaluate::rules {

// The six members by the names of the reference, in its order of reporting.
constexpr char kPds[] = "pds_cosine";
constexpr char kExpression[] = "expr_mse_unbiased_capped_norm";
constexpr char kFidelity[] = "de_wilcoxon_direction_fidelity_yield_raw";
constexpr char kReach[] = "de_wilcoxon_direction_reach_raw";
constexpr char kJaccard[] = "de_wilcoxon_sig_jaccard";
constexpr char kNmae[] = "de_wilcoxon_lfc_nmae";
const std::vector<std::string>& Members();
bool LowerIsBetter(const std::string& member);

// NaN, with the reason in `why`, where b or r is not finite or r is not better than b. A value that
// is not finite counts as the member's worst: 0 for members where higher is better before scaling,
// 0 after scaling for the expression member, -6 for lfc_nmae.
double Scaled(const std::string& member, double value, double b, double r, std::string* why);

}  // namespace unlasting::evaluate::rules
