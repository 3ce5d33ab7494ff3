#include "client/screen/screen_report.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "client/files/predict_request.h"
#include "client/files/resolved_perturbation.h"
#include "core/base/file.h"
#include "proto/codec/enums.h"

namespace unlasting::client {
namespace {

// A cell holds neither tabs nor ends of lines.
std::string Cell(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
  return text;
}

std::string Line(const std::vector<std::string>& cells) {
  std::vector<std::string> clean;
  for (const std::string& cell : cells) clean.push_back(Cell(cell));
  return absl::StrCat(absl::StrJoin(clean, "\t"), "\n");
}

// "" for what is absent.
std::string Number(double value) { return std::isnan(value) ? "" : absl::StrFormat("%.6g", value); }

}  // namespace

RankedRow RankedRowOf(const v1::PredictHeader& header, const v1::PerturbationSummary& summary) {
  const auto& missing = header.controls().missing_genes();
  const std::set<std::string> filled_in(missing.begin(), missing.end());
  RankedRow row;
  const int genes =
      std::min({header.genes_size(), summary.mean_size(), summary.control_mean_size()});
  for (int g = 0; g < genes; ++g) {
    if (filled_in.count(header.genes(g)) > 0) continue;
    const double change = summary.mean(g) - summary.control_mean(g);
    row.change += change * change;
  }
  row.change = std::sqrt(row.change);
  for (const v1::RankedGene& gene : summary.ranked_genes()) {
    if (static_cast<int>(row.top_genes.size()) == kRankedGenes) break;
    row.top_genes.push_back(absl::StrFormat("%s(%+.2f)", gene.gene(), gene.log2_fold_change()));
  }
  if (const v1::PredictedError* const worst = WorstError(summary)) row.error = *worst;
  return row;
}

absl::Status WriteRanking(const std::string& path, const v1::PredictHeader& header,
                          const std::vector<ScreenRow>& rows,
                          const std::vector<RankedRow>& ranked) {
  std::vector<size_t> order(ranked.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&ranked](size_t a, size_t b) { return ranked[a].change > ranked[b].change; });
  std::string text = Line({"rank",
                           "line",
                           "name",
                           "perturbation",
                           "condition",
                           "dose_um",
                           "change",
                           "top_genes",
                           "condition_seen",
                           "context_seen",
                           "seen_together",
                           "network_hops",
                           "nearest_molecule",
                           "molecule_similarity",
                           "dose_range",
                           "notes",
                           "predicted_e_distance",
                           "predicted_e_distance_lower",
                           "predicted_e_distance_upper",
                           "predicted_error"});
  for (size_t k = 0; k < order.size(); ++k) {
    const v1::ResolvedPerturbation& each = header.perturbations(static_cast<int>(order[k]));
    const ScreenRow& row = rows[order[k]];
    const v1::PredictedError error = ranked[order[k]].error.value_or(v1::PredictedError());
    absl::StrAppend(
        &text, Line({absl::StrCat(k + 1),
                     absl::StrCat(row.line),
                     row.name,
                     each.label(),
                     ConditionOf(each),
                     each.dose_micromolar() > 0 ? Number(each.dose_micromolar()) : std::string(),
                     Number(ranked[order[k]].change),
                     absl::StrJoin(ranked[order[k]].top_genes, " "),
                     each.seen_in_training() ? "yes" : "no",
                     ContextSeen(each),
                     SeenTogether(each),
                     Number(NetworkHops(each)),
                     each.molecule().nearest_molecule(),
                     Number(MoleculeSimilarity(each)),
                     each.has_molecule() ? codec::DoseRangeName(each.molecule().dose_range())
                                         : std::string(),
                     absl::StrJoin(each.notes(), "; "),
                     error.has_expected_e_distance() ? Number(error.expected_e_distance()) : "",
                     error.has_lower() ? Number(error.lower()) : "",
                     error.has_upper() ? Number(error.upper()) : "",
                     ranked[order[k]].error.has_value() ? PredictedErrorText(error) : ""}));
  }
  return WriteFileAtomically(path, text);
}

absl::Status WriteErrors(const std::string& path, const std::vector<BadRow>& bad) {
  std::string text = Line({"line", "name", "reason", "message", "row"});
  for (const BadRow& row : bad) {
    absl::StrAppend(&text,
                    Line({absl::StrCat(row.line), row.name, row.reason, row.message, row.text}));
  }
  return WriteFileAtomically(path, text);
}

std::string BesideOutput(const std::string& out, const std::string& ending) {
  absl::string_view stem = out;
  absl::ConsumeSuffix(&stem, ".h5ad");
  return absl::StrCat(stem, ending);
}

}  // namespace unlasting::client
