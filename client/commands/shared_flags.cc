#include "client/commands/shared_flags.h"

#include "absl/strings/str_join.h"
#include "core/base/status.h"

namespace unlasting::client {
namespace {

absl::StatusOr<cells::MissingGenes> ParseMissingGenes(const std::string& name) {
  if (name == "error") return cells::MissingGenes::kError;
  if (name == "zero") return cells::MissingGenes::kZero;
  if (name == "panel-mean") return cells::MissingGenes::kPanelMean;
  return absl::InvalidArgumentError(
      absl::StrCat("--missing-genes: found '", name, "', expected error, zero or panel-mean"));
}

}  // namespace

void AddControlFlags(CLI::App* command, ControlFlags* flags) {
  ControlSelection& controls = flags->selection;
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
  command
      ->add_option("--control-value", controls.control_value,
                   "Its value for control cells, or several separated by commas; the field's names "
                   "are found too")
      ->capture_default_str();
  command->add_option(
      "--obs-table", controls.obs_table,
      "Table of the cells of a 10x .h5 file or MTX folder (default: obs.tsv beside it)");
  command->add_option("--layer", controls.layer, "Layer to read (default: X); raw: raw/X");
  command
      ->add_option("--matrix", controls.matrix,
                   "What the values are: counts, log1p, or auto (integers are counts)")
      ->capture_default_str();
  command
      ->add_option("--target-sum", controls.target_sum,
                   "Counts per cell that log1p values were normalised to (default: found out)")
      ->check(CLI::PositiveNumber);
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
}

void AddOptionFlags(CLI::App* command, PredictFlags* flags) {
  command->add_option("--model", flags->model, "Name of the model (default: the only one)");
  command->add_option("--model-version", flags->model_version,
                      "Version of the model (default: the server's default)");
  command->add_option("--solver", flags->solver, "ddim or dpmpp2m (default: the model's)");
  command
      ->add_option("--solver-steps", flags->solver_steps,
                   "Solver steps in each direction (default: the model's)")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--mask", flags->mask,
                      "rank, cell, aggregate, sample or none (default: the model's)");
  command
      ->add_option("--mask-threshold", flags->mask_threshold,
                   "Probability from which a gene is active, for cell and aggregate (0.5)")
      ->check(CLI::Range(0.0, 1.0));
  command
      ->add_option("--eta", flags->eta,
                   "Noise of each decoding step with --solver ddim, drawn by --seed: 0 to 1 (0)")
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--seed", flags->seed, "Seed of draws")->capture_default_str();
  command
      ->add_option("--genes", flags->result_genes,
                   "Genes to return, separated by commas (default: all)")
      ->delimiter(',');
  command->add_flag("--bulk,!--interactive", flags->bulk, "Give way to interactive requests");
}

void AddTreatmentVectorsFlag(CLI::App* command, std::string* path) {
  command
      ->add_option("--treatment-vectors", *path,
                   "Table of treatments and their vectors (TSV: name, values; .npy, .h5ad), as for "
                   "unlasting-train's setting treatment_vectors")
      ->type_name("FILE");
}

void AddRetryFlags(CLI::App* command, RetryPolicy* policy) {
  command
      ->add_option_function<double>(
          "--retry-for", [policy](double seconds) { policy->give_up = absl::Seconds(seconds); },
          "Seconds without any answer after which a busy or absent server is given up; 0 asks once "
          "(600)")
      ->check(CLI::NonNegativeNumber);
}

absl::Status CheckControlFlags(const ControlFlags& flags) {
  if ((flags.panel >= 0) != !flags.selection.path.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError("expected one of --control FILE and --panel CELLS");
}

absl::StatusOr<std::optional<cells::ControlMatrix>> ReadControls(const ControlFlags& flags,
                                                                 const PredictFlags& predict,
                                                                 Client* client,
                                                                 v1::PredictRequest* request) {
  if (flags.panel >= 0) {
    v1::ControlPanel* panel = request->mutable_panel();
    panel->set_cells(flags.panel);
    panel->set_seed(predict.seed);
    panel->set_cell_type(flags.selection.cell_type);
    if (!flags.selection.cell_type.empty()) return std::nullopt;
    UNLASTING_ASSIGN_OR_RETURN(const v1::Model model, client->GetModel(predict.model));
    if (model.summary().cell_types_size() != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("--cell-type: expected one of ",
                       absl::StrJoin(model.summary().cell_types(), ", "), " with --panel"));
    }
    panel->set_cell_type(model.summary().cell_types(0));
    return std::nullopt;
  }
  UNLASTING_ASSIGN_OR_RETURN(const v1::Model model, client->GetModel(predict.model));
  ControlSelection selection = flags.selection;
  selection.seed = predict.seed;
  UNLASTING_ASSIGN_OR_RETURN(selection.missing_genes, ParseMissingGenes(flags.missing_genes));
  UNLASTING_ASSIGN_OR_RETURN(cells::ControlMatrix cells, ReadControlCells(selection, model));
  return cells;
}

}  // namespace unlasting::client
