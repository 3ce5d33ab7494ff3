#include "server/request/count_validation.h"

#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/predict/job/counts.h"

namespace unlasting::server {
namespace {

using predict::kLargestCountDepth;
using predict::kLeastCountDepth;

// Why the bundle draws no counts; "" where it does.
std::string WhyNotDrawn(const bundle::Manifest& manifest) {
  if (!(manifest.normalisation.target_sum > 0)) {
    return absl::StrCat("found DRAWN_COUNTS, but the model '", manifest.name,
                        "' was trained on log1p values of an unknown sum, which say nothing of "
                        "counts; expected LOG1P");
  }
  if (manifest.counts.empty()) {
    return absl::StrCat(
        "found DRAWN_COUNTS, but the model '", manifest.name,
        "' does not record how counts vary, because an older version trained it, "
        "or it was trained on log1p values; expected LOG1P or COUNTS (expm1 of it), "
        "or a model trained anew on counts");
  }
  return "";
}

void CheckDepth(const v1::PredictOptions& message, const bundle::Manifest& manifest,
                const predict::ControlSet* controls, Violations* violations) {
  if (message.has_count_depth()) {
    const double depth = message.count_depth();
    // Written so that NaN fails.
    if (depth >= kLeastCountDepth && depth <= kLargestCountDepth) return;
    violations->Add("options.count_depth", "INVALID_OPTION",
                    absl::StrCat("found ", depth, ", expected ", kLeastCountDepth, " to ",
                                 kLargestCountDepth, " counts a cell"));
    return;
  }
  if (controls == nullptr) return;
  if (controls->library_size.empty()) {
    violations->Add(
        "options.count_depth", "INVALID_OPTION",
        absl::StrCat("found none, but the library sizes of the control cells are not known, as "
                     "they are not counts; expected the counts of a cell, of which the model's "
                     "training control cells have ",
                     std::round(manifest.counts.library_size), " (median)"));
    return;
  }
  for (size_t k = 0; k < controls->library_size.size(); ++k) {
    const double size = controls->library_size[k];
    if (size <= kLargestCountDepth) continue;
    violations->Add(
        "options.count_depth", "INVALID_OPTION",
        absl::StrCat("found none, and the control cell '", controls->barcodes[k], "' with ", size,
                     " counts, expected at most ", kLargestCountDepth, ", or a count_depth"));
    return;
  }
}

}  // namespace

void ResolveCounts(const v1::PredictOptions& message, const bundle::Bundle& bundle,
                   const predict::ControlSet* controls, const ResultOptions& result,
                   predict::PredictOptions* options, Violations* violations) {
  if (result.value_kind != v1::VALUE_KIND_DRAWN_COUNTS) {
    if (message.has_count_depth()) {
      violations->Add("options.count_depth", "INVALID_OPTION",
                      absl::StrCat("found ", message.count_depth(),
                                   " with other values, expected it with value_kind DRAWN_COUNTS "
                                   "alone"));
    }
    return;
  }
  const std::string why = WhyNotDrawn(bundle.manifest());
  if (!why.empty()) {
    violations->Add("options.value_kind", "INVALID_OPTION", why);
    return;
  }
  if (result.encoding == v1::MATRIX_ENCODING_RAW_FLOAT16 ||
      result.encoding == v1::MATRIX_ENCODING_RAW_BFLOAT16) {
    violations->Add("options.encoding", "INVALID_OPTION",
                    "found one of 16 bits with value_kind DRAWN_COUNTS, which it would round; "
                    "expected PACKED, RAW_FLOAT32 or SPARSE");
  }
  CheckDepth(message, bundle.manifest(), controls, violations);
  options->draw_counts = true;
  if (message.has_count_depth()) options->count_depth = message.count_depth();
}

}  // namespace unlasting::server
