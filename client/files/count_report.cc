#include "client/files/count_report.h"

#include "absl/strings/str_format.h"
#include "proto/codec/enums.h"

namespace unlasting::client {

void CountReport::Add(const v1::PerturbationSummary& summary) {
  if (!summary.has_drawn_counts()) return;
  const v1::DrawnCounts& counts = summary.drawn_counts();
  ++perturbations_;
  lost_share_ += counts.lost_share();
  total_ += counts.mean_total();
  expected_total_ += counts.expected_total();
}

std::string CountReport::Text() const {
  if (perturbations_ == 0) return "";
  const auto count = static_cast<double>(perturbations_);
  return absl::StrFormat(
      "counts: %.4g a cell (expected %.4g) in the genes returned; %.1f%% of the active values of "
      "the profiles were drawn as 0, where less than one count is expected",
      total_ / count, expected_total_ / count, 100 * lost_share_ / count);
}

nlohmann::json CountReport::Json() const {
  if (perturbations_ == 0) return nullptr;
  const auto count = static_cast<double>(perturbations_);
  return {{"mean_total", total_ / count},
          {"expected_total", expected_total_ / count},
          {"lost_share", lost_share_ / count}};
}

void AddCountFacts(const v1::PredictHeader& header,
                   const std::vector<v1::PerturbationSummary>& summaries, anndata::AnnData* data) {
  nlohmann::json& facts = data->uns["unlasting"];
  facts["value_kind"] = codec::ValueKindName(header.value_kind());
  if (header.value_kind() != v1::VALUE_KIND_DRAWN_COUNTS) return;
  facts["count_depth"] = header.count_depth();
  const int64_t perturbations = header.perturbations_size();
  DenseMatrix shares(header.genes_size(), perturbations);
  if (static_cast<int64_t>(summaries.size()) != perturbations) return;
  for (const v1::PerturbationSummary& summary : summaries) {
    const auto& share = summary.drawn_counts().active_share();
    const int column = summary.perturbation_index();
    if (share.size() != header.genes_size() || column < 0 || column >= perturbations) return;
    for (int g = 0; g < share.size(); ++g) shares.At(g, column) = share[g];
  }
  data->varm["drawn_active_share"] = std::move(shares);
}

}  // namespace unlasting::client
