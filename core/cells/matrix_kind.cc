#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
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
  for (const float value : values.values) {
    if (!std::isfinite(value) || (value < 0 && !predictions)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "found the value ", value, ", expected finite values of 0 or more",
          std::isfinite(value) ? " (scaled or centred values are no expression: name a layer, or "
                                 "raw, that holds counts or log1p values)"
                               : ""));
    }
    any = any || value != 0;
    if (value > largest) largest = value;
    if (value < 0) {
      ++negatives;
      if (value < least) least = value;
    }
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
  if (declared != "auto" && declared != "counts" && declared != "log1p") {
    return absl::InvalidArgumentError(
        absl::StrCat("matrix: found '", declared, "', expected auto, counts or log1p"));
  }
  const bool whole = range.integers && range.any;
  const bool never_logs = range.largest > kLargestLog || range.normalised_counts;
  if (declared == "counts") {
    if (range.integers || never_logs) return MatrixKind::kCounts;
    return absl::InvalidArgumentError(absl::StrCat(
        "declared counts, found the fraction ", range.fraction,
        "; expected integers (log1p data must be declared log1p: a second log is refused)"));
  }
  if (range.logged_twice) {
    return absl::InvalidArgumentError(
        "each cell sums to one number where expm1 is taken twice: these values were logged twice; "
        "name a layer, or raw, that holds counts or values that were logged once");
  }
  if (declared == "log1p") {
    const bool counts = whole && !range.predictions;
    if (range.largest <= kLargestLog && !counts) return MatrixKind::kLog1p;
    return absl::InvalidArgumentError(absl::StrCat(
        "declared log1p, found ", counts ? "only integers, " : "", "largest ", range.largest,
        "; expected logarithms below ", kLargestLog, " (raw counts must be declared counts)"));
  }
  if (whole && range.predictions) {
    return absl::InvalidArgumentError(absl::StrCat(
        "found only whole numbers, the largest ", range.largest,
        ", which may be counts or rounded logarithms; say which by --predicted-matrix"));
  }
  if (whole) return MatrixKind::kCounts;
  if (!range.any) return logged ? MatrixKind::kLog1p : MatrixKind::kCounts;
  if (range.normalised_counts) {
    return absl::InvalidArgumentError(
        "found fractions, and each cell sums to one number: these are normalised counts that were "
        "not logged; set matrix=counts to have them normalised and logged");
  }
  if (range.largest <= kLargestLog) return MatrixKind::kLog1p;
  return absl::InvalidArgumentError(absl::StrCat(
      "values are neither counts nor log1p: found fractions and a largest value of ", range.largest,
      "; set matrix=counts where they are counts that were corrected or normalised, "
      "or name a layer that holds counts"));
}

namespace {

std::string WithCovariates(std::string key, const std::map<std::string, double>& covariates) {
  for (const auto& [name, value] : covariates) absl::StrAppend(&key, "@", name, "=", value);
  return key;
}

}  // namespace

std::string Condition::Key() const {
  return WithCovariates(molecule() ? absl::StrCat(name, "@", dose_um, "uM") : name, covariates);
}

std::string Condition::Identity() const {
  return genes.empty() ? Key() : WithCovariates(absl::StrJoin(genes, "+"), covariates);
}

}  // namespace unlasting::cells
