// TrainedGenes knows which genes a bundle's training perturbed, alone or together, and how far the
// others lie from them in the gene network.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/matrix.h"
#include "core/bundle/manifest.h"

namespace unlasting::bundle {

// Immutable; nodes are indices in [0, N'): the genes, then the perturbed genes without expression.
class TrainedGenes {
 public:
  enum class Training { kNever, kInCombination, kSingly };

  TrainedGenes() = default;
  // `network` is [N', N'].
  TrainedGenes(const Manifest& manifest, const CsrMatrix& network);

  // Node of a gene by name, then by symbol; -1 where unknown.
  int32_t Find(const std::string& gene) const;
  // Whether exactly these genes were perturbed together.
  bool Trained(const std::set<int32_t>& nodes) const { return sets_.count(nodes) > 0; }
  // The training's name of the condition in which exactly these genes were perturbed. Where there
  // is none, the name that it would have, with the genes spelled as in `genes`: "A+B", and for one
  // gene "A+ctrl" unless training writes such conditions "A".
  std::string ConditionOf(const std::set<int32_t>& nodes,
                          const std::vector<std::string>& genes) const;
  // Of a gene by itself: kSingly also where it was perturbed both alone and with others.
  Training training(int32_t node) const { return training_[node]; }
  // Edges, followed either way, to the nearest gene that training perturbed: 0 for such a gene
  // itself, -1 where no path leads to one.
  int32_t hops(int32_t node) const { return hops_[node]; }
  // That gene; -1 where there is none.
  int32_t nearest(int32_t node) const { return nearest_[node]; }
  const std::string& name(int32_t node) const { return names_[node]; }

 private:
  void Measure(const CsrMatrix& network);

  std::vector<std::string> names_;
  std::unordered_map<std::string, int32_t> index_;
  std::map<std::set<int32_t>, std::string> sets_;  // with the name of the condition
  bool plain_singles_ = false;  // single genes are written "A" in training, not "A+ctrl"
  std::vector<Training> training_;
  std::vector<int32_t> hops_, nearest_;
};

}  // namespace unlasting::bundle
