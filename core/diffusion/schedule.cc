#include "core/diffusion/schedule.h"

#include <cmath>

namespace unlasting::diffusion {

Schedule::Schedule(int steps, double beta_first, double beta_last)
    : beta_first_(beta_first), beta_last_(beta_last) {
  double product = 1.0;
  for (int t = 0; t < steps; ++t) {
    const double share = steps > 1 ? static_cast<double>(t) / (steps - 1) : 0.0;
    product *= 1.0 - (beta_first + share * (beta_last - beta_first));
    alpha_bar_.push_back(product);
  }
}

double Schedule::Lambda(int time) const {
  return 0.5 * std::log(alpha_bar(time) / (1.0 - alpha_bar(time)));
}

}  // namespace unlasting::diffusion
