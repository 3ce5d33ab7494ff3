#include "core/cells/log_scale.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/status.h"

namespace unlasting::cells {
namespace {

constexpr int64_t kSampledRows = 2000;
// Of two cells it is chance whether they agree, of three no longer.
constexpr size_t kMinRows = 3;
// Half-precision values and genes dropped after normalising move sums by less than this share.
constexpr double kNearly = 5e-3;
constexpr double kShareOfRows = 0.95;
// Sums of float32 logarithms are exact to about 5e-7.
constexpr double kSame = 2e-6;

constexpr std::array<double, 3> kBases = {2.718281828459045, 2.0, 10.0};
constexpr std::array<const char*, 3> kBaseNames = {"e", "2", "10"};

bool Near(double a, double b, double tolerance) { return std::abs(a - b) <= tolerance * b; }

constexpr double kLargestTold = 4096;

// log1p of a whole number in float32, whose expm1 is off by the rounding of the logarithm.
bool IsWhole(double value) {
  return std::abs(value - std::round(value)) <= 1e-4 + 2e-6 * value && std::round(value) >= 1;
}

bool IsNatural(double base) { return Near(base, kBases[0], 1e-6); }

std::string BaseName(double base) {
  for (size_t k = 0; k < kBases.size(); ++k) {
    if (Near(base, kBases[k], 1e-6)) return kBaseNames[k];
  }
  return absl::StrCat(base);
}

// The median of the rows that have any value, where nearly all of them are near to it; else 0.
double ConstantOf(std::vector<double> sums) {
  sums.erase(std::remove_if(sums.begin(), sums.end(), [](double sum) { return !(sum > 0); }),
             sums.end());
  if (sums.size() < kMinRows) return 0;
  const auto middle = sums.begin() + static_cast<int64_t>(sums.size() / 2);
  std::nth_element(sums.begin(), middle, sums.end());
  const double median = *middle;
  const auto near = std::count_if(sums.begin(), sums.end(),
                                  [&](double sum) { return Near(sum, median, kNearly); });
  if (static_cast<double>(near) < kShareOfRows * static_cast<double>(sums.size())) return 0;
  // A target is a whole number more often than not, and sums of floats are not.
  const double whole = std::round(median);
  return Near(median, whole, kSame) ? whole : median;
}

}  // namespace

absl::StatusOr<LogMark> ReadLogMark(anndata::Reader* reader, const std::string& element) {
  LogMark mark;
  // Of an X that is None and for which a layer stands in, uns says nothing.
  if (element != "X" || !reader->Has("X")) return mark;
  const auto uns = reader->ReadUns();
  if (!uns.ok() || !uns->is_object()) {
    mark.logged = reader->Has("uns/log1p");
    return mark;
  }
  const auto log1p = uns->find("log1p");
  if (log1p != uns->end()) {
    mark.logged = true;
    const auto base =
        log1p->is_object() ? log1p->value("base", nlohmann::json()) : nlohmann::json();
    if (base.is_number()) mark.base = base.get<double>();
    // scanpy writes None where no base was asked for, which comes as null or as an empty mapping.
    const bool said = !base.is_null() && !base.empty();
    if (said && (!base.is_number() || !std::isfinite(mark.base) || !(mark.base > 1))) {
      return absl::InvalidArgumentError(
          absl::StrCat("uns/log1p/base: found ", base.dump(), ", expected a number above 1"));
    }
  }
  const auto sum = uns->value("/unlasting/target_sum"_json_pointer, nlohmann::json());
  if (sum.is_number() && sum.get<double>() > 0) mark.target_sum = sum.get<double>();
  return mark;
}

LogConversion::LogConversion(const LogScale& from, double target_sum)
    : ln_base_(IsNatural(from.base) ? 1.0 : std::log(from.base)) {
  const bool known = from.target_sum > 0 && target_sum > 0;
  if (known && !Near(target_sum, from.target_sum, kSame)) ratio_ = target_sum / from.target_sum;
}

float LogConversion::Convert(float value) const {
  const double natural = value * ln_base_;
  return static_cast<float>(ratio_ == 1.0 ? natural : std::log1p(std::expm1(natural) * ratio_));
}

void CountsFromLog1p(CsrMatrix* values) {
  for (float& value : values->values) value = CountFromLog1p(value);
}

void LogConversion::Apply(CsrMatrix* values) const {
  if (!changes()) return;
  for (float& value : values->values) value = Convert(value);
}

ScaleSample::ScaleSample(int64_t rows)
    : stride_(std::max<int64_t>(1, (rows + kSampledRows - 1) / kSampledRows)) {}

void ScaleSample::Add(int64_t first, const CsrMatrix& block) {
  for (int64_t r = (stride_ - first % stride_) % stride_; r < block.rows; r += stride_) {
    std::array<double, kForms> sums = {};
    for (const float value : block.RowValues(r)) {
      sums[0] += value;
      for (size_t k = 0; k < kBases.size(); ++k)
        sums[k + 1] += std::expm1(value * std::log(kBases[k]));
      const double linear = std::expm1(value);
      sums[kForms - 1] += std::expm1(linear);
      // Large numbers are whole within the rounding of their logarithm whatever they are.
      if (value == 0 || linear > kLargestTold) continue;
      ++values_;
      integers_ = integers_ && value == std::floor(value);
      if (!IsWhole(linear)) continue;
      ++whole_;
      if (linear > 1.5) ++above_one_;
    }
    for (int form = 0; form < kForms; ++form) sums_[form].push_back(sums[form]);
  }
}

std::array<double, ScaleSample::kForms> ScaleSample::Constants() const {
  std::array<double, kForms> constants = {};
  constexpr int kTwice = kForms - 1;
  int found = 0;
  for (int form = 0; form < kTwice; ++form) {
    constants[form] = ConstantOf(sums_[form]);
    found += constants[form] > 0 ? 1 : 0;
  }
  // Small values of one logarithm sum to nearly one number as those of two do: one is the likelier.
  if (found == 0) constants[kTwice] = ConstantOf(sums_[kTwice]);
  // Cells that are copies of each other sum to one number in every form, which tells nothing.
  if (found > 1) constants.fill(0);
  return constants;
}

bool ScaleSample::NormalisedCounts() const { return Constants()[0] > 0; }

bool ScaleSample::LoggedTwice() const { return Constants()[kForms - 1] > 0; }

bool ScaleSample::LoggedCounts() const {
  constexpr int64_t kMinValues = 20;
  return !integers_ && values_ >= kMinValues && whole_ == values_ && above_one_ > 0;
}

LogScale ScaleSample::Decide(const LogMark& mark) const {
  LogScale scale;
  if (mark.base > 0) scale.base = mark.base;
  scale.target_sum = mark.target_sum;
  const auto constants = Constants();
  for (size_t k = 0; k < kBases.size(); ++k) {
    if (!(constants[k + 1] > 0)) continue;
    const bool agrees = Near(scale.base, kBases[k], 1e-6);
    if (!agrees) {
      scale.remark = absl::StrCat(
          "values are taken for logarithms to base ", kBaseNames[k], ", under which cells sum to ",
          SumText(constants[k + 1]),
          mark.base > 0 ? absl::StrCat(", although uns/log1p/base says ", BaseName(mark.base))
                        : "");
    }
    scale.base = kBases[k];
    // What the file says is exact, where the values bear it out.
    if (!agrees || !Near(constants[k + 1], mark.target_sum, kNearly)) {
      scale.target_sum = constants[k + 1];
    }
  }
  if (scale.remark.empty() && !IsNatural(scale.base)) {
    scale.remark = absl::StrCat("values are logarithms to base ", BaseName(scale.base),
                                " (uns/log1p/base), converted to natural ones");
  }
  if (scale.remark.empty() && LoggedCounts()) {
    scale.remark =
        "values are log1p of whole counts that were not normalised, and are taken as they are; put "
        "the counts themselves into X or a layer (setting layer) to have them normalised";
  }
  return scale;
}

std::string SumText(double target_sum) { return absl::StrFormat("%.7g", target_sum); }

}  // namespace unlasting::cells
