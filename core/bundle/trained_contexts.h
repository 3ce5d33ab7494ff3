// TrainedContexts knows which conditions a bundle's training had in which cell type, for whoever
// says how far a query lies from the training.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "core/bundle/manifest.h"
#include "core/bundle/trained_genes.h"

namespace unlasting::bundle {

// Immutable; cell types are indices into Manifest.cell_types. Any thread.
class TrainedContexts {
 public:
  TrainedContexts() = default;
  TrainedContexts(const Manifest& manifest, const TrainedGenes& genes);

  // Whether the bundle records its contexts; bundles before 0.2.0 do not, and what follows is then
  // false throughout.
  bool recorded() const { return !types_.empty(); }
  // Whether any perturbed cell of the type was trained on.
  bool Seen(int32_t cell_type) const;
  // Whether any cell was trained on in which several genes were perturbed together.
  bool SeenCombination() const;
  // Whether exactly these genes, as nodes of TrainedGenes, were perturbed together in the type.
  bool Seen(int32_t cell_type, const std::set<int32_t>& nodes) const;
  // The same for a condition that goes by its name, such as a drug's, at any dose.
  bool Seen(int32_t cell_type, const std::string& name) const;

 private:
  struct Type {
    std::set<std::set<int32_t>> genes;
    std::set<std::string> names;
  };
  std::vector<Type> types_;  // one per cell type, or empty
};

}  // namespace unlasting::bundle
