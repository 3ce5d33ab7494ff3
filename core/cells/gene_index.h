// GeneIndex finds the column of a gene by its name or its symbol, and MatchGenes finds the column
// for every gene of a model; both serve whoever brings the genes of one source to those of another.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace unlasting::cells {

// Symbols by gene name, where a gene has one (var column gene_name of an .h5ad file).
using GeneSymbols = std::map<std::string, std::string>;

// Immutable after construction; any thread.
class GeneIndex {
 public:
  // Column k is the gene `genes[k]`. Where a name or a symbol occurs twice, the first column has
  // it.
  explicit GeneIndex(const std::vector<std::string>& genes, const GeneSymbols& symbols = {});

  // The column, or -1. A name is preferred to another gene's symbol, which need not be unique.
  int64_t Find(const std::string& name_or_symbol) const;

 private:
  std::unordered_map<std::string, int64_t> columns_;
};

// For each of `genes` the column of a source that holds it: the column of its name or, failing
// that, of its symbol; -1 where the source has neither. Two genes with one symbol share a column.
std::vector<int64_t> MatchGenes(const std::vector<std::string>& genes, const GeneSymbols& symbols,
                                const GeneIndex& source);

}  // namespace unlasting::cells
