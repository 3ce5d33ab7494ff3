#include "core/cells/gene_index.h"

namespace unlasting::cells {
namespace {

// "" where the gene has no symbol.
std::string SymbolOf(const GeneSymbols& symbols, const std::string& gene) {
  const auto symbol = symbols.find(gene);
  return symbol == symbols.end() ? "" : symbol->second;
}

}  // namespace

GeneIndex::GeneIndex(const std::vector<std::string>& genes, const GeneSymbols& symbols) {
  columns_.reserve(genes.size() + symbols.size());
  for (size_t k = 0; k < genes.size(); ++k) columns_.emplace(genes[k], static_cast<int64_t>(k));
  if (symbols.empty()) return;
  for (size_t k = 0; k < genes.size(); ++k) {
    const std::string symbol = SymbolOf(symbols, genes[k]);
    if (!symbol.empty()) columns_.emplace(symbol, static_cast<int64_t>(k));
  }
}

int64_t GeneIndex::Find(const std::string& name_or_symbol) const {
  const auto found = columns_.find(name_or_symbol);
  return found == columns_.end() ? -1 : found->second;
}

std::vector<int64_t> MatchGenes(const std::vector<std::string>& genes, const GeneSymbols& symbols,
                                const GeneIndex& source) {
  std::vector<int64_t> columns;
  columns.reserve(genes.size());
  for (const std::string& gene : genes) {
    int64_t column = source.Find(gene);
    if (column < 0) {
      const std::string symbol = SymbolOf(symbols, gene);
      if (!symbol.empty()) column = source.Find(symbol);
    }
    columns.push_back(column);
  }
  return columns;
}

}  // namespace unlasting::cells
