#include "core/evaluate/rules/sample_table.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace unlasting::evaluate::rules {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kPseudocount = 1e-9;
// Below this a fold change is the rounding of sums in another order, whose sign says nothing.
constexpr double kDust = 1e-12;

}  // namespace

void ControlCells::Set(double scaled_sum, absl::Span<const Expressed> expressed, int64_t cells) {
  mean = cells > 0 ? scaled_sum / static_cast<double>(cells) : 0;
  logged.clear();
  for (const Expressed& cell : expressed) logged.push_back(cell.logged);
  sample.values = logged;
  sample.zeros = cells - static_cast<int64_t>(logged.size());
  sample.tied = TiedTerm(sample);
}

SampleBuilder::SampleBuilder(int64_t targets, int64_t genes, const std::vector<int32_t>& group_of,
                             const std::vector<double>& library) {
  table_.targets = targets;
  table_.genes = genes;
  table_.cells.assign(targets + 1, 0);
  std::vector<std::vector<double>> libraries(targets + 1);
  for (size_t cell = 0; cell < group_of.size(); ++cell) {
    if (group_of[cell] < 0) continue;
    ++table_.cells[group_of[cell]];
    libraries[group_of[cell]].push_back(library[cell]);
  }
  for (const auto& group : libraries) jackknives_.emplace_back(group);
  table_.bulk.assign((targets + 1) * genes, 0);
  table_.tested.assign(genes, 0);
  table_.log2_fold_change.assign(targets * genes, kNan);
  table_.p_value.assign(targets * genes, kNan);
  noise_.assign(((genes + kChunk - 1) / kChunk) * (targets + 1), 0);
}

void SampleBuilder::AddBulk(int64_t gene, int64_t group, const GroupSum& sum,
                            absl::Span<const Expressed> expressed) {
  const Jackknife& jackknife = jackknives_[group];
  table_.bulk[group * table_.genes + gene] = Bulk(sum.counts, jackknife.total());
  noise_[gene / kChunk * (table_.targets + 1) + group] += jackknife.GeneTerm(sum.counts, expressed);
}

void SampleBuilder::AddTest(int64_t gene, int64_t target, const GroupSum& sum,
                            absl::Span<const double> logged, const ControlCells& control,
                            const RankSumOptions& options) {
  const int64_t cells = table_.cells[target];
  if (!(control.mean > kMinControlMean) || cells == 0) return;
  table_.tested[gene] = 1;
  const double mean = sum.scaled / static_cast<double>(cells);
  const double change = std::log2((mean + kPseudocount) / (control.mean + kPseudocount));
  const int64_t at = target * table_.genes + gene;
  table_.log2_fold_change[at] = std::abs(change) < kDust ? 0 : change;
  SortedSample group{logged, cells - static_cast<int64_t>(logged.size())};
  table_.p_value[at] = RankSumTest(group, control.sample, options).p;
}

SampleTable SampleBuilder::Finish() {
  const int64_t groups = table_.targets + 1;
  table_.jackknife.assign(groups, 0);
  for (size_t k = 0; k < noise_.size(); ++k) table_.jackknife[k % groups] += noise_[k];
  for (double& noise : table_.jackknife) noise = std::max(noise, 0.0);
  noise_.clear();
  return std::move(table_);
}

}  // namespace unlasting::evaluate::rules
