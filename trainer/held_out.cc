#include "trainer/held_out.h"

#include <algorithm>

#include "core/anndata/writer.h"
#include "core/base/status.h"
#include "core/cells/preprocess.h"
#include "core/predict/mask.h"
#include "trainer/settings.h"
#include "trainer/shift_baselines.h"

namespace unlasting::trainer {
namespace {

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
  held_out.baselines = BaselinesFrom(held_out.data, held_out.split.test, true);
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
  held_out.baselines.AddTo(PerturbedOf(condition, true), &result);
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
