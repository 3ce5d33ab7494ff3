#include "core/bundle/trained_genes.h"

#include <deque>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/cells/labels.h"

namespace unlasting::bundle {

TrainedGenes::TrainedGenes(const Manifest& manifest, const CsrMatrix& network)
    : names_(manifest.genes) {
  names_.insert(names_.end(), manifest.perturbed_only.begin(), manifest.perturbed_only.end());
  for (size_t node = 0; node < names_.size(); ++node) {
    index_.emplace(names_[node], static_cast<int32_t>(node));
  }
  for (size_t gene = 0; gene < manifest.genes.size(); ++gene) {
    const auto symbol = manifest.gene_symbols.find(manifest.genes[gene]);
    if (symbol != manifest.gene_symbols.end()) {
      index_.emplace(symbol->second, static_cast<int32_t>(gene));
    }
  }
  training_.assign(names_.size(), Training::kNever);
  std::set<std::string> drugs;
  for (const auto& molecule : manifest.molecules) drugs.insert(molecule.name);
  drugs.insert(manifest.treatments.begin(), manifest.treatments.end());
  for (const auto& condition : manifest.conditions) {
    if (drugs.count(condition) > 0) continue;
    std::set<int32_t> nodes;
    for (const auto& gene : cells::ParseGenes(condition, "")) {
      const int32_t node = Find(gene);
      if (node >= 0) nodes.insert(node);
    }
    if (nodes.empty()) continue;
    for (const int32_t node : nodes) {
      if (nodes.size() == 1) {
        plain_singles_ = plain_singles_ || condition.find('+') == std::string::npos;
        training_[node] = Training::kSingly;
      } else if (training_[node] == Training::kNever) {
        training_[node] = Training::kInCombination;
      }
    }
    sets_.emplace(std::move(nodes), condition);
  }
  Measure(network);
}

std::string TrainedGenes::ConditionOf(const std::set<int32_t>& nodes,
                                      const std::vector<std::string>& genes) const {
  const auto trained = sets_.find(nodes);
  if (trained != sets_.end()) return trained->second;
  if (genes.size() != 1 || plain_singles_) return absl::StrJoin(genes, "+");
  return absl::StrCat(genes[0], "+ctrl");
}

int32_t TrainedGenes::Find(const std::string& gene) const {
  const auto found = index_.find(gene);
  return found == index_.end() ? -1 : found->second;
}

// Breadth first from all trained genes at once; of two equally near the first in order counts.
void TrainedGenes::Measure(const CsrMatrix& network) {
  std::vector<std::vector<int32_t>> neighbours(names_.size());
  for (int64_t target = 0; target < network.rows; ++target) {
    for (const int32_t source : network.RowIndices(target)) {
      if (source == target) continue;
      neighbours[target].push_back(source);
      neighbours[source].push_back(static_cast<int32_t>(target));
    }
  }
  hops_.assign(names_.size(), -1);
  nearest_.assign(names_.size(), -1);
  std::deque<int32_t> reached;
  for (size_t node = 0; node < names_.size(); ++node) {
    if (training_[node] == Training::kNever) continue;
    hops_[node] = 0;
    nearest_[node] = static_cast<int32_t>(node);
    reached.push_back(static_cast<int32_t>(node));
  }
  while (!reached.empty()) {
    const int32_t node = reached.front();
    reached.pop_front();
    for (const int32_t neighbour : neighbours[node]) {
      if (hops_[neighbour] >= 0) continue;
      hops_[neighbour] = hops_[node] + 1;
      nearest_[neighbour] = nearest_[node];
      reached.push_back(neighbour);
    }
  }
}

}  // namespace unlasting::bundle
