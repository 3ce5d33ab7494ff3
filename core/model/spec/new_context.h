// NewContext is a cell type, line or patient that training never saw, told to the networks by its
// control cells, with the rules by which it borrows the responses of the training's cell types. A
// plain value; whoever resolves control cells (core/predict/query/new_context.h) makes it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace unlasting::model {

// How the response of a perturbation carries over from the cell types in which it was measured. The
// weight of a type is its distance to the power of -`power`; of the difference between the
// controls, in the mean and in the logit of the active share, the perturbed cells keep a part: with
// slope 1 the change itself carries over, with 0 the perturbed cells are the same in every context.
struct CarryOverRule {
  double power = 0;
  double mean_slope = 1, share_slope = 1;
  double weight = 1;  // of all rules, in sum 1
};

// C cell types of the training, N genes.
struct NewContext {
  std::string name;
  std::string key;          // a digest of the control cells' profile: equal for equal ones
  int32_t nearest = 0;      // the cell type whose controls are nearest, and whose embeddings
                            // the networks are told
  std::vector<float> mean;  // [N], of the control cells, model units
  std::vector<float> active_logit;   // [N], logit of their active share
  std::vector<double> distance;      // [C], of the mean profile from that of each type; above 0
  std::vector<CarryOverRule> rules;  // none: no change is expected
};

// What each of the cell types `measured` adds to a response in the context: `borrowed` of its own
// response, and of the difference of the controls (the context's less the type's) `mean_pull` in
// the mean and `share_pull` in the logit. The borrowed parts sum to 1 where there are rules.
struct BorrowedType {
  int32_t type = 0;
  double borrowed = 0, mean_pull = 0, share_pull = 0;
};
std::vector<BorrowedType> BorrowFrom(const NewContext& context,
                                     const std::vector<int32_t>& measured);

}  // namespace unlasting::model
