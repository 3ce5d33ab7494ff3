// Which column of a model a gene's name or symbol is. Immutable; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "core/bundle/manifest.h"

namespace unlasting::server {

class GeneIndex {
 public:
  explicit GeneIndex(const bundle::Manifest& manifest);

  // Index into Manifest.genes, or -1. A name wins over another gene's symbol.
  int64_t Find(const std::string& name_or_symbol) const;

 private:
  std::unordered_map<std::string, int64_t> columns_;
};

}  // namespace unlasting::server
