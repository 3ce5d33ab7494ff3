#include "core/cells/variable_genes.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/cells/loess.h"

namespace unlasting::cells {
namespace {

constexpr int kBins = 20;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// pandas.cut(values, 20): equal bins between the extremes, closed on the right, the lowest edge
// lowered by a thousandth of the range so that the minimum falls into the first bin.
std::vector<int> CutIntoBins(const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  double first = *low;
  double last = *high;
  if (first == last) {
    first -= first != 0 ? 0.001 * std::abs(first) : 0.001;
    last += last != 0 ? 0.001 * std::abs(last) : 0.001;
  }
  std::vector<double> edges;
  for (int k = 0; k <= kBins; ++k) edges.push_back(first + (last - first) * k / kBins);
  edges.back() = last;
  if (*low != *high) edges.front() -= (last - first) * 0.001;
  std::vector<int> bins;
  for (const double value : values) {
    const auto edge = std::lower_bound(edges.begin(), edges.end(), value);
    bins.push_back(std::clamp(static_cast<int>(edge - edges.begin()) - 1, 0, kBins - 1));
  }
  return bins;
}

std::vector<int64_t> AllGenes(int64_t genes) {
  std::vector<int64_t> all(genes);
  std::iota(all.begin(), all.end(), 0);
  return all;
}

}  // namespace

GeneDispersion SeuratDispersion(const CsrMatrix& values) {
  GeneMoments moments(values.cols);
  moments.cells = values.rows;
  for (size_t k = 0; k < values.values.size(); ++k) {
    const double linear = std::expm1(static_cast<double>(values.values[k]));
    moments.sum[values.indices[k]] += linear;
    moments.squares[values.indices[k]] += linear * linear;
  }
  return SeuratDispersion(moments);
}

GeneDispersion SeuratDispersion(const GeneMoments& moments) {
  const auto genes = static_cast<int64_t>(moments.sum.size());
  const auto n = static_cast<double>(moments.cells);
  std::vector<double> dispersion(genes);
  GeneDispersion result;
  result.mean.resize(genes);
  for (int64_t g = 0; g < genes; ++g) {
    double mean = moments.sum[g] / n;
    const double variance = (moments.squares[g] / n - mean * mean) * n / (n - 1);
    if (mean == 0) mean = 1e-12;
    const double ratio = variance / mean;
    dispersion[g] = ratio > 0 ? std::log(ratio) : kNan;
    result.mean[g] = std::log1p(mean);
  }
  const std::vector<int> bins = CutIntoBins(result.mean);
  std::vector<double> bin_mean(kBins, 0.0), bin_deviation(kBins, 0.0);
  std::vector<int> bin_size(kBins, 0);
  for (int64_t g = 0; g < genes; ++g) {
    if (std::isnan(dispersion[g])) continue;
    bin_mean[bins[g]] += dispersion[g];
    ++bin_size[bins[g]];
  }
  for (int b = 0; b < kBins; ++b) bin_mean[b] /= std::max(bin_size[b], 1);
  for (int64_t g = 0; g < genes; ++g) {
    if (std::isnan(dispersion[g])) continue;
    const double difference = dispersion[g] - bin_mean[bins[g]];
    bin_deviation[bins[g]] += difference * difference;
  }
  for (int b = 0; b < kBins; ++b) {
    if (bin_size[b] > 1) {
      bin_deviation[b] = std::sqrt(bin_deviation[b] / (bin_size[b] - 1));
    } else {
      // A gene alone in its bin gets a normalised dispersion of 1, as in scanpy.
      bin_deviation[b] = bin_mean[b];
      bin_mean[b] = 0;
    }
  }
  result.normalised.resize(genes);
  for (int64_t g = 0; g < genes; ++g) {
    result.normalised[g] = (dispersion[g] - bin_mean[bins[g]]) / bin_deviation[bins[g]];
  }
  return result;
}

std::vector<int64_t> HighlyVariableGenes(const GeneDispersion& dispersion, int64_t count) {
  const int64_t genes = static_cast<int64_t>(dispersion.normalised.size());
  if (count <= 0 || count >= genes) return AllGenes(genes);
  std::vector<int64_t> kept;
  std::vector<double> finite;
  for (const double value : dispersion.normalised) {
    if (!std::isnan(value)) finite.push_back(value);
  }
  std::sort(finite.rbegin(), finite.rend());
  const double cutoff = finite.empty() ? 0.0 : finite[std::min<size_t>(count, finite.size()) - 1];
  for (int64_t g = 0; g < genes; ++g) {
    const double value = std::isnan(dispersion.normalised[g]) ? 0.0 : dispersion.normalised[g];
    // The last bits of a tie (two genes alone in a bin are equally far from its mean) depend on the
    // order of the genes and must not decide.
    if (value >= cutoff - 1e-9 * std::abs(cutoff)) kept.push_back(g);
  }
  return kept;
}

SeuratV3Model FitSeuratV3(const GeneMoments& counts) {
  const size_t genes = counts.sum.size();
  const auto n = static_cast<double>(counts.cells);
  SeuratV3Model model;
  std::vector<size_t> varying;
  std::vector<double> log_mean, log_variance;
  for (size_t g = 0; g < genes; ++g) {
    const double mean = counts.sum[g] / n;
    const double variance = (counts.squares[g] / n - mean * mean) * n / (n - 1);
    model.mean.push_back(mean);
    if (!(variance > 0)) continue;
    varying.push_back(g);
    log_mean.push_back(std::log10(mean));
    log_variance.push_back(std::log10(variance));
  }
  const auto fitted = Loess(log_mean, log_variance, 0.3);
  model.deviation.assign(genes, 1.0);
  for (size_t k = 0; k < varying.size(); ++k) {
    model.deviation[varying[k]] = std::sqrt(std::pow(10.0, fitted[k]));
  }
  for (size_t g = 0; g < genes; ++g) {
    model.clip.push_back(model.mean[g] + std::sqrt(n) * model.deviation[g]);
  }
  return model;
}

std::vector<double> SeuratV3Variance(const SeuratV3Model& model, const GeneMoments& clipped) {
  const auto n = static_cast<double>(clipped.cells);
  std::vector<double> variance;
  for (size_t g = 0; g < model.mean.size(); ++g) {
    const double mean = model.mean[g], deviation = model.deviation[g];
    variance.push_back((n * mean * mean + clipped.squares[g] - 2 * clipped.sum[g] * mean) /
                       ((n - 1) * deviation * deviation));
  }
  return variance;
}

std::vector<int64_t> LargestVariance(const std::vector<double>& variance, int64_t count) {
  const auto genes = static_cast<int64_t>(variance.size());
  std::vector<int64_t> order = AllGenes(genes);
  if (count <= 0 || count >= genes) return order;
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return variance[a] > variance[b]; });
  order.resize(count);
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace unlasting::cells
