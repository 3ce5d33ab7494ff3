// The keys of what is drawn for a job's cells: the noise of eta, and counts.
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/file.h"
#include "core/predict/job/job_state.h"

namespace unlasting::predict {
namespace {

uint64_t KeyOf(const std::string& text) {
  return std::stoull(Sha256(text).substr(0, 16), nullptr, 16);
}

}  // namespace

std::string JobState::PerturbationKey(int perturbation) const {
  const Perturbation& asked = *perturbations[perturbation];
  return absl::StrCat(absl::StrJoin(asked.knockout, "+"), "/",
                      asked.molecule_key.empty() ? MoleculeKey(asked) : asked.molecule_key);
}

// A cell is named by its content, so that its noise under a perturbation is the same in any task;
// equal cells of one task differ by their count, so that a cell can be drawn twice.
std::vector<std::string> JobState::CellNames(int64_t count) const {
  std::vector<std::string> names;
  std::map<std::string, int> met;
  for (int64_t cell = 0; cell < count; ++cell) {
    // Panel cells are counted by themselves, as the task may hold them too.
    if (cell == request_cells) met.clear();
    const std::string content = LatentKey(cell);
    names.push_back(absl::StrCat(content, "#", met[content]++));
  }
  return names;
}

void JobState::NameNoise() { noise_name = CellNames(cells()); }

void JobState::NameCounts(const std::vector<double>& library_size) {
  count_name = CellNames(request_cells);
  count_depth = library_size;
  if (options.count_depth > 0) count_depth.assign(request_cells, options.count_depth);
}

uint64_t JobState::NoiseKey(int perturbation, int cell) const {
  return KeyOf(
      absl::StrCat(options.seed, "/", PerturbationKey(perturbation), "/", noise_name[cell]));
}

std::vector<CountDraw> JobState::CountDraws(int perturbation) const {
  const bundle::Manifest& manifest = engine->bundle().manifest();
  const std::string common =
      absl::StrCat("counts/", options.seed, "/", PerturbationKey(perturbation), "/");
  std::vector<CountDraw> draws;
  for (size_t cell = 0; cell < count_name.size(); ++cell) {
    draws.push_back({KeyOf(absl::StrCat(common, count_name[cell])),
                     count_depth[cell] / manifest.normalisation.target_sum,
                     manifest.counts.dispersion_share});
  }
  return draws;
}

}  // namespace unlasting::predict
