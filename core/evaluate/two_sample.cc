#include "core/evaluate/two_sample.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "core/evaluate/numpy_random.h"
#include "core/evaluate/principal_components.h"
#include "core/evaluate/ranking_areas.h"

namespace unlasting::evaluate {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr Index kNeighbours = 20;
constexpr Index kValueComponents = 20, kSilenceComponents = 10;
constexpr int kFolds = 5, kNewtonSteps = 15;
constexpr double kRidge = 3;

// The first rows predicted, as many true rows after them.
MatrixXd Stacked(const DenseMatrix& predicted, const DenseMatrix& truth, Index each,
                 NumpyRandom* random) {
  MatrixXd cells(2 * each, predicted.cols);
  Index at = 0;
  for (const DenseMatrix* side : {&predicted, &truth}) {
    const std::vector<int64_t> order = random->Permutation(side->rows);
    for (Index k = 0; k < each; ++k, ++at) {
      const auto row = side->Row(order[k]);
      for (Index g = 0; g < cells.cols(); ++g) cells(at, g) = static_cast<double>(row[g]);
    }
  }
  return cells;
}

MatrixXd FeaturesOf(const MatrixXd& cells, const MatrixXd& components) {
  const MatrixXd active = (cells.array() > 0).cast<double>();
  const MatrixXd silence = PrincipalComponents(active, kSilenceComponents);
  const Index width = components.cols() + silence.cols() + 1;
  MatrixXd features(cells.rows(), 2 * width + 1);
  features.leftCols(width) << components, silence, active.rowwise().sum();
  features.middleCols(width, width) = features.leftCols(width).cwiseAbs2();
  for (Index f = 0; f < 2 * width; ++f) {
    const double mean = features.col(f).mean();
    const double deviation = std::sqrt((features.col(f).array() - mean).square().mean());
    features.col(f) = (features.col(f).array() - mean) / (deviation + 1e-9);
  }
  features.col(2 * width).setOnes();
  return features;
}

VectorXd FitLogistic(const MatrixXd& features, const VectorXd& labels) {
  VectorXd weights = VectorXd::Zero(features.cols());
  for (int step = 0; step < kNewtonSteps; ++step) {
    const VectorXd margin = (features * weights).cwiseMax(-30).cwiseMin(30);
    const VectorXd p = (1 + (-margin.array()).exp()).inverse();
    const VectorXd curvature = p.array() * (1 - p.array()) + 1e-6;
    MatrixXd hessian = features.transpose() * curvature.asDiagonal() * features;
    hessian.diagonal().array() += kRidge;
    weights -= hessian.ldlt().solve(features.transpose() * (p - labels) + kRidge * weights);
  }
  return weights;
}

// Each cell's score by a fit to the cells of the other folds.
std::vector<double> LogisticScores(const MatrixXd& features, Index each, NumpyRandom* random) {
  const std::vector<int64_t> order = random->Permutation(features.rows());
  std::vector<double> scores(features.rows());
  for (int fold = 0; fold < kFolds; ++fold) {
    std::vector<Index> rows;
    for (Index k = 0; k < features.rows(); ++k) {
      if (order[k] % kFolds != fold) rows.push_back(k);
    }
    MatrixXd kept(rows.size(), features.cols());
    VectorXd labels(rows.size());
    for (size_t k = 0; k < rows.size(); ++k) {
      kept.row(k) = features.row(rows[k]);
      labels[k] = rows[k] < each ? 1 : 0;
    }
    const VectorXd weights = FitLogistic(kept, labels);
    for (Index k = 0; k < features.rows(); ++k) {
      if (order[k] % kFolds == fold) scores[k] = features.row(k).dot(weights);
    }
  }
  return scores;
}

// Of each cell, the share of predicted cells among its nearest ones.
std::vector<double> NeighbourScores(const MatrixXd& components, Index each) {
  std::vector<double> scores;
  for (Index k = 0; k < components.rows(); ++k) {
    std::vector<std::pair<double, Index>> nearest;
    for (Index other = 0; other < components.rows(); ++other) {
      if (other == k) continue;
      nearest.emplace_back((components.row(k) - components.row(other)).squaredNorm(), other);
    }
    std::nth_element(nearest.begin(), nearest.begin() + kNeighbours - 1, nearest.end());
    double predicted = 0;
    for (Index n = 0; n < kNeighbours; ++n) predicted += nearest[n].second < each ? 1 : 0;
    scores.push_back(predicted / static_cast<double>(kNeighbours));
  }
  return scores;
}

// The share of pairs of a predicted and a true cell in which the predicted one has the larger
// score.
double Area(const std::vector<double>& scores, Index each) {
  std::vector<std::pair<double, bool>> numbers;
  for (size_t k = 0; k < scores.size(); ++k) {
    numbers.emplace_back(-scores[k], static_cast<Index>(k) < each);
  }
  return AreasOf(std::move(numbers)).roc;
}

}  // namespace

ToldApart TellApart(const DenseMatrix& predicted, const DenseMatrix& truth, uint64_t seed) {
  const Index each = std::min({predicted.rows, truth.rows, MaxCellsTold(truth.cols)});
  if (2 * each <= kNeighbours + 1) {
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
    return {kNan, kNan};
  }
  NumpyRandom random(seed);
  const MatrixXd cells = Stacked(predicted, truth, each, &random);
  const MatrixXd components = PrincipalComponents(cells, kValueComponents);
  const MatrixXd features = FeaturesOf(cells, components);
  return {Area(LogisticScores(features, each, &random), each),
          Area(NeighbourScores(components, each), each)};
}

}  // namespace unlasting::evaluate
