#include "core/predict/query/suggestion.h"

#include <vector>

#include "core/base/did_you_mean.h"

namespace unlasting::predict {
namespace {

std::vector<std::string> GeneNames(const bundle::Manifest& manifest) {
  std::vector<std::string> names = manifest.genes;
  for (const auto& [gene, symbol] : manifest.gene_symbols) names.push_back(symbol);
  return names;
}

}  // namespace

std::string GeneSuggestion(const bundle::Manifest& manifest, const std::string& gene) {
  return DidYouMean(gene, GeneNames(manifest));
}

std::string SuggestionFor(const bundle::Bundle& bundle, const PerturbationQuery& query) {
  const bundle::Manifest& manifest = bundle.manifest();
  for (const std::string& gene : query.genes) {
    if (bundle.trained_genes().Find(gene) >= 0) continue;
    std::vector<std::string> names = GeneNames(manifest);
    names.insert(names.end(), manifest.perturbed_only.begin(), manifest.perturbed_only.end());
    return DidYouMean(gene, names);
  }
  if (query.molecule_name.empty()) return "";
  std::vector<std::string> names;
  for (const bundle::KnownMolecule& molecule : manifest.molecules) names.push_back(molecule.name);
  return DidYouMean(query.molecule_name, names);
}

}  // namespace unlasting::predict
