#include "client/files/control_cells.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <utility>
#include <variant>

#include "absl/strings/str_join.h"
#include "core/anndata/open_reader.h"
#include "core/anndata/warnings.h"
#include "core/base/status.h"
#include "core/cells/gene_index.h"
#include "core/cells/labels.h"
#include "core/cells/layout.h"
#include "core/cells/log_scale.h"
#include "core/cells/normalise.h"
#include "core/cells/obs_columns.h"

namespace unlasting::client {
namespace {

using cells::ControlMatrix;

// Of fewer cells than these, all cells of the file are asked on which scale they are.
constexpr size_t kEnoughCells = 20;

// The same names for messages as for unlasting-train, by the flags of this program.
cells::LoadOptions NamesOf(const ControlSelection& selection) {
  cells::LoadOptions options;
  options.layer = selection.layer;
  options.flags = true;
  return options;
}

std::string Distinct(const std::vector<std::string>& values) {
  return cells::ListLabels(cells::CountLabels(values));
}

absl::StatusOr<std::vector<std::string>> LabelsOf(const ControlSelection& selection,
                                                  const anndata::DataFrame& obs,
                                                  const std::string& name, cells::Wanted wanted) {
  return cells::RequiredColumn(obs, name, wanted, NamesOf(selection));
}

// Rows of cells whose condition is one of the names of the control.
absl::Status KeepControls(const ControlSelection& selection, const anndata::DataFrame& obs,
                          std::vector<int64_t>* rows) {
  if (selection.condition_column.empty()) return absl::OkStatus();
  const auto conditions =
      LabelsOf(selection, obs, selection.condition_column, cells::Wanted::kCondition);
  if (!conditions.ok()) {
    return Annotate(conditions.status(), "--condition-column ('': every cell is a control cell)");
  }
  const auto counts = cells::CountLabels(*conditions);
  const auto controls = cells::FindControlLabels(counts, selection.control_value);
  if (!controls.ok()) {
    return Annotate(controls.status(),
                    absl::StrCat("obs/", selection.condition_column, ", --control-value"));
  }
  rows->erase(std::remove_if(rows->begin(), rows->end(),
                             [&](int64_t row) {
                               const std::string& label = (*conditions)[row];
                               // ctrl+ctrl, or two non-targeting guides in a cell.
                               const bool both =
                                   label.find('+') != std::string::npos &&
                                   cells::ParseGenes(label, selection.control_value).empty();
                               return controls->labels.count(label) == 0 && !both;
                             }),
              rows->end());
  if (rows->empty()) {
    return absl::NotFoundError(absl::StrCat("no control cells: obs/", selection.condition_column,
                                            " is never '", selection.control_value, "'; it has ",
                                            cells::ListLabels(counts), "; see --control-value"));
  }
  for (const auto& remark : controls->remarks) {
    anndata::Warn(selection.path, absl::StrCat("obs/", selection.condition_column, ": ", remark));
  }
  return absl::OkStatus();
}

// Rows of control cells of the type asked for.
absl::StatusOr<std::vector<int64_t>> SelectControls(const ControlSelection& selection,
                                                    const anndata::DataFrame& obs) {
  std::vector<int64_t> rows(obs.index.size());
  std::iota(rows.begin(), rows.end(), 0);
  UNLASTING_RETURN_IF_ERROR(KeepControls(selection, obs, &rows));
  if (!selection.cell_type.empty() && obs.Find(selection.cell_type_column) != nullptr) {
    UNLASTING_ASSIGN_OR_RETURN(
        const auto types,
        LabelsOf(selection, obs, selection.cell_type_column, cells::Wanted::kCellType));
    const std::string wanted = cells::TrimLabel(selection.cell_type);
    rows.erase(
        std::remove_if(rows.begin(), rows.end(), [&](int64_t row) { return types[row] != wanted; }),
        rows.end());
    if (rows.empty()) {
      return absl::NotFoundError(
          absl::StrCat("--cell-type: found no control cells of '", selection.cell_type, "'; obs/",
                       selection.cell_type_column, " (--cell-type-column) has ", Distinct(types)));
    }
  }
  if (rows.empty()) return absl::NotFoundError("the file has no cells");
  if (selection.max_cells > 0 && static_cast<int64_t>(rows.size()) > selection.max_cells) {
    std::mt19937_64 random(selection.seed);
    // The library's own distributions differ between compilers; this draw does not.
    for (int64_t k = 0; k < selection.max_cells; ++k) {
      std::swap(rows[k], rows[k + static_cast<int64_t>(random() % (rows.size() - k))]);
    }
    rows.resize(selection.max_cells);
    std::sort(rows.begin(), rows.end());
  }
  return rows;
}

absl::StatusOr<std::vector<std::string>> CellTypes(const ControlSelection& selection,
                                                   const anndata::DataFrame& obs,
                                                   const std::vector<int64_t>& rows,
                                                   const v1::Model& model) {
  std::vector<std::string> types(selection.new_cell_type.empty() ? 0 : rows.size(),
                                 selection.new_cell_type);
  if (!types.empty()) return types;
  if (obs.Find(selection.cell_type_column) != nullptr) {
    UNLASTING_ASSIGN_OR_RETURN(
        const auto column,
        LabelsOf(selection, obs, selection.cell_type_column, cells::Wanted::kCellType));
    for (const int64_t row : rows) types.push_back(column[row]);
    return types;
  }
  // Cells of several patients must not pass for one type because their column has another name.
  if (selection.cell_type_column == ControlSelection().cell_type_column) {
    UNLASTING_RETURN_IF_ERROR(cells::CheckNoneIsIgnored(
        obs, selection.cell_type_column, cells::Wanted::kCellType, NamesOf(selection)));
  }
  std::string type = selection.cell_type;
  if (type.empty() && model.summary().cell_types_size() == 1) type = model.summary().cell_types(0);
  if (type.empty()) {
    return absl::NotFoundError(absl::StrCat(
        "obs has no column '", selection.cell_type_column,
        "'; name one with --cell-type-column, or the type of all cells with --cell-type, of ",
        absl::StrJoin(model.summary().cell_types(), ", ")));
  }
  types.assign(rows.size(), type);
  return types;
}

// Gene symbols of the file by column; empty where it has none.
std::vector<std::string> SymbolsOf(const anndata::DataFrame& var) {
  const std::string name = cells::SymbolColumn(var);
  return name.empty() ? std::vector<std::string>() : anndata::AsStrings(*var.Find(name));
}

// Columns that the model knows, by var's index or, failing that, by symbol; and their names.
void SelectGenes(const anndata::DataFrame& var, const v1::Model& model,
                 std::vector<int64_t>* columns, std::vector<std::string>* names) {
  const cells::GeneIndex known({model.genes().begin(), model.genes().end()},
                               {model.gene_symbols().begin(), model.gene_symbols().end()});
  const std::vector<std::string> symbols = SymbolsOf(var);
  for (size_t c = 0; c < var.index.size(); ++c) {
    if (known.Find(var.index[c]) >= 0) {
      names->push_back(var.index[c]);
    } else if (!symbols.empty() && known.Find(symbols[c]) >= 0) {
      names->push_back(symbols[c]);
    } else {
      continue;
    }
    columns->push_back(static_cast<int64_t>(c));
  }
}

absl::StatusOr<std::vector<double>> LibrarySizes(const ControlSelection& selection,
                                                 const anndata::DataFrame& obs,
                                                 const std::vector<int64_t>& rows,
                                                 const CsrMatrix& counts) {
  std::vector<double> sizes;
  if (selection.library_size_column.empty()) {
    sizes = cells::RowSums(counts);
    for (double& size : sizes) size = size > 0 ? size : 1;
    return sizes;
  }
  const anndata::Column* column = obs.Find(selection.library_size_column);
  if (column == nullptr) {
    return absl::NotFoundError(absl::StrCat("--library-size-column: obs has no column '",
                                            selection.library_size_column, "'"));
  }
  for (const int64_t row : rows) {
    double size = 0;
    if (const auto* floats = std::get_if<std::vector<double>>(column)) {
      size = (*floats)[row];
    } else if (const auto* integers = std::get_if<std::vector<int64_t>>(column)) {
      size = static_cast<double>((*integers)[row]);
    }
    if (!std::isfinite(size) || size <= 0) {
      return absl::InvalidArgumentError(absl::StrCat("obs/", selection.library_size_column,
                                                     ": found ", size, " in cell ", obs.index[row],
                                                     ", expected a number above 0"));
    }
    sizes.push_back(size);
  }
  return sizes;
}

// All genes of the cells in `rows`, and what the sums of those cells show; of all cells where there
// are few.
absl::StatusOr<CsrMatrix> ReadRows(const std::string& element, const std::vector<int64_t>& rows,
                                   anndata::Reader* reader, cells::ScaleSample* sample) {
  UNLASTING_ASSIGN_OR_RETURN(anndata::Matrix matrix, reader->ReadMatrix(element));
  const bool few = rows.size() < kEnoughCells;
  if (few && std::holds_alternative<DenseMatrix>(matrix)) {
    matrix = ToCsr(std::get<DenseMatrix>(matrix));
  }
  CsrMatrix selected = std::holds_alternative<CsrMatrix>(matrix)
                           ? SelectRows(std::get<CsrMatrix>(matrix), rows)
                           : ToCsr(SelectRows(std::get<DenseMatrix>(matrix), rows));
  const CsrMatrix& shown = few ? std::get<CsrMatrix>(matrix) : selected;
  *sample = cells::ScaleSample(shown.rows);
  sample->Add(0, shown);
  return selected;
}

// Decides what the values are and makes logarithms natural ones.
absl::Status ReadScale(const ControlSelection& selection, const std::string& element,
                       const cells::ScaleSample& sample, anndata::Reader* reader, CsrMatrix* values,
                       ControlMatrix* controls) {
  UNLASTING_ASSIGN_OR_RETURN(const auto mark, cells::ReadLogMark(reader, element));
  // Over all genes of the file: the few that a model knows may be integers by chance.
  cells::ValueRange range;
  UNLASTING_RETURN_IF_ERROR(range.Add(*values));
  range.normalised_counts = !range.integers && sample.NormalisedCounts();
  range.logged_twice = !range.integers && sample.LoggedTwice();
  UNLASTING_ASSIGN_OR_RETURN(controls->kind,
                             cells::DecideMatrixKind(range, selection.matrix, mark.logged));
  if (controls->kind == cells::MatrixKind::kLog1p && sample.LoggedCounts()) {
    anndata::Warn(selection.path,
                  "values are log1p of whole counts that were not normalised; they are taken back "
                  "to counts");
    cells::CountsFromLog1p(values);
    controls->kind = cells::MatrixKind::kCounts;
  }
  if (controls->kind == cells::MatrixKind::kCounts) {
    if (!(selection.target_sum > 0)) return absl::OkStatus();
    return absl::InvalidArgumentError("--target-sum: found counts, expected log1p values");
  }
  const cells::LogScale scale = sample.Decide(mark);
  cells::LogConversion(scale, 0).Apply(values);
  if (!scale.remark.empty()) anndata::Warn(selection.path, scale.remark);
  controls->target_sum = selection.target_sum > 0 ? selection.target_sum : scale.target_sum;
  return absl::OkStatus();
}

absl::StatusOr<ControlMatrix> ReadSelected(const ControlSelection& selection,
                                           const v1::Model& model, anndata::Reader* reader) {
  UNLASTING_ASSIGN_OR_RETURN(const anndata::DataFrame obs, reader->ReadObs());
  UNLASTING_ASSIGN_OR_RETURN(const anndata::DataFrame var,
                             selection.layer == "raw" ? reader->ReadRawVar() : reader->ReadVar());
  UNLASTING_ASSIGN_OR_RETURN(const std::vector<int64_t> rows, SelectControls(selection, obs));
  ControlMatrix controls;
  controls.missing_genes = selection.missing_genes;
  UNLASTING_ASSIGN_OR_RETURN(controls.cell_types, CellTypes(selection, obs, rows, model));
  for (const int64_t row : rows) controls.barcodes.push_back(obs.index[row]);

  const std::string element = cells::MatrixElement(NamesOf(selection));
  cells::ScaleSample sample(0);
  UNLASTING_ASSIGN_OR_RETURN(CsrMatrix values, ReadRows(element, rows, reader, &sample));
  const absl::Status scale = ReadScale(selection, element, sample, reader, &values, &controls);
  if (!scale.ok()) return Annotate(scale, absl::StrCat(element, ", --matrix ", selection.matrix));
  if (controls.kind == cells::MatrixKind::kCounts) {
    UNLASTING_ASSIGN_OR_RETURN(controls.library_sizes, LibrarySizes(selection, obs, rows, values));
  }
  std::vector<int64_t> columns;
  SelectGenes(var, model, &columns, &controls.genes);
  if (columns.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "none of its ", var.index.size(), " genes is known to the model '", model.summary().name(),
        "'; the file has ",
        Distinct({var.index.begin(), var.index.begin() + std::min<size_t>(3, var.index.size())}),
        ", the model ", model.genes_size() > 0 ? model.genes(0) : ""));
  }
  cells::ControlFaults faults;
  cells::CheckGenes(controls.genes, &faults);
  UNLASTING_RETURN_IF_ERROR(Annotate(cells::ToStatus(faults), "var"));
  controls.values = SelectColumns(values, columns);
  return controls;
}

}  // namespace

absl::StatusOr<ControlMatrix> ReadControlCells(const ControlSelection& selection,
                                               const v1::Model& model) {
  UNLASTING_ASSIGN_OR_RETURN(const auto reader,
                             anndata::OpenReader(selection.path, {selection.obs_table}));
  auto cells = ReadSelected(selection, model, reader.get());
  if (cells.ok()) return cells;
  // The reader's own errors name the file already.
  const absl::Status& status = cells.status();
  if (status.message().find(selection.path) != absl::string_view::npos) return status;
  return Annotate(status, selection.path);
}

}  // namespace unlasting::client
