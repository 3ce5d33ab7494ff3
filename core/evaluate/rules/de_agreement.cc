#include "core/evaluate/rules/de_agreement.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/evaluate/column_statistics.h"
#include "core/evaluate/ranking_areas.h"

namespace unlasting::evaluate::rules {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kDepths[] = {0, 50, 100, 200, 500};  // 0: as many as are significant

std::vector<double> Ranks(const std::vector<double>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (size_t first = 0; first < order.size();) {
    size_t last = first;
    while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
    for (size_t k = first; k < last; ++k) {
      ranks[order[k]] = (static_cast<double>(first + last) + 1) / 2;
    }
    first = last;
  }
  return ranks;
}

double Spearman(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() < 2 ? kNan : Pearson(Ranks(a), Ranks(b));
}

// Significant genes by the size of their change, largest first.
std::vector<int64_t> Ranked(const LoggedTable& table, int64_t t) {
  std::vector<int64_t> genes;
  for (int64_t g = 0; g < table.genes; ++g) {
    if (table.Significant(t, g)) genes.push_back(g);
  }
  const float* change = table.change.data() + t * table.genes;
  std::stable_sort(genes.begin(), genes.end(),
                   [&](int64_t a, int64_t b) { return std::abs(change[a]) > std::abs(change[b]); });
  return genes;
}

double Shared(std::vector<int64_t> a, std::vector<int64_t> b, size_t depth) {
  if (depth == 0) return 0;
  a.resize(std::min(a.size(), depth));
  b.resize(std::min(b.size(), depth));
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  std::vector<int64_t> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return static_cast<double>(both.size()) / static_cast<double>(depth);
}

// Of finding the genes significant in the truth by the prediction's adjusted p.
RankingAreas AreasOfGenes(const LoggedTable& truth, const LoggedTable& predicted, int64_t t) {
  std::vector<std::pair<double, bool>> genes;
  for (int64_t g = 0; g < truth.genes; ++g) {
    const auto q = static_cast<double>(predicted.q[t * truth.genes + g]);
    genes.emplace_back(std::clamp(q, 1e-10, 1.0), truth.Significant(t, g));
  }
  return AreasOf(std::move(genes));
}

// Recall, direction and rank correlation over the genes significant in the truth.
void AddOverTrueGenes(const LoggedTable& truth, const LoggedTable& predicted, int64_t t,
                      PlainMetrics* metrics) {
  double recalled = 0, matching = 0;
  std::vector<double> a, b;
  for (int64_t g = 0; g < truth.genes; ++g) {
    if (!truth.Significant(t, g)) continue;
    a.push_back(truth.change[t * truth.genes + g]);
    b.push_back(predicted.change[t * truth.genes + g]);
    recalled += predicted.Significant(t, g) ? 1 : 0;
    const auto sign = [](double x) { return (x > 0 ? 1 : 0) - (x < 0 ? 1 : 0); };
    matching += sign(a.back()) == sign(b.back()) ? 1 : 0;
  }
  const double n = static_cast<double>(a.size());
  const bool none = a.empty();
  const auto value = [none](double x) { return none ? std::nullopt : std::optional<double>(x); };
  (*metrics)["de_sig_genes_recall"].push_back(value(recalled / n));
  (*metrics)["de_direction_match"].push_back(value(matching / n));
  (*metrics)["de_spearman_lfc_sig"].push_back(value(Spearman(a, b)));
}

}  // namespace

void AddDeAgreement(const LoggedTable& truth, const LoggedTable& predicted, PlainMetrics* metrics) {
  std::vector<double> counts_true, counts_predicted, with_true, with_predicted;
  for (int64_t t = 0; t < truth.targets; ++t) {
    counts_true.push_back(static_cast<double>(truth.CountSignificant(t)));
    counts_predicted.push_back(static_cast<double>(predicted.CountSignificant(t)));
    if (counts_true.back() == 0) continue;
    with_true.push_back(counts_true.back());
    with_predicted.push_back(counts_predicted.back());
  }
  const auto any = [](const std::vector<double>& counts) {
    return std::any_of(counts.begin(), counts.end(), [](double count) { return count > 0; });
  };
  const bool comparable = any(counts_true) && any(counts_predicted);
  const double of_counts = Spearman(with_true, with_predicted);
  for (int64_t t = 0; t < truth.targets; ++t) {
    const auto a = Ranked(truth, t), b = Ranked(predicted, t);
    for (const size_t k : kDepths) {
      const std::string name = k == 0 ? "N" : absl::StrCat(k);
      const auto depth = [k](size_t n) { return k == 0 ? n : std::min(k, n); };
      (*metrics)["overlap_at_" + name].push_back(comparable ? Shared(a, b, depth(a.size())) : 0);
      (*metrics)["precision_at_" + name].push_back(comparable ? Shared(a, b, depth(b.size())) : 0);
    }
    (*metrics)["de_nsig_counts_real"].push_back(counts_true[t]);
    (*metrics)["de_nsig_counts_pred"].push_back(counts_predicted[t]);
    (*metrics)["de_spearman_sig"].push_back(of_counts);
    AddOverTrueGenes(truth, predicted, t, metrics);
    const RankingAreas areas = AreasOfGenes(truth, predicted, t);
    (*metrics)["pr_auc"].push_back(areas.precision_recall);
    (*metrics)["roc_auc"].push_back(areas.roc);
  }
}

}  // namespace unlasting::evaluate::rules
