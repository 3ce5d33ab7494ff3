#include "trainer/training/loss_by_noise.h"

#include <algorithm>
#include <cmath>

namespace unlasting::trainer {
namespace {

double ExplainedOf(double loss, double skip) { return skip > 0 ? 1.0 - loss / skip : 0.0; }

}  // namespace

void LossByNoise::Add(const torch::Tensor& losses, const torch::Tensor& log_noise) {
  const torch::Tensor rows = losses.detach().to(torch::kCPU, torch::kFloat64).contiguous();
  const torch::Tensor ratio = log_noise.to(torch::kCPU, torch::kFloat64).exp().contiguous();
  const auto loss = rows.accessor<double, 2>();
  const auto noise = ratio.accessor<double, 1>();
  for (int64_t r = 0; r < rows.size(0); ++r) {
    const auto level = std::upper_bound(kBounds.begin(), kBounds.end(), noise[r]) - kBounds.begin();
    sums_[3 * level] += loss[r][0];
    sums_[3 * level + 1] += loss[r][1];
    sums_[3 * level + 2] += 1;
  }
}

void LossByNoise::Add(const LossByNoise& other) {
  for (size_t k = 0; k < sums_.size(); ++k) sums_[k] += other.sums_[k];
}

double LossByNoise::Explained() const {
  double loss = 0, skip = 0;
  for (size_t level = 0; level < kLevels; ++level) {
    loss += sums_[3 * level];
    skip += sums_[3 * level + 1];
  }
  return ExplainedOf(loss, skip);
}

nlohmann::json LossByNoise::ToJson() const {
  nlohmann::json losses = nlohmann::json::array(), explained = nlohmann::json::array();
  for (size_t level = 0; level < kLevels; ++level) {
    const double loss = sums_[3 * level], skip = sums_[3 * level + 1], rows = sums_[3 * level + 2];
    losses.push_back(rows > 0 ? nlohmann::json(loss / rows) : nlohmann::json());
    explained.push_back(rows > 0 ? nlohmann::json(ExplainedOf(loss, skip)) : nlohmann::json());
  }
  return {{"explained", Explained()}, {"loss_by_noise", losses}, {"explained_by_noise", explained}};
}

}  // namespace unlasting::trainer
