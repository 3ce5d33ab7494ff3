// Schedule is the noise schedule of the forward process, eq 1: x_t = sqrt(abar_t) x_0 + sqrt(1 -
// abar_t) eps.
#pragma once

#include <vector>

namespace unlasting::diffusion {

// Linear betas over `steps` integer times 0..steps-1; alpha_bar(t) is the product of 1 - beta up to
// and including t, so alpha_bar(0) = 1 - beta_first and a clean profile counts as x at time 0.
class Schedule {
 public:
  explicit Schedule(int steps = 500, double beta_first = 2e-4, double beta_last = 0.04);

  int steps() const { return static_cast<int>(alpha_bar_.size()); }
  double alpha_bar(int time) const { return alpha_bar_[time]; }
  double beta_first() const { return beta_first_; }
  double beta_last() const { return beta_last_; }
  // Half the log signal-to-noise ratio, log(alpha / sigma): decreases with time.
  double Lambda(int time) const;

 private:
  double beta_first_;
  double beta_last_;
  std::vector<double> alpha_bar_;
};

}  // namespace unlasting::diffusion
