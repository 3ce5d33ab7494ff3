#include "client/commands/predict_json.h"

#include <map>
#include <utility>
#include <vector>

#include "client/files/predict_request.h"
#include "client/files/resolved_perturbation.h"
#include "proto/codec/enums.h"

namespace unlasting::client {
namespace {

std::map<std::string, double> CovariatesOf(const v1::ResolvedPerturbation& perturbation) {
  return {perturbation.covariates().begin(), perturbation.covariates().end()};
}

nlohmann::json TrainingDistanceJson(const v1::ResolvedPerturbation& perturbation) {
  nlohmann::json distance;
  for (const v1::GeneTrainingDistance& gene : perturbation.genes()) {
    distance["genes"].push_back(
        {{"gene", gene.gene()},
         {"training", codec::GeneTrainingName(gene.training())},
         {"hops", gene.has_hops() ? nlohmann::json(gene.hops()) : nlohmann::json()},
         {"nearest_gene", gene.nearest_gene()}});
  }
  if (!perturbation.has_molecule()) return distance;
  const v1::MoleculeTrainingDistance& molecule = perturbation.molecule();
  distance["nearest_molecule"] = molecule.nearest_molecule();
  if (molecule.has_tanimoto_similarity()) {
    distance["tanimoto_similarity"] = molecule.tanimoto_similarity();
  }
  if (molecule.has_embedding_cosine()) {
    distance["embedding_cosine"] = molecule.embedding_cosine();
  }
  distance["lowest_dose_um"] = molecule.lowest_dose_micromolar();
  distance["highest_dose_um"] = molecule.highest_dose_micromolar();
  distance["dose_range"] = codec::DoseRangeName(molecule.dose_range());
  return distance;
}

nlohmann::json PredictedErrorJson(const v1::PredictedError& error) {
  nlohmann::json object = {{"cell_type", error.cell_type()},
                           {"kind", error.kind()},
                           {"level", error.level()},
                           {"calibrated", error.calibrated()},
                           {"left_out", error.left_out()}};
  if (error.has_expected_e_distance()) {
    object["expected_e_distance"] = error.expected_e_distance();
  }
  if (error.has_lower() && error.has_upper()) object["interval"] = {error.lower(), error.upper()};
  return object;
}

nlohmann::json PerturbationsJson(const PredictionCollector& collector) {
  nlohmann::json perturbations = nlohmann::json::array();
  for (const auto& perturbation : collector.header().perturbations()) {
    perturbations.push_back({{"label", perturbation.label()},
                             {"condition", ConditionOf(perturbation)},
                             {"smiles", perturbation.smiles()},
                             {"dose_um", perturbation.dose_micromolar()},
                             {"covariates", CovariatesOf(perturbation)},
                             {"seen_in_training", perturbation.seen_in_training()},
                             {"context_seen", ContextSeen(perturbation)},
                             {"seen_together", SeenTogether(perturbation)},
                             {"notes", std::vector<std::string>(perturbation.notes().begin(),
                                                                perturbation.notes().end())},
                             {"training_distance", TrainingDistanceJson(perturbation)}});
  }
  for (const v1::PerturbationSummary& summary : collector.summaries()) {
    nlohmann::json genes = nlohmann::json::array();
    for (const v1::RankedGene& gene : summary.ranked_genes()) {
      if (static_cast<int>(genes.size()) == kRankedGenes) break;
      genes.push_back({{"gene", gene.gene()},
                       {"score", gene.score()},
                       {"log2_fold_change", gene.log2_fold_change()}});
    }
    nlohmann::json& perturbation = perturbations[summary.perturbation_index()];
    perturbation["ranked_genes"] = std::move(genes);
    for (const v1::PredictedError& error : summary.predicted_errors()) {
      perturbation["predicted_errors"].push_back(PredictedErrorJson(error));
    }
  }
  return perturbations;
}

}  // namespace

CountReport CountsOf(const PredictionCollector& collector) {
  CountReport report;
  for (const v1::PerturbationSummary& summary : collector.summaries()) report.Add(summary);
  return report;
}

nlohmann::json PredictionJson(const PredictionCollector& collector, const std::string& out) {
  const v1::PredictHeader& header = collector.header();
  const v1::PredictFinished& finished = collector.finished();
  return {{"out", out},
          {"model", header.model()},
          {"model_version", header.model_version()},
          {"bundle_hash", header.bundle_hash()},
          {"control_cells", collector.cells()},
          {"predicted_cells", finished.rows()},
          {"genes", header.genes_size()},
          {"missing_genes", header.controls().missing_genes_size()},
          {"ignored_genes", header.controls().ignored_genes()},
          {"notes", std::vector<std::string>(header.notes().begin(), header.notes().end())},
          {"evaluations", finished.evaluations()},
          {"queue_seconds", finished.queue_seconds()},
          {"compute_seconds", finished.compute_seconds()},
          {"total_seconds", finished.total_seconds()},
          {"value_kind", codec::ValueKindName(header.value_kind())},
          {"counts", CountsOf(collector).Json()},
          {"perturbations", PerturbationsJson(collector)}};
}

}  // namespace unlasting::client
