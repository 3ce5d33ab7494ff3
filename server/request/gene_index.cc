#include "server/request/gene_index.h"

namespace unlasting::server {

GeneIndex::GeneIndex(const bundle::Manifest& manifest) {
  for (size_t k = 0; k < manifest.genes.size(); ++k) {
    columns_.emplace(manifest.genes[k], static_cast<int64_t>(k));
  }
  for (size_t k = 0; k < manifest.genes.size(); ++k) {
    const auto symbol = manifest.gene_symbols.find(manifest.genes[k]);
    if (symbol != manifest.gene_symbols.end() && !symbol->second.empty()) {
      columns_.emplace(symbol->second, static_cast<int64_t>(k));
    }
  }
}

int64_t GeneIndex::Find(const std::string& name_or_symbol) const {
  const auto found = columns_.find(name_or_symbol);
  return found == columns_.end() ? -1 : found->second;
}

}  // namespace unlasting::server
