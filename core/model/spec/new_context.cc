#include "core/model/spec/new_context.h"

#include <algorithm>
#include <cmath>

namespace unlasting::model {

std::vector<BorrowedType> BorrowFrom(const NewContext& context,
                                     const std::vector<int32_t>& measured) {
  std::vector<BorrowedType> types;
  if (measured.empty()) return types;
  double nearest = context.distance[measured.front()];
  for (const int32_t type : measured) nearest = std::min(nearest, context.distance[type]);
  for (const int32_t type : measured) types.push_back({type, 0, 0, 0});
  for (const CarryOverRule& rule : context.rules) {
    std::vector<double> weights;
    double total = 0;
    for (const int32_t type : measured) {
      weights.push_back(std::pow(nearest / context.distance[type], rule.power));
      total += weights.back();
    }
    for (size_t k = 0; k < types.size(); ++k) {
      const double part = rule.weight * weights[k] / total;
      types[k].borrowed += part;
      types[k].mean_pull += part * (rule.mean_slope - 1);
      types[k].share_pull += part * (rule.share_slope - 1);
    }
  }
  return types;
}

}  // namespace unlasting::model
