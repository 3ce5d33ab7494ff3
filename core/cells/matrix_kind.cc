#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/cells/dataset.h"

namespace unlasting::cells {
namespace {

// log1p of a count never reaches this: e^25 is more molecules than any cell holds.
constexpr float kLargestLog = 25.0f;

}  // namespace

const char* MatrixKindName(MatrixKind kind) {
  return kind == MatrixKind::kCounts ? "counts" : "log1p";
}

absl::Status ValueRange::Add(const CsrMatrix& values) {
  any = any || !values.values.empty();
  for (const float value : values.values) {
    if (!std::isfinite(value) || value < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("found the value ", value, ", expected finite values of 0 or more"));
    }
    if (value > largest) largest = value;
    if (integers && value != std::floor(value)) {
      integers = false;
      fraction = value;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<MatrixKind> DecideMatrixKind(const CsrMatrix& values, const std::string& declared,
                                            bool logged) {
  ValueRange range;
  const absl::Status added = range.Add(values);
  if (!added.ok()) return added;
  return DecideMatrixKind(range, declared, logged);
}

absl::StatusOr<MatrixKind> DecideMatrixKind(const ValueRange& range, const std::string& declared,
                                            bool logged) {
  const bool integers = range.integers;
  const float largest = range.largest;
  if (declared == "counts") {
    if (!integers) {
      return absl::InvalidArgumentError(absl::StrCat(
          "declared counts, found the fraction ", range.fraction,
          "; expected integers (log1p data must be declared log1p: a second log is refused)"));
    }
    return MatrixKind::kCounts;
  }
  if (declared == "log1p") {
    const bool counts = integers && range.any && !logged;
    if (largest > kLargestLog || counts) {
      return absl::InvalidArgumentError(absl::StrCat(
          "declared log1p, found ", counts ? "only integers, " : "", "largest ", largest,
          "; expected logarithms below ", kLargestLog, " (raw counts must be declared counts)"));
    }
    return MatrixKind::kLog1p;
  }
  if (declared != "auto") {
    return absl::InvalidArgumentError(
        absl::StrCat("matrix: found '", declared, "', expected auto, counts or log1p"));
  }
  if (integers && !logged) return MatrixKind::kCounts;
  if (largest > kLargestLog) {
    return absl::InvalidArgumentError(absl::StrCat(
        "values are neither counts nor log1p: found fractions and a largest value of ", largest));
  }
  return MatrixKind::kLog1p;
}

std::vector<std::string> ParseGenes(const std::string& condition, const std::string& control) {
  std::vector<std::string> genes;
  for (const auto part : absl::StrSplit(condition, '+', absl::SkipWhitespace())) {
    const std::string gene(absl::StripAsciiWhitespace(part));
    if (gene != control && gene != "ctrl") genes.push_back(gene);
  }
  return genes;
}

std::string Condition::Key() const {
  std::string key = molecule() ? absl::StrCat(name, "@", dose_um, "uM") : name;
  for (const auto& [covariate, value] : covariates) {
    absl::StrAppend(&key, "@", covariate, "=", value);
  }
  return key;
}

}  // namespace unlasting::cells
