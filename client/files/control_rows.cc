#include "client/files/control_rows.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "core/cells/gene_index.h"

namespace unlasting::client {
namespace {

// Codes of values among the categories, which gain those that they lack.
void Append(const std::vector<std::string>& values, anndata::Categorical* column) {
  for (const std::string& value : values) {
    auto& known = column->categories;
    const auto found = std::find(known.begin(), known.end(), value);
    column->codes.push_back(static_cast<int32_t>(found - known.begin()));
    if (found == known.end()) known.push_back(value);
  }
}

// Text columns take `values`, numbers none.
void Append(const std::vector<std::string>& values, anndata::Column* column) {
  if (auto* const categorical = std::get_if<anndata::Categorical>(column)) {
    Append(values, categorical);
  } else if (auto* const texts = std::get_if<std::vector<std::string>>(column)) {
    texts->insert(texts->end(), values.begin(), values.end());
  } else if (auto* const numbers = std::get_if<std::vector<double>>(column)) {
    numbers->resize(numbers->size() + values.size(), std::numeric_limits<double>::quiet_NaN());
  }
}

void AppendCounts(const cells::ControlMatrix& cells, const std::vector<int64_t>& columns,
                  CsrMatrix* counts) {
  // Genes of one symbol share a column of the cells.
  std::vector<std::vector<size_t>> genes_of(cells.values.cols);
  for (size_t gene = 0; gene < columns.size(); ++gene) {
    if (columns[gene] >= 0) genes_of[columns[gene]].push_back(gene);
  }
  std::vector<float> row(columns.size());
  for (int64_t r = 0; r < cells.values.rows; ++r) {
    std::fill(row.begin(), row.end(), 0.0f);
    const auto indices = cells.values.RowIndices(r);
    const auto values = cells.values.RowValues(r);
    for (size_t k = 0; k < indices.size(); ++k) {
      for (const size_t gene : genes_of[indices[k]]) row[gene] = values[k];
    }
    AppendRow(row, counts);
  }
}

}  // namespace

absl::Status AppendControls(const cells::ControlMatrix& cells, const v1::Model& model,
                            const std::string& label, anndata::AnnData* data) {
  auto* const counts = std::get_if<CsrMatrix>(&data->x);
  if (cells.kind != cells::MatrixKind::kCounts || counts == nullptr) {
    return absl::InvalidArgumentError(
        "--with-controls: found control cells as log1p values, expected counts");
  }
  const cells::GeneSymbols symbols(model.gene_symbols().begin(), model.gene_symbols().end());
  AppendCounts(cells, cells::MatchGenes(data->var.index, symbols, cells::GeneIndex(cells.genes)),
               counts);
  const auto rows = static_cast<size_t>(cells.values.rows);
  for (auto& [name, column] : data->obs.columns) {
    std::vector<std::string> values(rows);
    if (name == "perturbation") values.assign(rows, "control");
    if (name == "condition") values.assign(rows, label);
    if (name == "cell_type") values = cells.cell_types;
    if (name == "control_cell") values = cells.barcodes;
    Append(values, &column);
  }
  for (const std::string& barcode : cells.barcodes) data->obs.index.push_back(barcode + "-control");
  return absl::OkStatus();
}

}  // namespace unlasting::client
