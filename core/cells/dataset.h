// LoadDataset reads cells with their conditions from an .h5ad file for training and scoring: one
// row per cell, one column per gene. A Dataset is a plain value; errors are one line that names the
// file and column.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/anndata/anndata.h"
#include "core/anndata/reader.h"
#include "core/base/matrix.h"

namespace unlasting::cells {

enum class MatrixKind { kCounts, kLog1p };
const char* MatrixKindName(MatrixKind kind);

// What was done to some of the cells. A drug at two doses is two conditions.
struct Condition {
  // As most cells of the file have it, trimmed: "ctrl", "STAT1+ctrl", "Panobinostat".
  std::string name;
  bool control = false;
  std::vector<std::string> genes;  // knocked-out genes, sorted and distinct; empty for drugs
  std::string smiles;              // drugs only
  double dose_um = 0;              // micromolar; drugs only
  bool treatment = false;          // a named stimulus: neither genes nor structure
  // Of drugs and treatments: LoadOptions::covariates by the names of their columns.
  std::map<std::string, double> covariates;

  bool molecule() const { return !smiles.empty(); }
  // For messages and tables: the name, with the dose for drugs and the covariates.
  std::string Key() const;
  // What tells conditions apart, within a file and between files, however they are spelled: the set
  // of genes, or Key() where there are none.
  std::string Identity() const;
};

struct Dataset {
  CsrMatrix values;  // [cells, genes]
  MatrixKind kind = MatrixKind::kCounts;
  std::vector<std::string> genes;
  std::map<std::string, std::string> gene_symbols;  // gene -> var column gene_name, where present
  std::vector<std::string> barcodes;
  std::vector<std::string> cell_types;
  std::vector<int32_t> cell_type;  // per cell, into cell_types
  std::vector<Condition> conditions;
  std::vector<int32_t> condition;    // per cell, into conditions
  std::vector<double> library_size;  // per cell: counts over all genes; empty unless a column says
  std::map<std::string, std::string> covariate_units;  // column -> "h" where values are "6h"
  std::vector<std::string> split_label;  // per cell, of `split_column`; empty unless one is named
  std::string layout;                    // as found or declared: plain, gears, scperturb, chemcpa

  int64_t n_cells() const { return values.rows; }
  int64_t n_genes() const { return values.cols; }
};

// The file must have the columns named here unless their comment says otherwise. A column that has
// its default name is looked for under the layout's own name for it.
struct LoadOptions {
  // auto (by the columns), plain, gears, scperturb or chemcpa.
  std::string layout = "auto";
  std::string condition_column = "condition";
  std::string cell_type_column = "cell_type";  // absent or all empty: one type, "cell"
  std::string smiles_column = "SMILES";        // may be absent
  std::string dose_column = "dose_val";        // may be absent where there are no drugs
  std::string dose_unit_column = "dose_unit";  // may be absent
  // Where no column says the unit; "" is uM, and nM for chemCPA's column `dose`.
  std::string dose_unit;
  // TSV with the columns drug and SMILES, for files that only name their drugs; "" for none.
  std::string molecules;
  // Labels of the condition column that are treatments (cytokines, media, viruses, heat).
  std::vector<std::string> treatments;
  // Column that names a treatment where a cell has one; may be the condition column, whose labels
  // are then all treatments but the control and those with a SMILES. "" for none.
  std::string treatment_column;
  // Columns of numbers that tell conditions of drugs and treatments apart, such as hours.
  std::vector<std::string> covariates;
  // Checks what is perturbed as training needs it (core/cells/perturbation_check.h).
  bool check_perturbations = false;
  // The structure of a SMILES in one spelling, for that check; empty: as it is written.
  std::function<absl::StatusOr<std::string>(const std::string& smiles)> canonical_smiles;
  // Genes known from elsewhere, such as a prior network, for that check; empty: none.
  std::function<bool(const std::string& gene)> known_gene;
  std::string library_size_column;  // "" uses each row's own sum
  std::string split_column;         // "" for none; see SplitOptions
  // Value of the condition column of unperturbed cells, or several separated by commas; at its
  // default the names of the field are found too (core/cells/labels.h).
  std::string control = "ctrl";
  // Annotations of the cells of a 10x .h5 file or MTX folder; "" reads the table beside the data.
  // See anndata::OpenOptions.
  std::string obs_table;
  std::string layer;            // "" reads X, "raw" reads raw/X with its own genes
  std::string matrix = "auto";  // auto, counts, log1p
  bool require_control = true;
  // The values are a model's: they may lie below 0, and whole numbers are refused unless `matrix`
  // says what they are.
  bool predictions = false;
  // Messages name flags (--cell-type-column) in place of settings (--set cell_type_column=).
  bool flags = false;
};

// Errors name the file and column: NOT_FOUND for a file or column that is absent,
// INVALID_ARGUMENT for negative or non-finite values, duplicate genes, a declaration that the
// values contradict, no control cells, fewer than two cells, unreadable doses.
absl::StatusOr<Dataset> LoadDataset(const std::string& path, const LoadOptions& options);

// Reads all but the values: `values` has the file's shape and stores nothing, `kind` is not
// decided. Errors do not name the file.
absl::StatusOr<Dataset> ReadAnnotations(anndata::Reader* reader, const LoadOptions& options);
// The element of the file that `layer` names: "X", "layers/NAME", "raw/X".
std::string MatrixElement(const LoadOptions& options);

// ValueRange gathers what tells counts from logarithms, one block of values at a time.
struct ValueRange {
  bool predictions = false;  // set before the first block: values below 0 are taken
  bool any = false;          // a value other than 0
  bool integers = true;
  float largest = 0;
  float fraction = 0;     // the first that was found
  float least = 0;        // below 0 in predictions alone
  int64_t negatives = 0;  // values below 0
  // Cells sum to one number although there are fractions: counts that were normalised and not
  // logged (ScaleSample). Set by whoever has seen all genes.
  bool normalised_counts = false;
  bool logged_twice = false;  // log1p of log1p values; likewise

  // INVALID_ARGUMENT for a value that is not finite or, but in predictions, negative.
  absl::Status Add(const CsrMatrix& values);
};

// Decides what values are, in the one place that does: counts when every value is an integer,
// whatever else a file says of them; `logged` (uns holds scanpy's mark of a log1p) counts only
// where all values are 0. INVALID_ARGUMENT where `declared` (counts, log1p) is contradicted:
// fractions of logarithms among counts, integers or values above 25 among log1p (more than e^25
// counts in a cell); and where values are neither or were logged twice. Fractions above 25, and
// those whose cells sum to one number, may be declared counts: they were corrected or normalised.
// Predictions of whole numbers must be declared.
absl::StatusOr<MatrixKind> DecideMatrixKind(const ValueRange& range, const std::string& declared,
                                            bool logged);
absl::StatusOr<MatrixKind> DecideMatrixKind(const CsrMatrix& values, const std::string& declared,
                                            bool logged);

// Cells by index, genes unchanged.
Dataset SelectCells(const Dataset& dataset, const std::vector<int64_t>& cells);

// As AnnData with obs condition, cell_type, SMILES, dose_val, dose_unit; X as CSR.
anndata::AnnData ToAnnData(const Dataset& dataset);

}  // namespace unlasting::cells
