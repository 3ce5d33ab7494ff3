#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/commands/commands.h"
#include "client/commands/page_flags.h"
#include "client/commands/shared_flags.h"
#include "client/files/count_report.h"
#include "client/files/prediction_file.h"
#include "client/files/resolved_perturbation.h"
#include "client/transport/client.h"
#include "client/transport/retrying_client.h"
#include "core/anndata/writer.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/cli/progress.h"
#include "nlohmann/json.hpp"
#include "proto/codec/enums.h"

namespace unlasting::client {
namespace {

constexpr char kExamples[] = R"(Examples:
  unlasting predict --control thp1.h5ad --gene STAT1 --gene STAT1+JAK2 --out stat1.h5ad
  unlasting predict --control glioma.h5ad --condition-column condition --control-value ctrl \
      --smiles 'CC(=O)Oc1ccccc1C(=O)O' --dose 0.2uM --cell-type PW034 --out aspirin.h5ad
  unlasting predict --panel 200 --cell-type THP-1 --gene IRF1 --out irf1.h5ad
  unlasting predict --control thp1.h5ad --gene STAT1 --value-kind counts --out counts.h5ad
  unlasting predict --panel 200 --cell-type THP-1 --treatment IFNB1 --hours 6 --out ifnb1.h5ad
)";

struct Flags {
  ClientOptions connection;
  ControlFlags controls;
  PredictFlags predict;
  std::string treatment_vectors;
  RetryPolicy retry;
  std::string out;
  std::string report;
  std::string progress = "auto";
  bool json = false;
};

// Of each perturbation in the JSON; a page asks the server for all.
constexpr size_t kRankedGenes = 50;

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
      if (genes.size() == kRankedGenes) break;
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

CountReport CountsOf(const PredictionCollector& collector) {
  CountReport report;
  for (const v1::PerturbationSummary& summary : collector.summaries()) report.Add(summary);
  return report;
}

nlohmann::json ToJson(const PredictionCollector& collector, const std::string& out) {
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

// A line for each perturbation, but for those after kMaxErrorLines.
void PrintErrors(const PredictionCollector& collector) {
  constexpr size_t kMaxErrorLines = 50;
  size_t lines = 0;
  for (const v1::PerturbationSummary& summary : collector.summaries()) {
    const v1::PredictedError* const error = WorstError(summary);
    const int p = summary.perturbation_index();
    if (error == nullptr || p < 0 || p >= collector.header().perturbations_size()) continue;
    if (++lines > kMaxErrorLines) continue;
    std::cout << collector.header().perturbations(p).label()
              << ": predicted E-distance from the truth " << PredictedErrorText(*error) << "\n";
  }
  if (lines > kMaxErrorLines) {
    std::cout << "and " << lines - kMaxErrorLines << " more, in uns of the file\n";
  }
}

// What the server returns for the request, whole.
absl::StatusOr<PredictionCollector> Predict(const v1::PredictRequest& request,
                                            cli::ProgressStyle style, RetryingClient* client) {
  PredictionCollector collector;
  cli::Progress progress("predict", "evaluations", style);
  const auto restart = [&collector] { collector = PredictionCollector(); };
  UNLASTING_RETURN_IF_ERROR(client->Predict(request, restart, [&](const v1::PredictResponse& part) {
    if (part.has_progress()) {
      progress.Update(part.progress().evaluations_done(), part.progress().evaluations_total());
    } else if (part.has_finished()) {
      progress.Update(part.finished().evaluations(), part.finished().evaluations());
    }
    return collector.Add(part);
  }));
  return collector;
}

absl::Status RunUntilInterrupted(Flags flags) {
  UNLASTING_RETURN_IF_ERROR(CheckControlFlags(flags.controls));
  UNLASTING_RETURN_IF_ERROR(CheckReportFlag(flags.report, flags.out));
  std::optional<KeptWarnings> warnings;
  if (!flags.report.empty()) warnings.emplace();
  UNLASTING_ASSIGN_OR_RETURN(const cli::ProgressStyle style,
                             cli::ParseProgressStyle(flags.progress));
  if (!flags.treatment_vectors.empty()) {
    if (flags.predict.treatments.empty()) {
      return absl::InvalidArgumentError("--treatment-vectors: expected a treatment, --treatment");
    }
    UNLASTING_ASSIGN_OR_RETURN(flags.predict.treatment_vectors,
                               ReadTreatmentVectors(flags.treatment_vectors));
  }
  UNLASTING_ASSIGN_OR_RETURN(v1::PredictRequest request, MakePredictRequest(flags.predict));
  UNLASTING_ASSIGN_OR_RETURN(const auto client, Client::Connect(flags.connection));
  RetryingClient retrying({client.get()}, 0, flags.retry,
                          RetryingClient::RealTime(flags.connection.cancellation));
  UNLASTING_ASSIGN_OR_RETURN(const std::optional<cells::ControlMatrix> cells,
                             ReadControls(flags.controls, flags.predict, client.get(), &request));
  if (cells.has_value()) retrying.UseControls(&*cells);
  std::optional<PageContext> page;
  if (!flags.report.empty()) {
    UNLASTING_ASSIGN_OR_RETURN(page,
                               PreparePage(flags.controls, flags.predict, client.get(), &request));
  }

  UNLASTING_ASSIGN_OR_RETURN(PredictionCollector collector, Predict(request, style, &retrying));
  UNLASTING_ASSIGN_OR_RETURN(anndata::AnnData data, collector.Finish());
  UNLASTING_RETURN_IF_ERROR(AddControls(flags.controls, flags.predict, cells, client.get(), &data));
  UNLASTING_RETURN_IF_ERROR(anndata::WriteAnnData(data, flags.out));
  if (page.has_value()) {
    page->controls = cells.has_value() ? &*cells : nullptr;
    page->warnings = warnings->all();
    UNLASTING_RETURN_IF_ERROR(
        WriteFileAtomically(flags.report, RenderPredictionPage(collector, *page)));
  }

  const v1::PredictHeader& header = collector.header();
  for (const std::string& note : header.notes()) std::cerr << "note: " << note << "\n";
  for (const auto& perturbation : header.perturbations()) {
    for (const std::string& note : perturbation.notes()) {
      std::cerr << "note: " << perturbation.label() << ": " << note << "\n";
    }
  }
  if (flags.json) {
    nlohmann::json result = ToJson(collector, flags.out);
    if (!flags.report.empty()) result["report"] = flags.report;
    std::cout << result.dump() << "\n";
  } else {
    std::cout << "wrote " << flags.out << ": " << collector.finished().rows()
              << " predicted cells (" << collector.cells() << " control cells, "
              << header.perturbations_size() << " perturbations), " << header.genes_size()
              << " genes\n";
    if (!flags.report.empty()) std::cout << "wrote " << flags.report << "\n";
    PrintErrors(collector);
    const std::string counts = CountsOf(collector).Text();
    if (!counts.empty()) std::cout << counts << "\n";
  }
  return absl::OkStatus();
}

absl::Status Run(const Flags& flags) {
  const absl::Status status = RunUntilInterrupted(flags);
  if (!absl::IsCancelled(status) || !flags.connection.cancellation->cancelled()) return status;
  return absl::CancelledError(absl::StrCat("interrupted; ", flags.out, " was not written"));
}

}  // namespace

Command AddPredictCommand(CLI::App* app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app->add_subcommand("predict", "Predict control cells under perturbations");
  command->footer(kExamples);
  AddConnectionFlags(command, &flags->connection);

  AddControlFlags(command, &flags->controls);
  AddWithControlsFlag(command, &flags->controls);

  PredictFlags& predict = flags->predict;
  command
      ->add_option(
          "--gene", predict.genes,
          "Gene to knock out, or genes to knock out together: GENE or GENE+GENE; repeatable")
      ->allow_extra_args(false);
  command
      ->add_option("--smiles", predict.smiles, "Structure of a molecule, with --dose; repeatable")
      ->allow_extra_args(false);
  command
      ->add_option("--molecule", predict.molecules,
                   "Name of a molecule that the model knows, with --dose; repeatable")
      ->allow_extra_args(false);
  command
      ->add_option("--dose", predict.doses,
                   "Dose with its unit, e.g. 0.2uM, or several, e.g. 0.1uM,1uM; every molecule is "
                   "predicted at every dose")
      ->allow_extra_args(false);
  command
      ->add_option(
          "--treatment", predict.treatments,
          "Name of a treatment (cytokine, medium, virus, ...) that the model or the table of "
          "--treatment-vectors knows; repeatable")
      ->allow_extra_args(false);
  AddTreatmentVectorsFlag(command, &flags->treatment_vectors);
  command
      ->add_option(
          "--hours", predict.hours,
          "Hours that each treatment and molecule lasts, for models with times; repeatable")
      ->allow_extra_args(false);
  command
      ->add_option("--covariate", predict.covariates,
                   "Value of another covariate of the model, NAME=NUMBER; repeatable")
      ->allow_extra_args(false);
  AddOptionFlags(command, &predict);

  command->add_option("--out", flags->out, "AnnData file to write")
      ->required()
      ->type_name("FILE.h5ad");
  AddReportFlag(command, &flags->report);
  AddRetryFlags(command, &flags->retry);
  command
      ->add_option("--progress", flags->progress,
                   "How progress is shown on stderr: auto, bar, plain or none")
      ->capture_default_str();
  command->add_flag("--json", flags->json, "Print what was written as JSON");
  return [flags](Cancellation* cancellation) {
    flags->connection.cancellation = cancellation;
    return Run(*flags);
  };
}

}  // namespace unlasting::client
