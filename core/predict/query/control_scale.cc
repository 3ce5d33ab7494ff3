#include "core/predict/query/control_scale.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/predict/query/control_profile.h"
#include "core/predict/query/refusal.h"

namespace unlasting::predict {
namespace {

using cells::ControlMatrix;
using cells::MatrixKind;
using cells::SumText;

// Cells of one type measured elsewhere differ less, log1p of the usual sums differ more.
constexpr double kPlainlyAnother = 2;
// What differs less is refused no more, but said, where it is no accident of few cells.
constexpr double kWorthANote = 1.25;
constexpr double kStandardErrors = 4;
constexpr int64_t kMinCells = 5;

// The share of the panel cells' sums that the genes have which are not `missing`; 0 where unknown.
double ShareOfPanel(const bundle::Bundle& bundle, const std::vector<size_t>& missing) {
  if (missing.empty()) return 1;
  const DenseMatrix& panel = bundle.reference().panel;
  double all = 0, lacking = 0;
  for (int64_t r = 0; r < panel.rows; ++r) {
    const auto row = panel.Row(r);
    for (const float value : row) all += std::expm1(value);
    for (const size_t gene : missing) lacking += std::expm1(row[gene]);
  }
  return all > 0 ? 1 - lacking / all : 0;
}

// Of a cell of this type. One that training never saw is not expected to be like any of the
// training's, but within their range.
double ExpectedSum(const std::vector<double>& sums, int32_t cell_type, double found) {
  if (cell_type < static_cast<int32_t>(sums.size())) return sums[cell_type];
  const auto [least, largest] = std::minmax_element(sums.begin(), sums.end());
  return std::clamp(found, *least, *largest);
}

std::string Remedy(const bundle::Manifest& manifest, const ControlMatrix& controls) {
  const double target = manifest.normalisation.target_sum;
  if (controls.kind == MatrixKind::kCounts) {
    return controls.library_sizes.empty()
               ? "each cell was scaled by the sum over the genes that were sent; send all measured "
                 "genes, or library_sizes (--library-size-column)"
               : "check library_sizes (--library-size-column)";
  }
  if (!(target > 0)) return "expected log1p values normalised as the model's training cells were";
  return absl::StrCat("expected log1p of counts normalised to the model's ", SumText(target),
                      "; send counts, or all measured genes, or say to what these were normalised "
                      "by target_sum (--target-sum)");
}

}  // namespace

absl::StatusOr<ControlScale> ScaleOfControls(const bundle::Bundle& bundle,
                                             const ControlMatrix& controls) {
  ControlScale scale;
  scale.said = controls.target_sum > 0 || !controls.library_sizes.empty();
  if (controls.kind == MatrixKind::kCounts || controls.on_model_scale) return scale;
  cells::LogScale found;
  found.target_sum = controls.target_sum;
  if (!scale.said) {
    cells::ScaleSample sample(controls.values.rows);
    sample.Add(0, controls.values);
    if (sample.NormalisedCounts()) {
      return Invalid("INVALID_VALUE",
                     "controls: found values that sum to one number in every cell, which are "
                     "normalised counts and not log1p values; send them as counts");
    }
    if (sample.LoggedTwice()) {
      return Invalid("INVALID_VALUE",
                     "controls: found values that were logged twice, as their cells sum to one "
                     "number where expm1 is taken twice; send counts, or values logged once");
    }
    if (sample.LoggedCounts() && bundle.manifest().normalisation.target_sum > 0) {
      scale.logged_counts = true;
      scale.notes.push_back(
          "control cells: log1p of whole counts that were not normalised were taken back to "
          "counts");
      return scale;
    }
    found = sample.Decide({});
  }
  const double target = bundle.manifest().normalisation.target_sum;
  scale.conversion = cells::LogConversion(found, target);
  if (!found.remark.empty()) {
    scale.notes.push_back(absl::StrCat("control cells: ", found.remark, "; they were converted"));
  }
  if (scale.conversion.rescales()) {
    scale.notes.push_back(absl::StrCat("control cells: log1p of counts normalised to ",
                                       SumText(found.target_sum), " a cell were rescaled to ",
                                       SumText(target), ", which the model was trained on"));
  } else if (controls.target_sum > 0 && !(target > 0)) {
    scale.notes.push_back(
        "control cells: the sum that the model's training cells were normalised to is not known, "
        "so "
        "that log1p values were taken as they are");
  }
  return scale;
}

absl::Status CheckFit(const bundle::Bundle& bundle, const ControlMatrix& controls,
                      const CsrMatrix& values, const std::vector<int32_t>& cell_types,
                      const std::vector<size_t>& missing, ControlScale* scale) {
  const bundle::Manifest& manifest = bundle.manifest();
  const auto& sums = manifest.normalisation.control_sums;
  if (sums.empty() || controls.on_model_scale) return absl::OkStatus();
  std::vector<bool> filled_in(manifest.genes.size(), false);
  for (const size_t gene : missing) filled_in[gene] = true;
  const double share = ShareOfPanel(bundle, missing);
  double found = 0, expected = 0, squares = 0;
  for (int64_t r = 0; r < values.rows; ++r) {
    const auto genes = values.RowIndices(r);
    const auto row = values.RowValues(r);
    double sum = 0;
    for (size_t k = 0; k < genes.size(); ++k) {
      if (!filled_in[genes[k]]) sum += std::expm1(row[k]);
    }
    const double expected_sum = ExpectedSum(sums, cell_types[r], sum / share) * share;
    found += sum;
    expected += expected_sum;
    squares += (sum - expected_sum) * (sum - expected_sum);
  }
  if (!(expected > 0)) return absl::OkStatus();
  const double ratio = found / expected;
  const auto cells = static_cast<double>(values.rows);
  const bool refused = ratio >= kPlainlyAnother || ratio <= 1 / kPlainlyAnother;
  if (!refused) {
    if (std::string note = NoteOnProfile(bundle, values, cell_types, missing); !note.empty()) {
      scale->notes.push_back(std::move(note));
    }
    const double difference = (found - expected) / cells;
    const double error =
        std::sqrt(std::max(0.0, squares / cells - difference * difference) / (cells - 1));
    if ((ratio < kWorthANote && ratio > 1 / kWorthANote) || values.rows < kMinCells ||
        std::abs(difference) < kStandardErrors * error) {
      return absl::OkStatus();
    }
  }
  const std::string message =
      absl::StrCat("control cells sum to ", SumText(found / cells), " (expm1 of log1p values over ",
                   manifest.genes.size() - missing.size(), " genes of the model, mean of ",
                   values.rows, values.rows == 1 ? " cell" : " cells", "), the model's own to ",
                   SumText(expected / cells), ": ", Remedy(manifest, controls));
  if (refused && !scale->said) return Invalid("SCALE_MISMATCH", message);
  scale->notes.push_back(message);
  return absl::OkStatus();
}

}  // namespace unlasting::predict
