#include "client/files/control_cells.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <set>
#include <unordered_map>
#include <utility>
#include <variant>

#include "absl/strings/str_join.h"
#include "core/anndata/reader.h"
#include "core/base/status.h"
#include "proto/codec/matrix_codec.h"

namespace unlasting::client {
namespace {

// No logarithm of a count reaches this: e^25 is more molecules than any cell holds.
constexpr float kLargestLog = 25.0f;
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

absl::StatusOr<v1::ValueKind> DecideValueKind(const CsrMatrix& values, const std::string& declared,
                                              bool logged) {
  bool integers = true;
  float largest = 0;
  for (const float value : values.values) {
    if (!std::isfinite(value) || value < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("found the value ", value, ", expected finite values of 0 or more"));
    }
    largest = std::max(largest, value);
    integers = integers && value == std::floor(value);
  }
  if (declared == "counts") {
    if (integers) return v1::VALUE_KIND_COUNTS;
    return absl::InvalidArgumentError("--matrix counts: found fractions, expected integers");
  }
  if (declared != "log1p" && declared != "auto") {
    return absl::InvalidArgumentError(
        absl::StrCat("--matrix: found '", declared, "', expected counts, log1p or auto"));
  }
  if (declared == "auto" && integers && !logged) return v1::VALUE_KIND_COUNTS;
  if (largest > kLargestLog) {
    return absl::InvalidArgumentError(absl::StrCat("--matrix ", declared, ": found the value ",
                                                   largest, ", expected logarithms below ",
                                                   kLargestLog));
  }
  return v1::VALUE_KIND_LOG1P;
}

// Columns that the model knows, by var's index or, failing that, its gene symbols; their names.
void MatchGenes(const anndata::DataFrame& var, const v1::Model& model,
                std::vector<int64_t>* columns, std::vector<std::string>* names) {
  std::set<std::string> known(model.genes().begin(), model.genes().end());
  for (const auto& [gene, symbol] : model.gene_symbols()) known.insert(symbol);
  std::vector<std::string> symbols;
  for (const char* candidate : {"gene_name", "gene_symbols", "gene_symbol", "feature_name"}) {
    const anndata::Column* column = var.Find(candidate);
    if (column == nullptr) continue;
    symbols = anndata::AsStrings(*column);
    break;
  }
  for (size_t c = 0; c < var.index.size(); ++c) {
    if (known.count(var.index[c]) > 0) {
      names->push_back(var.index[c]);
    } else if (!symbols.empty() && known.count(symbols[c]) > 0) {
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

absl::StatusOr<ControlCells> ReadSelected(const ControlSelection& selection, const v1::Model& model,
                                          anndata::Reader* reader) {
  UNLASTING_ASSIGN_OR_RETURN(const anndata::DataFrame obs, reader->ReadObs());
  UNLASTING_ASSIGN_OR_RETURN(const anndata::DataFrame var, reader->ReadVar());
  UNLASTING_ASSIGN_OR_RETURN(const std::vector<int64_t> rows, SelectControls(selection, obs));
  ControlCells cells;
  cells.missing_genes = selection.missing_genes;
  UNLASTING_ASSIGN_OR_RETURN(cells.cell_types, CellTypes(selection, obs, rows, model));
  for (const int64_t row : rows) cells.cell_ids.push_back(obs.index[row]);

  const std::string element =
      selection.layer.empty() ? "X" : absl::StrCat("layers/", selection.layer);
  UNLASTING_ASSIGN_OR_RETURN(const anndata::Matrix matrix, reader->ReadMatrix(element));
  CsrMatrix values;
  if (const auto* sparse = std::get_if<CsrMatrix>(&matrix)) {
    values = SelectRows(*sparse, rows);
  } else {
    values = ToCsr(SelectRows(std::get<DenseMatrix>(matrix), rows));
  }
  const auto uns = reader->ReadUns();
  const bool logged = uns.ok() && selection.layer.empty() && uns->contains("log1p");
  auto kind = DecideValueKind(values, selection.matrix, logged);
  if (!kind.ok()) return Annotate(kind.status(), element);
  cells.value_kind = *kind;
  if (cells.value_kind == v1::VALUE_KIND_COUNTS) {
    UNLASTING_ASSIGN_OR_RETURN(cells.library_sizes, LibrarySizes(selection, obs, rows, values));
  }
  std::vector<int64_t> columns;
  MatchGenes(var, model, &columns, &cells.genes);
  if (columns.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "none of its ", var.index.size(), " genes is known to the model '", model.summary().name(),
        "'; the file has ",
        Distinct({var.index.begin(), var.index.begin() + std::min<size_t>(3, var.index.size())}),
        ", the model ", model.genes_size() > 0 ? model.genes(0) : ""));
  }
  cells.values = SelectColumns(values, columns);
  return cells;
}

}  // namespace

int64_t ControlCells::Bytes() const {
  int64_t bytes = static_cast<int64_t>(values.values.size()) * 8 + values.rows * 24;
  for (const std::string& gene : genes) bytes += static_cast<int64_t>(gene.size()) + 2;
  for (const std::string& id : cell_ids) bytes += static_cast<int64_t>(id.size()) + 2;
  return bytes;
}

v1::RegisterControlsHeader ControlCells::Header() const {
  v1::RegisterControlsHeader header;
  header.mutable_genes()->mutable_names()->Add(genes.begin(), genes.end());
  header.set_value_kind(value_kind);
  header.set_missing_genes(missing_genes);
  return header;
}

v1::RegisterControlsChunk ControlCells::Chunk(int64_t first, int64_t last) const {
  std::vector<int64_t> rows(last - first);
  std::iota(rows.begin(), rows.end(), first);
  v1::RegisterControlsChunk chunk;
  *chunk.mutable_matrix() = codec::EncodeMatrix(SelectRows(values, rows));
  chunk.mutable_cell_types()->Add(cell_types.begin() + first, cell_types.begin() + last);
  chunk.mutable_cell_ids()->Add(cell_ids.begin() + first, cell_ids.begin() + last);
  if (!library_sizes.empty()) {
    chunk.mutable_library_sizes()->Add(library_sizes.begin() + first, library_sizes.begin() + last);
  }
  return chunk;
}

v1::ControlCells ControlCells::Message() const {
  v1::ControlCells message;
  *message.mutable_matrix() = codec::EncodeMatrix(values);
  message.mutable_genes()->mutable_names()->Add(genes.begin(), genes.end());
  message.set_value_kind(value_kind);
  message.set_missing_genes(missing_genes);
  message.mutable_cell_types()->Add(cell_types.begin(), cell_types.end());
  message.mutable_cell_ids()->Add(cell_ids.begin(), cell_ids.end());
  message.mutable_library_sizes()->Add(library_sizes.begin(), library_sizes.end());
  return message;
}

absl::StatusOr<ControlCells> ReadControlCells(const ControlSelection& selection,
                                              const v1::Model& model) {
  UNLASTING_ASSIGN_OR_RETURN(const auto reader,
                             anndata::Reader::Open(selection.path, {selection.obs_table}));
  auto cells = ReadSelected(selection, model, reader.get());
  if (cells.ok()) return cells;
  // The reader's own errors name the file already.
  const absl::Status& status = cells.status();
  if (status.message().find(selection.path) != absl::string_view::npos) return status;
  return Annotate(status, selection.path);
}

}  // namespace unlasting::client
