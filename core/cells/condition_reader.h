// condition_reader.h reads what was done to each cell, and the columns of obs that say it, for
// ReadAnnotations. Labels are compared as core/cells/labels.h compares them. Stateless; any thread.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "core/anndata/anndata.h"
#include "core/cells/dataset.h"

namespace unlasting::cells {

// Assigns indices to names in order of first appearance.
class Levels {
 public:
  int32_t IndexOf(const std::string& name) {
    const auto [it, added] = index_.emplace(name, static_cast<int32_t>(names_.size()));
    if (added) names_.push_back(name);
    return it->second;
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::unordered_map<std::string, int32_t> index_;
  std::vector<std::string> names_;
};

// Sets `conditions` and `condition` of `dataset`, whose barcodes and genes are there, from obs
// under resolved options. Control cells are looked for where the options ask for them; what a user
// should know of their names goes to anndata::Warn under `path`. INVALID_ARGUMENT names the column,
// the label and a remedy.
absl::Status ReadConditions(const std::string& path, const anndata::DataFrame& obs,
                            const LoadOptions& options, Dataset* dataset);

// Trimmed; empty where there is none.
std::vector<std::string> OptionalColumn(const anndata::DataFrame& frame, const std::string& name);

// The refusal of a cell without a value in a column that needs one.
absl::Status MissingValue(const std::string& column, const std::vector<std::string>& values,
                          size_t cell, const std::string& barcode, const std::string& remedy);

}  // namespace unlasting::cells
