#include "core/cells/preprocess.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "absl/strings/numbers.h"
#include "core/base/status.h"
#include "core/cells/normalise.h"

namespace unlasting::cells {
namespace {

const std::vector<double>& LibrarySizes(const Dataset& dataset, std::vector<double>* own_sums) {
  if (!dataset.library_size.empty()) return dataset.library_size;
  *own_sums = RowSums(dataset.values);
  return *own_sums;
}

absl::StatusOr<double> TargetSum(const Dataset& dataset, const std::string& setting,
                                 const std::vector<int64_t>& training) {
  if (setting == "median") {
    std::vector<double> own_sums;
    return MedianLibrarySize(LibrarySizes(dataset, &own_sums), training);
  }
  double value = 0;
  if (!absl::SimpleAtod(setting, &value) || !(value > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("target_sum: found '", setting, "', expected median or a number above 0"));
  }
  return value;
}

std::unordered_map<std::string, int64_t> GeneIndex(const Dataset& dataset) {
  std::unordered_map<std::string, int64_t> index;
  // Names win over symbols, which need not be unique.
  for (int64_t g = 0; g < dataset.n_genes(); ++g) index.emplace(dataset.genes[g], g);
  for (int64_t g = 0; g < dataset.n_genes(); ++g) {
    const auto symbol = dataset.gene_symbols.find(dataset.genes[g]);
    if (symbol != dataset.gene_symbols.end()) index.emplace(symbol->second, g);
  }
  return index;
}

absl::Status SelectGenes(const PreprocessOptions& options, Prepared* prepared) {
  Dataset& data = prepared->data;
  if (options.hvg_flavor != "seurat") {
    return absl::InvalidArgumentError(
        absl::StrCat("hvg_flavor: found '", options.hvg_flavor, "', expected seurat"));
  }
  if (options.genes < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("genes: found ", options.genes, ", expected 0 (all) or more"));
  }
  const auto index = GeneIndex(data);
  std::set<int64_t> kept;
  std::set<std::string> absent;
  for (const auto& condition : data.conditions) {
    for (const auto& gene : condition.genes) {
      const auto it = index.find(gene);
      if (it != index.end()) {
        kept.insert(it->second);
      } else if (absent.insert(gene).second) {
        prepared->perturbed_only.push_back(gene);
      }
    }
  }
  if (options.genes == 0 || options.genes >= data.n_genes()) return absl::OkStatus();
  const CsrMatrix training = SelectRows(data.values, prepared->split.Cells(false));
  for (const int64_t g : HighlyVariableGenes(SeuratDispersion(training), options.genes)) {
    kept.insert(g);
  }
  const std::vector<int64_t> columns(kept.begin(), kept.end());
  data.values = SelectColumns(data.values, columns);
  std::vector<std::string> genes;
  std::map<std::string, std::string> symbols;
  for (const int64_t g : columns) {
    genes.push_back(data.genes[g]);
    const auto symbol = data.gene_symbols.find(data.genes[g]);
    if (symbol != data.gene_symbols.end()) symbols.insert(*symbol);
  }
  data.genes = std::move(genes);
  data.gene_symbols = std::move(symbols);
  return absl::OkStatus();
}

}  // namespace

int32_t Prepared::NodeOf(const std::string& gene) const {
  const auto index = GeneIndex(data);
  const auto it = index.find(gene);
  if (it != index.end()) return static_cast<int32_t>(it->second);
  const auto extra = std::find(perturbed_only.begin(), perturbed_only.end(), gene);
  if (extra == perturbed_only.end()) return -1;
  return static_cast<int32_t>(data.n_genes() + (extra - perturbed_only.begin()));
}

absl::StatusOr<Prepared> Preprocess(Dataset dataset, const PreprocessOptions& options) {
  Prepared prepared;
  UNLASTING_ASSIGN_OR_RETURN(prepared.split, MakeSplit(dataset, options.split));
  const std::vector<int64_t> training = prepared.split.Cells(false);
  if (dataset.kind == MatrixKind::kCounts) {
    UNLASTING_ASSIGN_OR_RETURN(prepared.target_sum,
                               TargetSum(dataset, options.target_sum, training));
    std::vector<double> own_sums;
    NormaliseLog1p(LibrarySizes(dataset, &own_sums), prepared.target_sum, &dataset.values);
    dataset.kind = MatrixKind::kLog1p;
  }
  prepared.data = std::move(dataset);
  UNLASTING_RETURN_IF_ERROR(SelectGenes(options, &prepared));
  float largest = 0;
  for (const int64_t cell : training) {
    for (const float value : prepared.data.values.RowValues(cell)) {
      largest = std::max(largest, value);
    }
  }
  if (largest <= 0) {
    return absl::InvalidArgumentError("found no expression in the training cells");
  }
  prepared.x_max = largest;
  return prepared;
}

absl::StatusOr<Dataset> ApplyNormalisation(Dataset dataset, const std::vector<std::string>& genes,
                                           double target_sum) {
  if (dataset.kind == MatrixKind::kCounts) {
    if (!(target_sum > 0)) {
      return absl::InvalidArgumentError(
          "found counts, expected log1p values: the bundle was trained on log1p values of an "
          "unknown target sum");
    }
    std::vector<double> own_sums;
    NormaliseLog1p(LibrarySizes(dataset, &own_sums), target_sum, &dataset.values);
    dataset.kind = MatrixKind::kLog1p;
  }
  const auto index = GeneIndex(dataset);
  std::vector<int64_t> columns;
  for (const auto& gene : genes) {
    const auto it = index.find(gene);
    if (it == index.end()) {
      return absl::NotFoundError(absl::StrCat("gene '", gene, "' of the bundle is missing"));
    }
    columns.push_back(it->second);
  }
  dataset.values = SelectColumns(dataset.values, columns);
  dataset.genes = genes;
  return dataset;
}

}  // namespace unlasting::cells
