#include "trainer/response/left_out.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "core/evaluate/distances.h"
#include "core/model/spec/expected_response.h"
#include "core/predict/job/finish.h"
#include "core/predict/job/mask.h"

namespace unlasting::trainer {
namespace {

// E-distances below are within the noise of kMaxCells cells a side: of the controls, and of
// answers.
constexpr double kLeastNoChange = 0.05;
constexpr double kLeastDistance = 0.02;
constexpr double kLeastEmd = 1e-6;  // of groups without an active gene
// Half a pseudo-count keeps the logits of silent genes finite.
constexpr double kShareCells = 2;

std::vector<int64_t> Sample(std::vector<int64_t> cells, size_t max_cells, std::mt19937_64* random) {
  std::shuffle(cells.begin(), cells.end(), *random);
  cells.resize(std::min(cells.size(), max_cells));
  return cells;
}

DenseMatrix Columns(const TrainingData& data, const std::vector<int64_t>& cells,
                    const std::vector<int64_t>& genes) {
  const DenseMatrix all = SelectRowsDense(data.prepared().data.values, cells);
  DenseMatrix some(all.rows, static_cast<int64_t>(genes.size()));
  for (int64_t r = 0; r < all.rows; ++r) {
    for (size_t k = 0; k < genes.size(); ++k) some.Row(r)[k] = all.At(r, genes[k]);
  }
  return some;
}

}  // namespace

LeftOutCells::LeftOutCells(const TrainingData& data, const std::vector<int64_t>& controls,
                           const std::vector<int64_t>& perturbed, const std::vector<int64_t>& genes,
                           size_t max_cells, uint64_t seed)
    : genes_(genes) {
  std::mt19937_64 random(seed);
  control_ = Columns(data, Sample(controls, max_cells, &random), genes);
  perturbed_ = Columns(data, Sample(perturbed, max_cells, &random), genes);
  const auto cells = static_cast<double>(control_.rows);
  for (int64_t g = 0; g < control_.cols; ++g) {
    double sum = 0, active = 0;
    for (int64_t r = 0; r < control_.rows; ++r) {
      sum += control_.At(r, g);
      active += control_.At(r, g) > 0 ? 1 : 0;
    }
    mean_.push_back(sum / cells);
    const double share = (active + kShareCells / 2) / (cells + kShareCells);
    logit_.push_back(std::log(share / (1 - share)));
  }
  within_ = evaluate::WithinPairs(perturbed_, {});
}

DenseMatrix LeftOutCells::Answer(const Response& response, const Finish& finish) const {
  DenseMatrix cells(control_.rows, control_.cols);
  std::vector<double> share(control_.cols);
  std::vector<float> mean(control_.cols);
  const double bound = model::kResponseLogVariance;
  for (int64_t g = 0; g < control_.cols; ++g) {
    const auto gene = static_cast<size_t>(genes_[g]);
    const double log_variance = std::clamp(response.log_variance[gene], -bound, bound);
    const double scale = finish.spread ? std::exp(0.5 * log_variance) : 1.0;
    const double expected = mean_[g] + response.mean[gene];
    for (int64_t r = 0; r < control_.rows; ++r) {
      cells.At(r, g) = static_cast<float>(expected + scale * (control_.At(r, g) - mean_[g]));
    }
    share[g] = 1 / (1 + std::exp(-logit_[g] - response.active_logit[gene]));
    mean[g] = static_cast<float>(expected);
  }
  predict::KeepTopShare(share, &cells);
  if (finish.meet_means) predict::ScaleGenes(predict::MeanFactors(cells, mean), &cells);
  for (float& value : cells.values) value = std::max(value, 0.0f);
  return cells;
}

double LeftOutCells::Distance(const DenseMatrix& cells) const {
  return evaluate::EDistanceFromSums(evaluate::CrossPairs(cells, perturbed_, {}),
                                     evaluate::WithinPairs(cells, {}), cells.rows, within_,
                                     perturbed_.rows)
      .unbiased;
}

LeftOutGroup::LeftOutGroup(const TrainingData& data, const std::vector<int64_t>& controls,
                           const std::vector<int64_t>& perturbed, const std::vector<int64_t>& genes,
                           uint64_t seed)
    : cells_(data, controls, perturbed, genes, kMaxCells, seed),
      no_change_(std::max(cells_.Distance(cells_.control()), kLeastNoChange)),
      no_change_emd_(std::max(evaluate::Emd(cells_.control(), cells_.perturbed()), kLeastEmd)) {}

double LeftOutGroup::LogError(const Response& response, const Finish& finish) const {
  const DenseMatrix answer = cells_.Answer(response, finish);
  const double by_distance = std::max(cells_.Distance(answer), kLeastDistance) / no_change_;
  const double by_emd =
      std::max(evaluate::Emd(answer, cells_.perturbed()), kLeastEmd) / no_change_emd_;
  return (std::log(by_distance) + std::log(by_emd)) / 2;
}

}  // namespace unlasting::trainer
