// MakeSplit decides which cells a model trains on and which are held out to test it. The order of
// a file's cells and the spelling of its conditions do not matter: draws follow barcodes and names.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/cells/dataset.h"
#include "nlohmann/json.hpp"

namespace unlasting::cells {

struct SplitOptions {
  // conditions: a share of the perturbations is unseen in training.
  // drugs:      the drugs of `hold_out` (drug=NAME), or a share of them, are unseen.
  // doses:      of each drug or treatment and cell type, a share of the doses (with covariates:
  //             of the doses at a time) is unseen.
  // doubles:    trains on single genes, tests on pairs.
  // covariates: the treated cells of the cell types of `hold_out` (cell_type=NAME), or of a share
  //             of them, are unseen; their control cells are not.
  // cells:      every condition is seen; a share of each one's cells is held out.
  std::string kind = "cells";
  double fraction = 0.3;              // the share held out, above 0 and below 1
  std::vector<std::string> hold_out;  // "cell_type=PW036", "condition=STAT1+ctrl", "drug=NAME"
  uint64_t seed = 0;
  // A split that the file brings takes precedence over `kind`: where Dataset.split_label is not
  // empty, cells labelled "train" are trained on and all others (test, ood, ...) are held out.
};

struct Split {
  std::vector<bool> test;  // per cell
  // What was held out, for the manifest: the version of the draw, kind, seed, fraction, hold_out as
  // given, the conditions held out by name, cell counts.
  nlohmann::json record;

  std::vector<int64_t> Cells(bool test_cells) const;
};

// INVALID_ARGUMENT names the option that is wrong, a name in hold_out that the data lacks, or a
// split that leaves nothing to train on or to test.
absl::StatusOr<Split> MakeSplit(const Dataset& dataset, const SplitOptions& options);

// Whether two records are of one split: conditions are compared as sets of genes.
bool SameSplit(const nlohmann::json& a, const nlohmann::json& b);

// One held-out group of cells: a condition within a cell type; cells in the order of their
// barcodes, groups in that of their conditions.
struct TestGroup {
  int32_t condition = 0;
  int32_t cell_type = 0;
  std::vector<int64_t> truth;    // held-out cells of the group
  std::vector<int64_t> control;  // control cells of the type: held-out ones where there are any
};
std::vector<TestGroup> TestGroups(const Dataset& dataset, const Split& split);

}  // namespace unlasting::cells
