// Knocked-out genes by name, and how far they lie from those of the training.
#include <set>

#include "absl/strings/str_join.h"
#include "core/base/status.h"
#include "core/predict/query/resolve.h"

namespace unlasting::predict {
namespace {

using Training = bundle::TrainedGenes::Training;

GeneDistance DistanceOf(const bundle::TrainedGenes& trained, int32_t node) {
  GeneDistance distance;
  distance.gene = trained.name(node);
  distance.training = trained.training(node);
  if (trained.hops(node) >= 0) {
    distance.hops = trained.hops(node);
    distance.nearest = trained.name(trained.nearest(node));
  }
  return distance;
}

void Note(const GeneDistance& distance, Perturbation* perturbation) {
  if (distance.training == Training::kInCombination) {
    perturbation->notes.push_back(
        absl::StrCat("gene ", distance.gene, " was perturbed in training only with others"));
  } else if (distance.training == Training::kNever) {
    perturbation->notes.push_back(absl::StrCat(
        "gene ", distance.gene, " was never perturbed in training; ",
        distance.hops.has_value()
            ? absl::StrCat("the nearest that was, ", distance.nearest, ", is ", *distance.hops,
                           *distance.hops == 1 ? " edge" : " edges", " away in the gene network")
            : "no path of the gene network leads to one that was"));
  }
}

}  // namespace

absl::Status ResolveGenes(const bundle::Bundle& bundle, const PerturbationQuery& query,
                          Perturbation* perturbation) {
  const bundle::Manifest& manifest = bundle.manifest();
  const bundle::TrainedGenes& trained = bundle.trained_genes();
  if (!manifest.Knows("gene")) {
    return WithReason(absl::InvalidArgumentError(absl::StrCat(
                          "genes: the model '", manifest.name, "' was trained on ",
                          absl::StrJoin(manifest.perturbation_kinds, "s and "), "s only")),
                      "UNSUPPORTED_PERTURBATION");
  }
  std::vector<std::string> unknown;
  std::set<int32_t> nodes;
  for (const auto& gene : query.genes) {
    const int32_t node = trained.Find(gene);
    if (node < 0) {
      unknown.push_back(gene);
    } else if (!nodes.insert(node).second) {
      return WithReason(
          absl::InvalidArgumentError(absl::StrCat("genes: '", gene, "' stands there twice")),
          "DUPLICATE_GENE");
    }
  }
  if (!unknown.empty()) {
    return WithReason(
        absl::NotFoundError(absl::StrCat("genes: the model '", manifest.name, "' does not know ",
                                         absl::StrJoin(unknown, ", "))),
        "UNKNOWN_GENE");
  }
  perturbation->kind = Perturbation::Kind::kGene;
  perturbation->label = absl::StrJoin(query.genes, "+");
  perturbation->knockout.assign(nodes.begin(), nodes.end());
  perturbation->condition = trained.ConditionOf(nodes, query.genes);
  perturbation->seen_in_training = trained.Trained(nodes);
  if (!perturbation->seen_in_training) {
    perturbation->notes.push_back("this set of genes was not perturbed in training");
  }
  const auto& network = bundle.reference().network;
  for (const int32_t node : nodes) {
    perturbation->genes.push_back(DistanceOf(trained, node));
    if (!perturbation->seen_in_training) Note(perturbation->genes.back(), perturbation);
    if (network.RowIndices(node).size() <= 1) {
      perturbation->notes.push_back(
          absl::StrCat("gene ", trained.name(node), " has no neighbours in the gene network"));
    }
  }
  return absl::OkStatus();
}

}  // namespace unlasting::predict
