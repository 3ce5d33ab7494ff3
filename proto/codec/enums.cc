#include "proto/codec/enums.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace unlasting::codec {
namespace {

template <typename Enum>
using Words = std::vector<std::pair<Enum, std::string>>;

const Words<v1::Solver>& Solvers() {
  static const auto* const kWords =
      new Words<v1::Solver>{{v1::SOLVER_DDIM, "ddim"}, {v1::SOLVER_DPMPP_2M, "dpmpp2m"}};
  return *kWords;
}

const Words<v1::MaskMode>& MaskModes() {
  static const auto* const kWords = new Words<v1::MaskMode>{{v1::MASK_MODE_RANK, "rank"},
                                                            {v1::MASK_MODE_CELL, "cell"},
                                                            {v1::MASK_MODE_AGGREGATE, "aggregate"},
                                                            {v1::MASK_MODE_SAMPLE, "sample"},
                                                            {v1::MASK_MODE_NONE, "none"}};
  return *kWords;
}

const Words<v1::ValueKind>& ValueKinds() {
  static const auto* const kWords =
      new Words<v1::ValueKind>{{v1::VALUE_KIND_LOG1P, "log1p"},
                               {v1::VALUE_KIND_COUNTS, "normalised counts"},
                               {v1::VALUE_KIND_DRAWN_COUNTS, "counts"}};
  return *kWords;
}

const Words<v1::DoseUnit>& DoseUnits() {
  static const auto* const kWords = new Words<v1::DoseUnit>{{v1::DOSE_UNIT_PICOMOLAR, "pM"},
                                                            {v1::DOSE_UNIT_NANOMOLAR, "nM"},
                                                            {v1::DOSE_UNIT_MICROMOLAR, "uM"},
                                                            {v1::DOSE_UNIT_MILLIMOLAR, "mM"},
                                                            {v1::DOSE_UNIT_MOLAR, "M"}};
  return *kWords;
}

const Words<v1::DoseRange>& DoseRanges() {
  static const auto* const kWords = new Words<v1::DoseRange>{{v1::DOSE_RANGE_BELOW, "below"},
                                                             {v1::DOSE_RANGE_WITHIN, "within"},
                                                             {v1::DOSE_RANGE_ABOVE, "above"}};
  return *kWords;
}

const Words<v1::GeneTraining>& GeneTrainings() {
  static const auto* const kWords =
      new Words<v1::GeneTraining>{{v1::GENE_TRAINING_SINGLY, "singly"},
                                  {v1::GENE_TRAINING_IN_COMBINATION, "in combination"},
                                  {v1::GENE_TRAINING_NEVER, "never"}};
  return *kWords;
}

template <typename Enum>
std::string NameOf(const Words<Enum>& words, Enum value) {
  for (const auto& [candidate, word] : words) {
    if (candidate == value) return word;
  }
  return "";
}

template <typename Enum>
absl::StatusOr<Enum> FromName(const Words<Enum>& words, const std::string& name,
                              const char* subject) {
  if (name.empty()) return Enum{};
  std::string expected;
  for (const auto& [candidate, word] : words) {
    if (word == name) return candidate;
    absl::StrAppend(&expected, expected.empty() ? "" : ", ", word);
  }
  return absl::InvalidArgumentError(
      absl::StrCat(subject, ": found '", name, "', expected one of ", expected));
}

}  // namespace

absl::StatusOr<v1::Solver> SolverFromName(const std::string& name) {
  return FromName(Solvers(), name, "solver");
}
std::string SolverName(v1::Solver solver) { return NameOf(Solvers(), solver); }

absl::StatusOr<v1::MaskMode> MaskModeFromName(const std::string& name) {
  return FromName(MaskModes(), name, "mask");
}
std::string MaskModeName(v1::MaskMode mode) { return NameOf(MaskModes(), mode); }

std::string ValueKindName(v1::ValueKind kind) { return NameOf(ValueKinds(), kind); }
absl::StatusOr<v1::ValueKind> ValueKindFromName(const std::string& name) {
  static const auto* const kAskedFor = new Words<v1::ValueKind>{
      {v1::VALUE_KIND_LOG1P, "log1p"}, {v1::VALUE_KIND_DRAWN_COUNTS, "counts"}};
  return FromName(*kAskedFor, name, "value kind");
}

std::string DoseUnitName(v1::DoseUnit unit) { return NameOf(DoseUnits(), unit); }
std::string DoseRangeName(v1::DoseRange range) { return NameOf(DoseRanges(), range); }
std::string GeneTrainingName(v1::GeneTraining training) {
  return NameOf(GeneTrainings(), training);
}

}  // namespace unlasting::codec
