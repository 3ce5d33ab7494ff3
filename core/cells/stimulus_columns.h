// StimulusColumns reads from obs which cells had a treatment, and the covariates of drugs and
// treatments, for whoever reads conditions. Errors name the column, the label and the cell.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/anndata/anndata.h"
#include "core/cells/dataset.h"

namespace unlasting::cells {

// The structures of names that some cells give one for, those of most cells.
std::map<std::string, std::string> StructuresByName(const std::vector<std::string>& names,
                                                    const std::vector<std::string>& smiles);

// Immutable; any thread.
class StimulusColumns {
 public:
  // NOT_FOUND where a column of `options` is absent, INVALID_ARGUMENT where a label of
  // `options.treatments` is not in the condition column.
  static absl::StatusOr<StimulusColumns> Create(const anndata::DataFrame& obs,
                                                const LoadOptions& options);

  // The name of the cell's treatment; "" where it had none. `label` is its condition's, which is
  // not the control's name unless the treatment has a column of its own.
  std::string TreatmentOf(size_t cell, const std::string& label, bool has_structure) const;
  // A treatment column of its own, so that cells of the control's label may be treated.
  bool own_column() const { return own_column_; }

  // Sets the covariates of a drug or a treatment. INVALID_ARGUMENT for a cell without a number.
  absl::Status ReadCovariates(size_t cell, const std::string& barcode, Condition* condition) const;
  // The same, without those that the cell has no number of.
  void ReadWhatThereIs(size_t cell, Condition* condition) const;
  // Column -> the unit that all its numbers have, e.g. "h" of "6h"; without those that have none.
  const std::map<std::string, std::string>& units() const { return units_; }

 private:
  struct Column {
    std::string name;
    std::vector<std::string> values;
  };

  const LoadOptions* options_ = nullptr;
  bool own_column_ = false;
  std::vector<std::string> treatments_;  // per cell, of the treatment column
  std::vector<Column> covariates_;
  std::map<std::string, std::string> units_;
};

}  // namespace unlasting::cells
