#include "core/report/report.h"

#include "absl/strings/str_cat.h"
#include "core/report/grn_summary.h"
#include "core/report/group_plots.h"
#include "core/report/html.h"
#include "core/report/model_box.h"
#include "core/report/model_summary.h"
#include "core/report/overview.h"
#include "core/report/page.h"
#include "core/report/risk_section.h"
#include "core/report/score_tables.h"
#include "core/report/training_curves.h"

namespace unlasting::report {
namespace {

constexpr char kReading[] = R"html(<section><h2>How to read this page</h2><div class="reading">
<p><b>E-distance</b> Twice the mean distance between predicted and true cells, less the mean distances
within each; 0 for equal distributions. The unbiased form can fall slightly below 0; differences below
0.1 are noise at about 300 cells.</p>
<p><b>EMD</b> For each gene the area between the two distribution functions, then the mean over genes,
in log1p units.</p>
<p><b>Pearson delta</b> Correlation over genes of the mean changes against control. It looks at means
only, not at how cells vary.</p>
<p><b>No change</b> takes the control cells for the prediction. <b>Mean shift</b> adds the training
data's mean change to every control cell: that of the condition, else of its drug at other doses, else of
all perturbations.</p>
<p><b>Additive</b> adds the changes of a pair's single knockouts. <b>Linear</b> adds what ridge regression
on features of the drug, or on the gene's own responses to other knockouts, makes of the training.</p>
<p><b>Mean shift rank</b> takes mean shift and silences each gene, lowest values first, until as many cells are active as
the mask model expects.</p>
<p><b>Replay</b> takes the condition's own training cells, where training had them. <b>Expected
response</b> moves the control cells by what training measured, without a network; in a context that training
never saw it is the rule whose weights were chosen by leaving contexts out.</p>
<p><b>Ceiling</b> compares one random half of the true cells with the other: what sampling alone leaves
to any method. Halves are small groups, and fewer cells lift an EMD: it can lie above the model's.</p>
<p><b>Highlighted</b> is the best method of a row; the ceiling takes no part.</p>
<p><b>Intervals</b> in small print hold 95 % of what other draws of as many cells would give: true and
predicted cells are resampled, the model is not trained anew.</p>
<p><b>Modes</b> are told by Hartigan's dip test at the 5 % level: 2 where it rejects a single one. Silent
cells count as a mode where the active cells form another.</p>
</div></section>
)html";

// The manifest with genes as the page names them.
nlohmann::json WithReadableGenes(const ReportInput& input) {
  nlohmann::json manifest = input.manifest;
  if (manifest.is_object() && manifest.contains("genes") && manifest["genes"].is_array() &&
      manifest["genes"].size() == input.genes.size()) {
    manifest["genes"] = input.genes;
  }
  return manifest;
}

}  // namespace

std::string RenderHtml(const ReportInput& input) {
  const std::string title = input.title.empty() ? "Evaluation" : input.title;
  const size_t groups = input.scorecard.groups.size();
  std::string subtitle = absl::StrCat(groups, groups == 1 ? " group" : " groups", " scored");
  if (!input.genes.empty()) {
    absl::StrAppend(&subtitle, " on ", Count(static_cast<int64_t>(input.genes.size())), " genes");
  }
  return RenderPage(
      {"evaluation of predicted cells", title, subtitle, "",
       absl::StrCat(
           OverviewSection(input.scorecard), ModelBox(input.manifest, input.scorecard),
           ScoreTablesSection(input.scorecard), RiskSection(input.scorecard),
           input.plots == nullptr ? "" : input.plots->Distributions(),
           input.plots == nullptr ? "" : input.plots->DoseResponse(input.trained_doses),
           input.network == nullptr ? "" : NetworkSection(*input.network, input.network_nodes),
           TrainingSection(input.training), ModelSummarySection(WithReadableGenes(input)),
           kReading)});
}

}  // namespace unlasting::report
