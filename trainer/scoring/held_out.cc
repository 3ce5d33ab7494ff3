#include "trainer/scoring/held_out.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/anndata/writer.h"
#include "core/base/status.h"
#include "core/predict/job/mask.h"
#include "trainer/data/data_options.h"
#include "trainer/scoring/training_sums.h"
#include "trainer/settings/settings.h"

namespace unlasting::trainer {
namespace {

namespace fs = std::filesystem;

// The bundle's split of the file, and the groups of the requested part.
struct Parts {
  cells::Split split;
  std::vector<cells::TestGroup> groups;
};

absl::StatusOr<Parts> PartsOf(const bundle::Manifest& manifest, const TrainConfig& config,
                              const cells::Dataset& annotations, const std::string& path,
                              const std::string& part) {
  if (part != "test" && part != "train") {
    return absl::InvalidArgumentError(
        absl::StrCat("--split: found '", part, "', expected test or train"));
  }
  Parts parts;
  UNLASTING_ASSIGN_OR_RETURN(parts.split,
                             cells::MakeSplit(annotations, PreprocessOptionsOf(config).split));
  if (!cells::SameSplit(parts.split.record, manifest.split)) {
    const bool older = manifest.split.is_object() &&
                       manifest.split.value("version", 1) < parts.split.record.value("version", 1);
    return absl::InvalidArgumentError(absl::StrCat(
        path,
        older ? ": the bundle's split was drawn by an older version of this software, which held "
                "other cells out; train the bundle again"
              : ": found a split that differs from the bundle's, expected the file that the bundle "
                "was trained on"));
  }
  cells::Split tested = parts.split;
  if (part == "train") tested.test.flip();
  parts.groups = cells::TestGroups(annotations, tested);
  if (parts.groups.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": found no ", part, " group with perturbed cells, expected one or more"));
  }
  return parts;
}

void KeepFirst(int64_t max_cells, std::vector<int64_t>* cells) {
  if (max_cells > 0 && static_cast<int64_t>(cells->size()) > max_cells) cells->resize(max_cells);
}

}  // namespace

absl::StatusOr<HeldOut> LoadHeldOut(const bundle::Manifest& manifest, const std::string& path,
                                    const std::string& part, int64_t max_cells) {
  UNLASTING_ASSIGN_OR_RETURN(const TrainConfig config, ConfigFromJson(manifest.settings));
  UNLASTING_ASSIGN_OR_RETURN(const auto file,
                             cells::NormalisedFile::Open(path, LoadOptionsOf(config)));
  HeldOut held_out;
  held_out.annotations = file->annotations();
  held_out.library_sizes = file->library_sizes();
  held_out.genes = manifest.genes;
  UNLASTING_ASSIGN_OR_RETURN(auto parts,
                             PartsOf(manifest, config, held_out.annotations, path, part));
  held_out.groups = std::move(parts.groups);
  held_out.values = cells::ChosenRows(held_out.annotations.n_cells());
  for (cells::TestGroup& group : held_out.groups) {
    for (auto* cells : {&group.truth, &group.control}) {
      KeepFirst(max_cells, cells);
      held_out.values.Want(*cells);
    }
  }
  if (part == "test") {
    for (const cells::TestGroup& group : held_out.groups) {
      held_out.replay[{group.condition, group.cell_type}] = {};
    }
    for (const int64_t cell : parts.split.Cells(/*test_cells=*/false)) {
      const auto at = held_out.replay.find(
          {held_out.annotations.condition[cell], held_out.annotations.cell_type[cell]});
      if (at != held_out.replay.end()) at->second.push_back(cell);
    }
    for (auto& [group, cells] : held_out.replay) {
      KeepFirst(max_cells, &cells);
      held_out.values.Want(cells);
    }
  }
  TrainingSums training(file->annotations(), parts.split.test, held_out.genes,
                        /*with_dose=*/true);
  UNLASTING_RETURN_IF_ERROR(file->ForEachBlock(held_out.genes, manifest.normalisation.target_sum,
                                               [&](int64_t first, const CsrMatrix& block) {
                                                 training.Add(first, block);
                                                 held_out.values.Take(first, block);
                                                 return absl::OkStatus();
                                               }));
  held_out.baselines = training.Baselines();
  held_out.trained_doses = training.Doses();
  return held_out;
}

evaluate::Group MakeGroup(const HeldOut& held_out, const cells::TestGroup& group) {
  const cells::Condition& condition = held_out.annotations.conditions[group.condition];
  evaluate::Group result;
  result.key = {{"condition", condition.Key()},
                {"cell_type", held_out.annotations.cell_types[group.cell_type]}};
  result.truth = held_out.values.Dense(group.truth);
  result.control = held_out.values.Dense(group.control);
  // Curves are over doses: those at one time and another would be mixed.
  if (condition.molecule() && condition.covariates.empty()) {
    result.drug = condition.name;
    result.dose_um = condition.dose_um;
  }
  const auto replay = held_out.replay.find({group.condition, group.cell_type});
  if (replay != held_out.replay.end() && !replay->second.empty()) {
    result.further_baselines["replay"] = held_out.values.Dense(replay->second);
  }
  held_out.baselines.AddTo(PerturbedOf(condition, true),
                           held_out.annotations.cell_types[group.cell_type], &result);
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

absl::Status ExportHeldOut(const bundle::Manifest& manifest, const std::string& path,
                           const std::string& part, const std::string& directory) {
  const double target_sum = manifest.normalisation.target_sum;
  UNLASTING_ASSIGN_OR_RETURN(const TrainConfig config, ConfigFromJson(manifest.settings));
  UNLASTING_ASSIGN_OR_RETURN(
      auto data, cells::LoadNormalised(path, LoadOptionsOf(config), manifest.genes, target_sum));
  UNLASTING_ASSIGN_OR_RETURN(const auto parts, PartsOf(manifest, config, data, path, part));
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return absl::UnknownError(absl::StrCat(directory, ": ", error.message()));
  std::vector<int64_t> truth, control;
  std::vector<bool> wanted(data.n_cells(), false);
  for (const auto& group : parts.groups) {
    truth.insert(truth.end(), group.truth.begin(), group.truth.end());
    // Groups of one cell type share their control cells.
    for (const int64_t cell : group.control) wanted[cell] = true;
  }
  for (int64_t cell = 0; cell < data.n_cells(); ++cell) {
    if (wanted[cell]) control.push_back(cell);
  }
  // The files are in our own layout, whatever the control is called in the data, so that `metrics`
  // takes them as they are.
  for (auto& condition : data.conditions) {
    if (condition.control) condition.name = cells::LoadOptions().control;
  }
  const std::vector<std::string> covariates(config.covariates().begin(), config.covariates().end());
  const auto write = [&](const std::vector<int64_t>& cells, const char* name) {
    anndata::AnnData chosen = cells::ToAnnData(cells::SelectCells(data, cells));
    chosen.uns["unlasting"] = {{"target_sum", target_sum}};
    if (!covariates.empty()) chosen.uns["unlasting"]["covariates"] = covariates;
    // scanpy's mark of a logarithm: few small values could be taken for counts.
    chosen.uns["log1p"] = {{"base", std::exp(1.0)}};
    return anndata::WriteAnnData(chosen, fs::path(directory) / name);
  };
  UNLASTING_RETURN_IF_ERROR(write(truth, "truth.h5ad"));
  UNLASTING_RETURN_IF_ERROR(write(control, "control.h5ad"));
  return write(parts.split.Cells(/*test_cells=*/false), "training.h5ad");
}

}  // namespace unlasting::trainer
