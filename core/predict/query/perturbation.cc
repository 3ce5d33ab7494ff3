#include "core/predict/query/perturbation.h"

#include "core/base/file.h"

namespace unlasting::predict {

std::string MoleculeKey(const Perturbation& perturbation) {
  if (perturbation.molecule.empty()) return "";
  std::string content(reinterpret_cast<const char*>(perturbation.molecule.data()),
                      perturbation.molecule.size() * sizeof(float));
  content.append(reinterpret_cast<const char*>(&perturbation.log10_dose_um), sizeof(float));
  return Sha256(content);
}

int64_t PerturbationBytes(const Perturbation& perturbation) {
  constexpr size_t kAllocations = 256;  // of the strings and nodes that most have
  size_t bytes = sizeof(Perturbation) + kAllocations + perturbation.label.capacity() +
                 perturbation.condition.capacity() + perturbation.smiles.capacity() +
                 perturbation.molecule.capacity() * sizeof(float) +
                 perturbation.measured_in.capacity() * sizeof(int32_t) +
                 perturbation.genes.capacity() * sizeof(GeneDistance);
  for (const std::string& note : perturbation.notes) bytes += sizeof(note) + note.capacity();
  return static_cast<int64_t>(bytes);
}

DoseRange DoseRangeOf(const MoleculeDistance& distance, double dose_um) {
  if (distance.highest_dose_um <= 0) return DoseRange::kUnknown;
  // Doses are written in many units: the last bits do not count.
  constexpr double kRounding = 1e-6;
  if (dose_um < distance.lowest_dose_um * (1 - kRounding)) return DoseRange::kBelow;
  if (dose_um > distance.highest_dose_um * (1 + kRounding)) return DoseRange::kAbove;
  return DoseRange::kWithin;
}

}  // namespace unlasting::predict
