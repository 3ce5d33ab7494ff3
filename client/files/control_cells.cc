#include "client/files/control_cells.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <set>
#include <utility>
#include <variant>

#include "absl/strings/str_join.h"
#include "core/anndata/open_reader.h"
#include "core/base/status.h"
#include "core/cells/gene_index.h"

namespace unlasting::client {
namespace {

using cells::ControlMatrix;

constexpr size_t kMaxListed = 10;

std::string Distinct(const std::vector<std::string>& values) {
  const std::set<std::string> distinct(values.begin(), values.end());
  std::vector<std::string> shown;
  for (const std::string& value : distinct) {
    if (shown.size() == kMaxListed) {
      shown.push_back("...");
      break;
    }
    shown.push_back(value);
  }
  return absl::StrJoin(shown, ", ");
}

absl::StatusOr<std::vector<std::string>> StringColumn(const anndata::DataFrame& obs,
                                                      const std::string& name) {
  const anndata::Column* column = obs.Find(name);
  if (column != nullptr) return anndata::AsStrings(*column);
  std::vector<std::string> names;
  for (const auto& [other, unused] : obs.columns) names.push_back(other);
  return absl::NotFoundError(
      absl::StrCat("obs has no column '", name, "'; it has ", absl::StrJoin(names, ", ")));
}

// Rows of control cells of the type asked for.
absl::StatusOr<std::vector<int64_t>> SelectControls(const ControlSelection& selection,
                                                    const anndata::DataFrame& obs) {
  std::vector<int64_t> rows(obs.index.size());
  std::iota(rows.begin(), rows.end(), 0);
  const auto keep = [&rows](const std::vector<std::string>& values, const std::string& wanted) {
    rows.erase(std::remove_if(rows.begin(), rows.end(),
                              [&](int64_t row) { return values[row] != wanted; }),
               rows.end());
  };
  if (!selection.condition_column.empty()) {
    auto conditions = StringColumn(obs, selection.condition_column);
    if (!conditions.ok()) {
      return Annotate(conditions.status(), "--condition-column ('' takes every row)");
    }
    keep(*conditions, selection.control_value);
    if (rows.empty()) {
      return absl::NotFoundError(absl::StrCat("no control cells: obs/", selection.condition_column,
                                              " is never '", selection.control_value, "'; it has ",
                                              Distinct(*conditions), "; see --control-value"));
    }
  }
  if (!selection.cell_type.empty() && obs.Find(selection.cell_type_column) != nullptr) {
    UNLASTING_ASSIGN_OR_RETURN(const auto types, StringColumn(obs, selection.cell_type_column));
    keep(types, selection.cell_type);
    if (rows.empty()) {
      return absl::NotFoundError(
          absl::StrCat("no control cells of cell type '", selection.cell_type, "'; obs/",
                       selection.cell_type_column, " has ", Distinct(types)));
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
  std::vector<std::string> types;
  if (obs.Find(selection.cell_type_column) != nullptr) {
    UNLASTING_ASSIGN_OR_RETURN(const auto column, StringColumn(obs, selection.cell_type_column));
    for (const int64_t row : rows) types.push_back(column[row]);
    return types;
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

// Gene symbols of the file by column, under the names in use; empty where it has none.
std::vector<std::string> SymbolsOf(const anndata::DataFrame& var) {
  for (const char* candidate : {"gene_name", "gene_symbols", "gene_symbol", "feature_name"}) {
    const anndata::Column* column = var.Find(candidate);
    if (column != nullptr) return anndata::AsStrings(*column);
  }
  return {};
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
    for (int64_t r = 0; r < counts.rows; ++r) {
      double sum = 0;
      for (const float value : counts.RowValues(r)) sum += value;
      sizes.push_back(sum > 0 ? sum : 1);
    }
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

// All genes of the cells in `rows`.
absl::StatusOr<CsrMatrix> ReadRows(const std::string& element, const std::vector<int64_t>& rows,
                                   anndata::Reader* reader) {
  UNLASTING_ASSIGN_OR_RETURN(const anndata::Matrix matrix, reader->ReadMatrix(element));
  if (const auto* sparse = std::get_if<CsrMatrix>(&matrix)) return SelectRows(*sparse, rows);
  return ToCsr(SelectRows(std::get<DenseMatrix>(matrix), rows));
}

absl::StatusOr<ControlMatrix> ReadSelected(const ControlSelection& selection,
                                           const v1::Model& model, anndata::Reader* reader) {
  UNLASTING_ASSIGN_OR_RETURN(const anndata::DataFrame obs, reader->ReadObs());
  UNLASTING_ASSIGN_OR_RETURN(const anndata::DataFrame var, reader->ReadVar());
  UNLASTING_ASSIGN_OR_RETURN(const std::vector<int64_t> rows, SelectControls(selection, obs));
  ControlMatrix controls;
  controls.missing_genes = selection.missing_genes;
  UNLASTING_ASSIGN_OR_RETURN(controls.cell_types, CellTypes(selection, obs, rows, model));
  for (const int64_t row : rows) controls.barcodes.push_back(obs.index[row]);

  const std::string element =
      selection.layer.empty() ? "X" : absl::StrCat("layers/", selection.layer);
  UNLASTING_ASSIGN_OR_RETURN(const CsrMatrix values, ReadRows(element, rows, reader));
  const auto uns = reader->ReadUns();
  const bool logged = uns.ok() && selection.layer.empty() && uns->contains("log1p");
  // Over all genes of the file: the few that a model knows may be integers by chance.
  const auto kind = cells::DecideMatrixKind(values, selection.matrix, logged);
  if (!kind.ok()) {
    return Annotate(kind.status(), absl::StrCat(element, ", --matrix ", selection.matrix));
  }
  controls.kind = *kind;
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
