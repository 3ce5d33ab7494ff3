// The keys of the noise of a job's cells, where eta is above 0.
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/file.h"
#include "core/predict/job/job_state.h"

namespace unlasting::predict {

std::string JobState::PerturbationKey(int perturbation) const {
  const Perturbation& asked = *perturbations[perturbation];
  return absl::StrCat(absl::StrJoin(asked.knockout, "+"), "/",
                      asked.molecule_key.empty() ? MoleculeKey(asked) : asked.molecule_key);
}

// A cell is named by its content, so that its noise under a perturbation is the same in any task;
// equal cells of one task differ by their count, so that a cell can be drawn twice.
void JobState::NameNoise() {
  std::map<std::string, int> count;
  for (int cell = 0; cell < cells(); ++cell) {
    // Panel cells are counted by themselves, as the task may hold them too.
    if (cell == request_cells) count.clear();
    const std::string content = ContentCache::LatentKey(options.solver, options.solver_steps,
                                                        cell_type[cell], control_units->Row(cell));
    noise_name.push_back(absl::StrCat(content, "#", count[content]++));
  }
}

uint64_t JobState::NoiseKey(int perturbation, int cell) const {
  const std::string digest =
      Sha256(absl::StrCat(options.seed, "/", PerturbationKey(perturbation), "/", noise_name[cell]));
  return std::stoull(digest.substr(0, 16), nullptr, 16);
}

}  // namespace unlasting::predict
