#include "client/pages/prediction_page_writer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/files/resolved_perturbation.h"
#include "client/pages/control_profile.h"
#include "client/pages/statements.h"
#include "client/pages/summary_genes.h"
#include "core/evaluate/distances.h"
#include "core/report/prediction_page.h"

namespace unlasting::client {
namespace {

constexpr int64_t kCellsPlotted = 500;   // of each kind
constexpr int64_t kCellsCompared = 200;  // of each kind, for the E-distance
constexpr size_t kPlotted = 40;          // perturbations with plots; those of the largest change
constexpr size_t kNamesInTitle = 3;

// Rows of a perturbation as the plots show them: log1p, whatever the scale of the profiles.
DenseMatrix PlottedCells(const CsrMatrix& rows, const v1::PredictHeader& header,
                         const std::vector<int64_t>& columns) {
  DenseMatrix cells =
      SelectColumns(SelectRowsDense(rows, SomeRows(rows.rows, kCellsPlotted)), columns);
  if (header.value_kind() != v1::VALUE_KIND_LOG1P) {
    for (float& value : cells.values) value = std::log1p(value);
  }
  return cells;
}

// What all perturbations of a result share.
class Writer {
 public:
  Writer(const PredictionCollector& collector, const PageContext& context)
      : collector_(collector),
        context_(context),
        header_(collector.header()),
        columns_(MeasuredColumns(header_)),
        summaries_(static_cast<size_t>(header_.perturbations_size()), nullptr) {
    for (const v1::PerturbationSummary& summary : collector.summaries()) {
      const int p = summary.perturbation_index();
      if (p >= 0 && p < header_.perturbations_size()) summaries_[static_cast<size_t>(p)] = &summary;
    }
    FindControls();
    ChoosePlotted();
  }

  report::PerturbationResult Result(int p) const {
    const v1::ResolvedPerturbation& perturbation = header_.perturbations(p);
    const v1::PerturbationSummary* const summary = summaries_[static_cast<size_t>(p)];
    report::PerturbationResult result;
    result.name = NameOf(perturbation);
    result.cells = collector_.cells();
    result.with_plots = plotted_[static_cast<size_t>(p)];
    result.facts = {
        {"condition", ConditionOf(perturbation)},
        {"SMILES", perturbation.smiles() == perturbation.label() ? "" : perturbation.smiles()}};
    for (const std::string& note : perturbation.notes()) result.notes.push_back(Sentence(note));
    result.seen = SeenText(perturbation);
    if (summary != nullptr) {
      result.genes = GenesOf(header_, *summary, columns_, context_.model);
      for (size_t g = 0; g < control_.share.size(); ++g) {
        result.genes[g].control_share = control_.share[g];
      }
      AddError(*summary, &result);
    }
    std::optional<double> effect;
    if (result.with_plots) {
      result.predicted = PlottedCells(collector_.rows_of(p), header_, columns_);
      result.control = control_.cells;
      result.plotted = Plotted(result);
      effect = EffectOf(result);
    }
    result.remarks = {DistanceStatement(perturbation), ErrorStatement(summary, effect)};
    return result;
  }

 private:
  void FindControls() {
    if (context_.controls == nullptr) {
      controls_note_ =
          "Plots show the predicted cells alone: the control cells are the model's own and stay on "
          "the server, which sends their means. Give control cells of your own (--control) to see "
          "both.";
      return;
    }
    if (collector_.summaries().empty()) return;
    auto profile = MakeControlProfile(*context_.controls, context_.model, header_,
                                      collector_.summaries().front(), columns_, kCellsPlotted);
    if (profile.ok()) {
      control_ = *std::move(profile);
    } else {
      controls_note_ = std::string(profile.status().message());
    }
  }

  void ChoosePlotted() {
    std::vector<double> change(summaries_.size(), 0);
    for (size_t p = 0; p < summaries_.size(); ++p) {
      if (summaries_[p] == nullptr) continue;
      change[p] =
          report::CountChanges(GenesOf(header_, *summaries_[p], columns_, context_.model)).length;
    }
    std::vector<size_t> order(summaries_.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&change](size_t a, size_t b) { return change[a] > change[b]; });
    plotted_.assign(order.size(), false);
    for (size_t k = 0; k < std::min(order.size(), kPlotted); ++k) plotted_[order[k]] = true;
  }

  static void AddError(const v1::PerturbationSummary& summary, report::PerturbationResult* result) {
    const v1::PredictedError* const error = WorstError(summary);
    if (error == nullptr || !error->has_expected_e_distance()) return;
    result->expected_error = error->expected_e_distance();
    result->expected_error_range = ErrorRange(*error);
  }

  std::string Plotted(const report::PerturbationResult& result) const {
    std::vector<std::string> sentences;
    if (collector_.cells() > kCellsPlotted) {
      sentences.push_back(
          absl::StrCat("Plots show ", kCellsPlotted, " of ", collector_.cells(), " cells."));
    }
    if (result.control.rows == 0 && !controls_note_.empty()) sentences.push_back(controls_note_);
    if (header_.value_kind() == v1::VALUE_KIND_DRAWN_COUNTS) {
      sentences.push_back(
          "Plots of cells show log1p of the counts; means, shares, tests and the volcano are of "
          "the "
          "profiles that the counts were drawn from.");
    }
    return absl::StrJoin(sentences, " ");
  }

  // The E-distance of the predicted from the control cells, as the predicted error is one: over all
  // genes of the model, of log1p values.
  std::optional<double> EffectOf(const report::PerturbationResult& result) const {
    const bool whole = static_cast<int>(columns_.size()) == context_.model.genes_size();
    if (!whole || header_.value_kind() == v1::VALUE_KIND_DRAWN_COUNTS) return std::nullopt;
    if (result.control.rows < 2 || result.predicted.rows < 2) return std::nullopt;
    const auto some = [](const DenseMatrix& cells) {
      return SelectRows(cells, SomeRows(cells.rows, kCellsCompared));
    };
    return evaluate::EDistance(some(result.control), some(result.predicted)).unbiased;
  }

  const PredictionCollector& collector_;
  const PageContext& context_;
  const v1::PredictHeader& header_;
  const std::vector<int64_t> columns_;
  std::vector<const v1::PerturbationSummary*> summaries_;  // by perturbation; null: none came
  std::vector<bool> plotted_;
  ControlProfile control_;  // empty where it cannot be had
  std::string controls_note_;
};

std::string TitleOf(const v1::PredictHeader& header) {
  std::vector<std::string> names;
  for (const v1::ResolvedPerturbation& each : header.perturbations()) {
    if (names.size() == kNamesInTitle) break;
    names.push_back(NameOf(each));
  }
  const int more = header.perturbations_size() - static_cast<int>(names.size());
  const auto& types = header.controls().cell_types();
  return absl::StrCat(absl::StrJoin(names, "; "),
                      more > 0 ? absl::StrCat(" and ", more, " more") : "",
                      types.size() == 1 ? absl::StrCat(" in ", types[0]) : "");
}

}  // namespace

std::string RenderPredictionPage(const PredictionCollector& collector, const PageContext& context) {
  const v1::PredictHeader& header = collector.header();
  report::PredictionPage page;
  const Writer writer(collector, context);
  for (int p = 0; p < header.perturbations_size(); ++p) page.Add(writer.Result(p));
  ResultStatements statements = StatementsOnResult(header, context.model.genes_size());
  report::PredictionFrame frame;
  frame.title = TitleOf(header);
  frame.subtitle =
      absl::StrCat(collector.finished().rows(), " cells predicted from ", collector.cells(),
                   " control cells by ", header.model(), ", version ", header.model_version());
  frame.asked = AskedFacts(header, context);
  frame.model = ModelFacts(header, context.model);
  frame.remarks = std::move(statements.remarks);
  frame.adjusted = std::move(statements.adjusted);
  frame.adjusted.insert(frame.adjusted.end(), context.warnings.begin(), context.warnings.end());
  return page.Html(frame);
}

}  // namespace unlasting::client
