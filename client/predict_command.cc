#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "client/client.h"
#include "client/commands.h"
#include "client/control_cells.h"
#include "client/predict_request.h"
#include "client/prediction_file.h"
#include "client/progress.h"
#include "core/anndata/writer.h"
#include "core/base/status.h"
#include "nlohmann/json.hpp"

namespace unlasting::client {
namespace {

// Below this, control cells travel with the request; above, they are uploaded first in parts.
constexpr int64_t kMostInlineBytes = 2 << 20;

constexpr char kExamples[] = R"(Examples:
  unlasting predict --control thp1.h5ad --gene STAT1 --gene STAT1+JAK2 --out stat1.h5ad
  unlasting predict --control glioma.h5ad --condition-column condition --control-value ctrl \
      --smiles 'CC(=O)Oc1ccccc1C(=O)O' --dose 0.2uM --cell-type PW034 --out aspirin.h5ad
  unlasting predict --panel 200 --cell-type THP-1 --gene IRF1 --out irf1.h5ad
)";

struct Flags {
  ClientOptions connection;
  ControlSelection controls;
  PredictFlags predict;
  int64_t panel = -1;  // cells; below 0: none
  std::string missing_genes = "error";
  std::string out;
  std::string progress = "auto";
  bool json = false;
};

absl::StatusOr<v1::MissingGenes> ParseMissingGenes(const std::string& name) {
  if (name == "error") return v1::MISSING_GENES_ERROR;
  if (name == "zero") return v1::MISSING_GENES_ZERO;
  if (name == "panel-mean") return v1::MISSING_GENES_PANEL_MEAN;
  return absl::InvalidArgumentError(
      absl::StrCat("--missing-genes: found '", name, "', expected error, zero or panel-mean"));
}

absl::Status AddControls(const Flags& flags, Client* client, v1::PredictRequest* request) {
  if (flags.panel >= 0) {
    v1::ControlPanel* panel = request->mutable_panel();
    panel->set_cells(flags.panel);
    panel->set_seed(flags.predict.seed);
    panel->set_cell_type(flags.controls.cell_type);
    if (!flags.controls.cell_type.empty()) return absl::OkStatus();
    UNLASTING_ASSIGN_OR_RETURN(const v1::Model model, client->GetModel(flags.predict.model));
    if (model.summary().cell_types_size() != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("--cell-type: expected one of ",
                       absl::StrJoin(model.summary().cell_types(), ", "), " with --panel"));
    }
    panel->set_cell_type(model.summary().cell_types(0));
    return absl::OkStatus();
  }
  UNLASTING_ASSIGN_OR_RETURN(const v1::Model model, client->GetModel(flags.predict.model));
  ControlSelection selection = flags.controls;
  selection.seed = flags.predict.seed;
  UNLASTING_ASSIGN_OR_RETURN(selection.missing_genes, ParseMissingGenes(flags.missing_genes));
  UNLASTING_ASSIGN_OR_RETURN(const ControlCells cells, ReadControlCells(selection, model));
  if (cells.Bytes() <= kMostInlineBytes) {
    *request->mutable_cells() = cells.Message();
    return absl::OkStatus();
  }
  UNLASTING_ASSIGN_OR_RETURN(const auto registered, client->RegisterControls(cells));
  request->set_control_set_id(registered.control_set_id());
  return absl::OkStatus();
}

nlohmann::json ToJson(const PredictionCollector& collector, const std::string& out) {
  const v1::PredictHeader& header = collector.header();
  nlohmann::json perturbations = nlohmann::json::array();
  for (const auto& perturbation : header.perturbations()) {
    perturbations.push_back({{"label", perturbation.label()},
                             {"condition", ConditionOf(perturbation)},
                             {"smiles", perturbation.smiles()},
                             {"dose_um", perturbation.dose_micromolar()},
                             {"seen_in_training", perturbation.seen_in_training()},
                             {"notes", std::vector<std::string>(perturbation.notes().begin(),
                                                                perturbation.notes().end())}});
  }
  for (const v1::PerturbationSummary& summary : collector.summaries()) {
    nlohmann::json genes = nlohmann::json::array();
    for (const v1::RankedGene& gene : summary.ranked_genes()) {
      genes.push_back({{"gene", gene.gene()},
                       {"score", gene.score()},
                       {"log2_fold_change", gene.log2_fold_change()}});
    }
    perturbations[summary.perturbation_index()]["ranked_genes"] = std::move(genes);
  }
  const v1::PredictFinished& finished = collector.finished();
  return {{"out", out},
          {"model", header.model()},
          {"model_version", header.model_version()},
          {"bundle_hash", header.bundle_hash()},
          {"control_cells", header.controls().cell_ids_size()},
          {"predicted_cells", finished.rows()},
          {"genes", header.genes_size()},
          {"missing_genes", header.controls().missing_genes_size()},
          {"ignored_genes", header.controls().ignored_genes()},
          {"evaluations", finished.evaluations()},
          {"queue_seconds", finished.queue_seconds()},
          {"compute_seconds", finished.compute_seconds()},
          {"total_seconds", finished.total_seconds()},
          {"perturbations", std::move(perturbations)}};
}

absl::Status Run(const Flags& flags) {
  if ((flags.panel >= 0) == !flags.controls.path.empty()) {
    return absl::InvalidArgumentError("expected one of --control FILE and --panel CELLS");
  }
  UNLASTING_ASSIGN_OR_RETURN(const ProgressStyle style, ParseProgressStyle(flags.progress));
  UNLASTING_ASSIGN_OR_RETURN(v1::PredictRequest request, MakePredictRequest(flags.predict));
  UNLASTING_ASSIGN_OR_RETURN(const auto client, Client::Connect(flags.connection));
  UNLASTING_RETURN_IF_ERROR(AddControls(flags, client.get(), &request));

  PredictionCollector collector;
  {
    Progress progress("predict", style);
    UNLASTING_RETURN_IF_ERROR(client->Predict(request, [&](const v1::PredictResponse& part) {
      if (part.has_progress()) {
        progress.Update(part.progress().evaluations_done(), part.progress().evaluations_total());
      } else if (part.has_finished()) {
        progress.Update(part.finished().evaluations(), part.finished().evaluations());
      }
      return collector.Add(part);
    }));
  }
  UNLASTING_ASSIGN_OR_RETURN(const anndata::AnnData data, collector.Finish());
  UNLASTING_RETURN_IF_ERROR(anndata::WriteAnnData(data, flags.out));

  const v1::PredictHeader& header = collector.header();
  for (const auto& perturbation : header.perturbations()) {
    for (const std::string& note : perturbation.notes()) {
      std::cerr << "note: " << perturbation.label() << ": " << note << "\n";
    }
  }
  if (flags.json) {
    std::cout << ToJson(collector, flags.out).dump() << "\n";
  } else {
    std::cout << "wrote " << flags.out << ": " << collector.finished().rows()
              << " predicted cells (" << header.controls().cell_ids_size() << " control cells, "
              << header.perturbations_size() << " perturbations), " << header.genes_size()
              << " genes\n";
  }
  return absl::OkStatus();
}

}  // namespace

Command AddPredictCommand(CLI::App* app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app->add_subcommand("predict", "Predict control cells under perturbations");
  command->footer(kExamples);
  AddConnectionFlags(command, &flags->connection);

  ControlSelection& controls = flags->controls;
  command->add_option("--control", controls.path, "AnnData file with control cells")
      ->type_name("FILE.h5ad");
  command
      ->add_option("--panel", flags->panel,
                   "Use this many of the model's own control cells; 0: all of the cell type")
      ->type_name("CELLS")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--cell-type", controls.cell_type,
                      "Only control cells of this type (default: all, each with its own)");
  command->add_option("--cell-type-column", controls.cell_type_column, "obs column of cell types")
      ->capture_default_str();
  command
      ->add_option("--condition-column", controls.condition_column,
                   "obs column that tells control cells; '' takes every row")
      ->capture_default_str();
  command->add_option("--control-value", controls.control_value, "Its value for control cells")
      ->capture_default_str();
  command->add_option("--layer", controls.layer, "Layer to read (default: X)");
  command
      ->add_option("--matrix", controls.matrix,
                   "What the values are: counts, log1p, or auto (integers are counts)")
      ->capture_default_str();
  command->add_option("--library-size-column", controls.library_size_column,
                      "obs column with each cell's total counts (default: the row's sum)");
  command
      ->add_option("--missing-genes", flags->missing_genes,
                   "Genes of the model that the file lacks: error, zero or panel-mean")
      ->capture_default_str();
  command
      ->add_option("--max-cells", controls.max_cells,
                   "Draw at most this many control cells by --seed; 0: all")
      ->check(CLI::NonNegativeNumber);

  PredictFlags& predict = flags->predict;
  command->add_option("--model", predict.model, "Name of the model (default: the only one)");
  command->add_option("--gene", predict.genes, "Knocked-out genes, GENE or GENE+GENE; repeatable")
      ->allow_extra_args(false);
  command->add_option("--smiles", predict.smiles, "Molecule by structure; repeatable")
      ->allow_extra_args(false);
  command
      ->add_option("--molecule", predict.molecules,
                   "Molecule by a name that the model knows; repeatable")
      ->allow_extra_args(false);
  command->add_option("--dose", predict.doses, "Dose with unit, e.g. 0.2uM; repeatable")
      ->allow_extra_args(false);
  command->add_option("--solver", predict.solver, "ddim or dpmpp2m (default: the model's)");
  command
      ->add_option("--steps", predict.solver_steps, "Solver steps each way (default: the model's)")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--mask", predict.mask,
                      "rank, cell, aggregate, sample or none (default: the model's)");
  command
      ->add_option("--mask-threshold", predict.mask_threshold,
                   "Probability from which a gene is active, for cell and aggregate (0.5)")
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--seed", predict.seed, "Seed of draws")->capture_default_str();
  command
      ->add_option("--genes", predict.result_genes,
                   "Genes to return, separated by commas (default: all)")
      ->delimiter(',');
  command->add_flag("--bulk", predict.bulk, "Give way to interactive requests");

  command->add_option("--out", flags->out, "AnnData file to write")
      ->required()
      ->type_name("FILE.h5ad");
  command->add_option("--progress", flags->progress, "auto, bar, plain or none")
      ->capture_default_str();
  command->add_flag("--json", flags->json, "Print the result's description as JSON");
  return [flags] { return Run(*flags); };
}

}  // namespace unlasting::client
