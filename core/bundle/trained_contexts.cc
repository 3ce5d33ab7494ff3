#include "core/bundle/trained_contexts.h"

#include <algorithm>

namespace unlasting::bundle {

TrainedContexts::TrainedContexts(const Manifest& manifest, const TrainedGenes& genes) {
  if (manifest.contexts.empty()) return;
  types_.resize(manifest.cell_types.size());
  for (size_t type = 0; type < types_.size(); ++type) {
    const auto trained = manifest.contexts.find(manifest.cell_types[type]);
    if (trained == manifest.contexts.end()) continue;
    for (const int32_t condition : trained->second) {
      const std::string& name = manifest.conditions[condition];
      types_[type].names.insert(name);
      types_[type].genes.insert(genes.NodesOf(name));
    }
    types_[type].genes.erase(std::set<int32_t>());
  }
}

bool TrainedContexts::Seen(int32_t cell_type) const {
  return recorded() && !types_[cell_type].names.empty();
}

bool TrainedContexts::SeenCombination() const {
  return std::any_of(types_.begin(), types_.end(), [](const Type& type) {
    return std::any_of(type.genes.begin(), type.genes.end(),
                       [](const std::set<int32_t>& nodes) { return nodes.size() > 1; });
  });
}

bool TrainedContexts::Seen(int32_t cell_type, const std::set<int32_t>& nodes) const {
  return recorded() && types_[cell_type].genes.count(nodes) > 0;
}

bool TrainedContexts::Seen(int32_t cell_type, const std::string& name) const {
  return recorded() && types_[cell_type].names.count(name) > 0;
}

}  // namespace unlasting::bundle
