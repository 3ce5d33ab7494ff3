#include "trainer/held_out.h"

#include <algorithm>
#include <optional>

#include "core/anndata/writer.h"
#include "core/base/status.h"
#include "core/cells/normalise.h"
#include "core/cells/preprocess.h"
#include "core/predict/mask.h"
#include "trainer/settings.h"

namespace unlasting::trainer {
namespace {

// Mean over the cell types where training saw both: mean(perturbed) - mean(control).
std::optional<std::vector<float>> MeanShiftOf(const HeldOut& held_out, int32_t condition) {
  const cells::Dataset& data = held_out.data;
  const auto types = data.cell_types.size();
  std::vector<std::vector<int64_t>> perturbed(types), control(types);
  for (int64_t cell = 0; cell < data.n_cells(); ++cell) {
    if (held_out.split.test[cell]) continue;
    if (data.condition[cell] == condition) perturbed[data.cell_type[cell]].push_back(cell);
    if (data.conditions[data.condition[cell]].control) {
      control[data.cell_type[cell]].push_back(cell);
    }
  }
  std::vector<double> shift(data.n_genes(), 0.0), mean, deviation;
  int64_t seen = 0;
  for (size_t type = 0; type < types; ++type) {
    if (perturbed[type].empty() || control[type].empty()) continue;
    ++seen;
    cells::MeanAndDeviation(data.values, perturbed[type], &mean, &deviation);
    for (size_t g = 0; g < shift.size(); ++g) shift[g] += mean[g];
    cells::MeanAndDeviation(data.values, control[type], &mean, &deviation);
    for (size_t g = 0; g < shift.size(); ++g) shift[g] -= mean[g];
  }
  if (seen == 0) return std::nullopt;
  std::vector<float> result;
  for (const double value : shift) result.push_back(static_cast<float>(value / seen));
  return result;
}

// Pairs: the sum of the shifts of the single genes, where training saw them all.
std::optional<std::vector<float>> AdditiveShift(const HeldOut& held_out,
                                                const cells::Condition& pair) {
  std::vector<float> sum(held_out.data.n_genes(), 0.0f);
  for (const auto& gene : pair.genes) {
    std::optional<std::vector<float>> shift;
    for (size_t k = 0; k < held_out.data.conditions.size() && !shift; ++k) {
      const auto& genes = held_out.data.conditions[k].genes;
      if (genes.size() == 1 && genes[0] == gene) {
        shift = MeanShiftOf(held_out, static_cast<int32_t>(k));
      }
    }
    if (!shift) return std::nullopt;
    for (size_t g = 0; g < sum.size(); ++g) sum[g] += (*shift)[g];
  }
  return sum;
}

// The mean over all training perturbations: what is left where a condition was never seen.
std::optional<std::vector<float>> OverallShift(const HeldOut& held_out) {
  std::vector<float> mean(held_out.data.n_genes(), 0.0f);
  int64_t seen = 0;
  for (size_t k = 0; k < held_out.data.conditions.size(); ++k) {
    if (held_out.data.conditions[k].control) continue;
    const auto shift = MeanShiftOf(held_out, static_cast<int32_t>(k));
    if (!shift) continue;
    ++seen;
    for (size_t g = 0; g < mean.size(); ++g) mean[g] += (*shift)[g];
  }
  if (seen == 0) return std::nullopt;
  for (float& value : mean) value /= static_cast<float>(seen);
  return mean;
}

std::vector<int64_t> FirstCells(const std::vector<int64_t>& cells, int64_t most) {
  if (most <= 0 || static_cast<int64_t>(cells.size()) <= most) return cells;
  return {cells.begin(), cells.begin() + most};
}

}  // namespace

absl::StatusOr<HeldOut> LoadHeldOut(const bundle::Manifest& manifest, const std::string& path,
                                    const std::string& part) {
  if (part != "test" && part != "train") {
    return absl::InvalidArgumentError(
        absl::StrCat("--split: found '", part, "', expected test or train"));
  }
  UNLASTING_ASSIGN_OR_RETURN(const TrainConfig config, ConfigFromJson(manifest.settings));
  UNLASTING_ASSIGN_OR_RETURN(auto dataset, cells::LoadDataset(path, LoadOptionsOf(config)));
  HeldOut held_out;
  UNLASTING_ASSIGN_OR_RETURN(held_out.split,
                             cells::MakeSplit(dataset, PreprocessOptionsOf(config).split));
  if (held_out.split.record != manifest.split) {
    return absl::InvalidArgumentError(
        absl::StrCat(path,
                     ": its split differs from the bundle's; expected the file that the bundle was "
                     "trained on"));
  }
  auto normalised = cells::ApplyNormalisation(std::move(dataset), manifest.genes,
                                              manifest.normalisation.target_sum);
  if (!normalised.ok()) return Annotate(normalised.status(), path);
  held_out.data = *std::move(normalised);
  cells::Split tested = held_out.split;
  if (part == "train") tested.test.flip();
  held_out.groups = cells::TestGroups(held_out.data, tested);
  return held_out;
}

evaluate::Group MakeGroup(const HeldOut& held_out, const cells::TestGroup& group,
                          int64_t max_cells) {
  const cells::Condition& condition = held_out.data.conditions[group.condition];
  evaluate::Group result;
  result.key = {{"condition", condition.Key()},
                {"cell_type", held_out.data.cell_types[group.cell_type]}};
  result.truth = SelectRowsDense(held_out.data.values, FirstCells(group.truth, max_cells));
  result.control = SelectRowsDense(held_out.data.values, FirstCells(group.control, max_cells));
  if (condition.molecule()) {
    result.drug = condition.name;
    result.dose_um = condition.dose_um;
  }
  result.mean_shift = MeanShiftOf(held_out, group.condition);
  if (!result.mean_shift) result.mean_shift = OverallShift(held_out);
  if (condition.genes.size() > 1) {
    if (const auto shift = AdditiveShift(held_out, condition)) {
      result.further_baselines["additive"] = evaluate::Shifted(result.control, *shift);
    }
  }
  return result;
}

DenseMatrix MeanShiftRank(const DenseMatrix& control, const std::vector<float>& mean_shift,
                          const std::vector<float>& active_share) {
  // Ranks are taken before clipping, so that silent cells keep an order.
  DenseMatrix shifted = control;
  for (int64_t r = 0; r < shifted.rows; ++r) {
    auto row = shifted.Row(r);
    for (size_t g = 0; g < row.size(); ++g) row[g] += mean_shift[g];
  }
  predict::KeepTopShare(std::vector<double>(active_share.begin(), active_share.end()), &shifted);
  for (float& value : shifted.values) value = std::max(0.0f, value);
  return shifted;
}

absl::Status ExportCells(const HeldOut& held_out, const std::vector<int64_t>& cells,
                         double target_sum, const std::string& path) {
  anndata::AnnData data = cells::ToAnnData(cells::SelectCells(held_out.data, cells));
  data.uns["unlasting"] = {{"target_sum", target_sum}};
  return anndata::WriteAnnData(data, path);
}

}  // namespace unlasting::trainer
