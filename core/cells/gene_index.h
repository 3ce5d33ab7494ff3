// Finds the column of a gene by any name that its file gives it. Private to core/cells.
#pragma once

#include <string>
#include <unordered_map>

#include "core/cells/dataset.h"

namespace unlasting::cells {

// Names win over symbols, which need not be unique.
inline std::unordered_map<std::string, int64_t> GeneIndex(const Dataset& dataset) {
  std::unordered_map<std::string, int64_t> index;
  for (int64_t g = 0; g < dataset.n_genes(); ++g) index.emplace(dataset.genes[g], g);
  for (int64_t g = 0; g < dataset.n_genes(); ++g) {
    const auto symbol = dataset.gene_symbols.find(dataset.genes[g]);
    if (symbol != dataset.gene_symbols.end()) index.emplace(symbol->second, g);
  }
  return index;
}

}  // namespace unlasting::cells
