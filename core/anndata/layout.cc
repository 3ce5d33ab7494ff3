#include "core/anndata/layout.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace unlasting::anndata {
namespace {

constexpr const char* kNames[] = {"plain", "gears", "scperturb", "chemcpa"};

bool StartsWith(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }

}  // namespace

const char* LayoutName(Layout layout) { return kNames[static_cast<int>(layout)]; }

absl::StatusOr<Layout> ParseLayout(const std::string& name) {
  for (int k = 0; k < 4; ++k) {
    if (name == kNames[k]) return static_cast<Layout>(k);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "layout: found '", name, "', expected auto, plain, gears, scperturb or chemcpa"));
}

Layout GuessLayout(const DataFrame& obs, const DataFrame& var) {
  const auto has = [&obs](const char* name) { return obs.Find(name) != nullptr; };
  const bool split_column =
      std::any_of(obs.columns.begin(), obs.columns.end(),
                  [](const auto& column) { return StartsWith(column.first, "split_"); });
  if (has("condition") && has("SMILES")) {
    // chemCPA names covariate, drug and dose together, or leaves the unit to be known.
    const bool unitless = has("dose") && !has("dose_unit");
    return has("cov_drug_dose_name") || split_column || unitless ? Layout::kChemCpa
                                                                 : Layout::kPlain;
  }
  if (has("condition")) {
    // dose_val is "1+1" here: GEARS counts a knockout as a dose.
    const bool named = has("condition_name") && has("cell_type");
    return named || (has("control") && has("dose_val") && has("cell_type")) ? Layout::kGears
                                                                            : Layout::kPlain;
  }
  if (has("perturbation") && (has("nperts") || has("perturbation_type") || has("celltype") ||
                              has("cell_line") || (has("ncounts") && has("ngenes")))) {
    return Layout::kScPerturb;
  }
  return Layout::kPlain;
}

}  // namespace unlasting::anndata
