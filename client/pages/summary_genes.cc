#include "client/pages/summary_genes.h"

#include <cmath>
#include <set>
#include <unordered_map>

#include "core/evaluate/differential_expression.h"
#include "core/evaluate/multiple_testing.h"

namespace unlasting::client {
namespace {

using report::GeneChange;

double At(const google::protobuf::RepeatedField<float>& values, int64_t column, double otherwise) {
  if (column >= values.size()) return otherwise;
  const double value = values[static_cast<int>(column)];
  return std::isfinite(value) ? value : otherwise;
}

}  // namespace

std::vector<int64_t> MeasuredColumns(const v1::PredictHeader& header) {
  const auto& missing = header.controls().missing_genes();
  const std::set<std::string> filled_in(missing.begin(), missing.end());
  std::vector<int64_t> columns;
  for (int g = 0; g < header.genes_size(); ++g) {
    if (filled_in.count(header.genes(g)) == 0) columns.push_back(g);
  }
  return columns;
}

std::vector<GeneChange> GenesOf(const v1::PredictHeader& header,
                                const v1::PerturbationSummary& summary,
                                const std::vector<int64_t>& columns, const v1::Model& model) {
  const int64_t cells = header.controls().cell_type_indices_size();
  std::unordered_map<std::string, const v1::RankedGene*> ranked;
  for (const v1::RankedGene& gene : summary.ranked_genes()) ranked.emplace(gene.gene(), &gene);
  std::vector<GeneChange> genes;
  std::vector<double> p;
  for (const int64_t column : columns) {
    GeneChange gene;
    gene.gene = header.genes(static_cast<int>(column));
    const auto symbol = model.gene_symbols().find(gene.gene);
    gene.symbol =
        symbol == model.gene_symbols().end() || symbol->second.empty() ? gene.gene : symbol->second;
    gene.control_mean = At(summary.control_mean(), column, 0);
    gene.mean = At(summary.mean(), column, gene.control_mean);
    gene.share = At(summary.active_share(), column, GeneChange::kUnknown);
    gene.log2_fold_change = At(summary.log2_fold_change(), column, GeneChange::kUnknown);
    const auto found = ranked.find(gene.gene);
    if (found != ranked.end() && std::isfinite(found->second->score())) {
      gene.score = found->second->score();
      const double deviation = At(summary.standard_deviation(), column, GeneChange::kUnknown);
      const double value = evaluate::WelchP(gene.score, found->second->mean_difference(),
                                            deviation * deviation, cells);
      if (!std::isnan(value)) p.push_back(value);
    }
    genes.push_back(std::move(gene));
  }
  // An adjustment over some of the genes alone would be too kind.
  if (p.size() != genes.size()) return genes;
  const std::vector<double> adjusted = evaluate::BenjaminiHochberg(p);
  for (size_t g = 0; g < genes.size(); ++g) genes[g].p_adjusted = adjusted[g];
  return genes;
}

}  // namespace unlasting::client
