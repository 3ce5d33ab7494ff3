// GuessLayout tells in which of the field's layouts a processed perturbation screen was published,
// by its columns.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "core/anndata/anndata.h"

namespace unlasting::anndata {

enum class Layout {
  kPlain,      // ours: condition, cell_type; SMILES, dose_val, dose_unit for drugs
  kGears,      // GEARS' perturb_processed.h5ad: condition `A+ctrl`, condition_name, control
  kScPerturb,  // scPerturb: perturbation, nperts; dose_value and dose_unit for drugs
  kChemCpa,    // chemCPA and sci-Plex3: condition (drug), SMILES, dose in nM, split columns
};

// plain, gears, scperturb or chemcpa.
const char* LayoutName(Layout layout);
// INVALID_ARGUMENT for any other word.
absl::StatusOr<Layout> ParseLayout(const std::string& name);

// By the columns that each publisher writes; kPlain where none is recognised.
Layout GuessLayout(const DataFrame& obs, const DataFrame& var);

}  // namespace unlasting::anndata
