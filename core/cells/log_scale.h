// log_scale.h tells on which scale logarithms are: of which base, and of counts normalised to which
// sum. Cells that were normalised over all their genes sum to one number, which a look at the
// values finds again; a file's own remarks (uns) come second. Trainer, metrics, client and server
// ask here. Plain values and pure functions; any thread.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/anndata/reader.h"
#include "core/base/matrix.h"

namespace unlasting::cells {

// What a file says of its X.
struct LogMark {
  bool logged = false;    // uns/log1p is there, as scanpy's log1p leaves it
  double base = 0;        // uns/log1p/base; 0: not said, which means e
  double target_sum = 0;  // uns/unlasting/target_sum; 0: not said
};

// The mark of `element`; empty for any other than X, of which alone uns speaks. INVALID_ARGUMENT
// where uns/log1p/base is no number above 1.
absl::StatusOr<LogMark> ReadLogMark(anndata::Reader* reader, const std::string& element);

// The scale of log values: log_base(1 + count / library size * target_sum).
struct LogScale {
  double base = 2.718281828459045;
  double target_sum = 0;  // 0: unknown
  std::string remark;     // what a user should be told; "" for nothing
};

// Takes logarithms on one scale to natural logarithms on another.
class LogConversion {
 public:
  LogConversion() = default;  // changes nothing
  // Where either sum is 0 (unknown), the base alone is converted. Sums that differ by less than
  // 2e-6 of each other are one, and values then keep their bits.
  LogConversion(const LogScale& from, double target_sum);

  bool changes() const { return ln_base_ != 1.0 || ratio_ != 1.0; }
  bool rescales() const { return ratio_ != 1.0; }
  float Convert(float value) const;
  void Apply(CsrMatrix* values) const;

 private:
  double ln_base_ = 1.0;
  double ratio_ = 1.0;
};

// The whole count that a value of ScaleSample::LoggedCounts is the log1p of.
inline float CountFromLog1p(float value) {
  return static_cast<float>(std::round(std::expm1(static_cast<double>(value))));
}
void CountsFromLog1p(CsrMatrix* values);

// ScaleSample looks at up to 2000 rows of a matrix, evenly chosen, for what their sums say.
class ScaleSample {
 public:
  explicit ScaleSample(int64_t rows);

  // `block` holds the rows from `first` on, over all genes of the file. Each row is added once.
  void Add(int64_t first, const CsrMatrix& block);

  // True where the values themselves sum to one number: normalised counts that were not logged.
  bool NormalisedCounts() const;
  // True where expm1 taken twice sums to one number: logarithms of logarithms.
  bool LoggedTwice() const;
  // True where expm1 of every value is a whole number: logarithms of counts that were not
  // normalised.
  bool LoggedCounts() const;
  // The scale, if the values are logarithms: that under which cells sum to one number, else the one
  // of the mark, else natural logarithms of an unknown sum.
  LogScale Decide(const LogMark& mark) const;

 private:
  // The values themselves, then expm1 for each base, then expm1 of the second.
  static constexpr int kForms = 5;

  // The number that nearly all rows sum to in a form; 0 where there is none.
  std::array<double, kForms> Constants() const;

  int64_t stride_;
  std::array<std::vector<double>, kForms> sums_;  // of the rows chosen
  // Of the values other than 0 whose expm1 is not too large to tell: how many there are, and how
  // many of those expm1 are whole, and whole and 2 or more.
  int64_t values_ = 0, whole_ = 0, above_one_ = 0;
  bool integers_ = true;  // all of these values are whole themselves
};

// "10000", "378.5": a sum for messages.
std::string SumText(double target_sum);

}  // namespace unlasting::cells
