#include "client/commands/shared_flags.h"

#include "absl/strings/str_join.h"
#include "client/files/control_rows.h"
#include "core/base/status.h"
#include "core/cli/value_checks.h"

namespace unlasting::client {
namespace {

absl::StatusOr<cells::MissingGenes> ParseMissingGenes(const std::string& name) {
  if (name == "error") return cells::MissingGenes::kError;
  if (name == "zero") return cells::MissingGenes::kZero;
  if (name == "panel-mean") return cells::MissingGenes::kPanelMean;
  return absl::InvalidArgumentError(
      absl::StrCat("--missing-genes: found '", name, "', expected error, zero or panel-mean"));
}

// Where the values of the control cells are, and on which scale.
void AddValueFlags(CLI::App* command, ControlSelection* selection) {
  ControlSelection& controls = *selection;
  command
      ->add_option("--obs-table", controls.obs_table,
                   "Table (TSV or CSV, barcode first) of the cells of a 10x .h5 file or an MTX "
                   "folder (default: "
                   "obs.tsv beside it)")
      ->type_name("FILE");
  command->add_option("--layer", controls.layer, "Layer to read in place of X; raw: raw/X");
  command
      ->add_option("--matrix", controls.matrix,
                   "What the values are: counts, log1p, or auto (whole numbers are counts)")
      ->capture_default_str();
  command
      ->add_option("--target-sum", controls.target_sum,
                   "Counts per cell that log1p values were normalised to (default: found from the "
                   "values)")
      ->check(cli::Above(0));
  command->add_option(
      "--library-size-column", controls.library_size_column,
      "Column of obs that holds each cell's counts over all genes (default: the sum of "
      "its row)");
}

}  // namespace

void AddControlFlags(CLI::App* command, ControlFlags* flags) {
  ControlSelection& controls = flags->selection;
  command
      ->add_option("--control", controls.path,
                   "File with the control cells: .h5ad, 10x .h5 or an MTX folder")
      ->type_name("FILE.h5ad");
  command
      ->add_option(
          "--panel", flags->panel,
          "Predict this many of the model's own control cells in place of --control; 0: all "
          "of the cell type")
      ->type_name("CELLS")
      ->check(cli::AtLeast(0));
  command->add_option(
      "--cell-type", controls.cell_type,
      "Cell type of the control cells to predict (default: every type of the file)");
  command->add_option(
      "--new-cell-type", controls.new_cell_type,
      "Name for control cells of a cell type, line or patient that the model was not trained on, "
      "30 "
      "or more: responses are carried over to them by how far they lie from the training's cell "
      "types");
  command
      ->add_option("--cell-type-column", controls.cell_type_column,
                   "Column of obs that holds each cell's type")
      ->capture_default_str();
  command
      ->add_option(
          "--condition-column", controls.condition_column,
          "Column of obs that holds each cell's condition, of which the control is taken; '': "
          "every cell is a control cell")
      ->capture_default_str();
  command
      ->add_option(
          "--control-value", controls.control_value,
          "Condition of the control cells, or several separated by commas; the usual names of "
          "a control are recognised too")
      ->capture_default_str();
  AddValueFlags(command, &controls);
  command
      ->add_option(
          "--missing-genes", flags->missing_genes,
          "What to do about genes of the model that the file lacks: error (refuse), zero, or "
          "panel-mean (the mean of the model's own control cells)")
      ->capture_default_str();
  command
      ->add_option("--max-cells", controls.max_cells,
                   "Largest number of control cells, drawn by --seed; 0: all")
      ->check(cli::AtLeast(0));
}

void AddWithControlsFlag(CLI::App* command, ControlFlags* flags) {
  command->add_flag("--with-controls", flags->with_controls,
                    "Write the control cells too, with --value-kind counts, for tools that compare "
                    "with control cells of the same file");
}

void AddOptionFlags(CLI::App* command, PredictFlags* flags) {
  command->add_option("--model", flags->model,
                      "Name of the model (default: the only model of the server)");
  command->add_option("--model-version", flags->model_version,
                      "Version of the model (default: the server's default)");
  command->add_option("--solver", flags->solver,
                      "ODE solver: ddim or dpmpp2m (default: the model's)");
  command
      ->add_option("--solver-steps", flags->solver_steps,
                   "Solver steps in each direction (default: the model's)")
      ->check(cli::AtLeast(0));
  command->add_option(
      "--mask", flags->mask,
      "How predicted genes become silent: rank, cell, aggregate, sample or none (default: "
      "the model's)");
  command
      ->add_option("--mask-threshold", flags->mask_threshold,
                   "Probability from which a gene is active with --mask cell or aggregate, 0 to 1 "
                   "(default: 0.5)")
      ->check(cli::Between(0, 1));
  command
      ->add_option(
          "--eta", flags->eta,
          "Noise of each decoding step with --solver ddim, 0 to 1, drawn by --seed (default: "
          "0)")
      ->check(cli::Between(0, 1));
  command->add_option("--seed", flags->seed, "Seed of everything that is drawn at random")
      ->capture_default_str();
  command
      ->add_option("--genes", flags->result_genes,
                   "Genes to return, separated by commas (default: all genes of the model)")
      ->delimiter(',');
  command->add_option(
      "--value-kind", flags->value_kind,
      "What the predicted values are: log1p, or counts, whole numbers drawn by --seed "
      "(default: log1p)");
  command
      ->add_option("--depth", flags->depth,
                   "Counts over all genes of each cell with --value-kind counts (default: those of "
                   "its control cell)")
      ->check(cli::Between(1, 1e7));
  command->add_flag("--bulk,!--interactive", flags->bulk,
                    "Let interactive requests of others go first (--bulk) or not (--interactive)");
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
          "Seconds without any response after which a busy or absent server is given up; 0: ask "
          "once "
          "(default: 600)")
      ->type_name("SECONDS")
      ->check(cli::AtLeast(0));
}

absl::Status CheckControlFlags(const ControlFlags& flags) {
  if (flags.panel >= 0 && flags.with_controls) {
    return absl::InvalidArgumentError(
        "--with-controls: found --panel, whose cells the file cannot have; expected --control");
  }
  if (flags.panel >= 0 && !flags.selection.new_cell_type.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--new-cell-type: found '", flags.selection.new_cell_type,
        "' with --panel, whose cells are of the model's own types; expected --control"));
  }
  if ((flags.panel >= 0) != !flags.selection.path.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      flags.panel >= 0 ? "--control and --panel: found both, expected one of them"
                       : "--control and --panel: found neither, expected the file of the control "
                         "cells or a number of the model's own");
}

absl::Status AddControls(const ControlFlags& flags, const PredictFlags& predict,
                         const std::optional<cells::ControlMatrix>& cells, Client* client,
                         anndata::AnnData* data) {
  if (!flags.with_controls) return absl::OkStatus();
  UNLASTING_ASSIGN_OR_RETURN(const v1::Model model,
                             client->GetModel(predict.model, predict.model_version));
  const std::string labels = flags.selection.control_value;
  return AppendControls(*cells, model, labels.substr(0, labels.find(',')), data);
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
    UNLASTING_ASSIGN_OR_RETURN(const v1::Model model,
                               client->GetModel(predict.model, predict.model_version));
    if (model.summary().cell_types_size() != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("--cell-type: expected one of ",
                       absl::StrJoin(model.summary().cell_types(), ", "), " with --panel"));
    }
    panel->set_cell_type(model.summary().cell_types(0));
    return std::nullopt;
  }
  UNLASTING_ASSIGN_OR_RETURN(const v1::Model model,
                             client->GetModel(predict.model, predict.model_version));
  ControlSelection selection = flags.selection;
  selection.seed = predict.seed;
  UNLASTING_ASSIGN_OR_RETURN(selection.missing_genes, ParseMissingGenes(flags.missing_genes));
  UNLASTING_ASSIGN_OR_RETURN(cells::ControlMatrix cells, ReadControlCells(selection, model));
  cells.new_context = selection.new_cell_type;
  const bool counts = cells.kind == cells::MatrixKind::kCounts && predict.value_kind == "counts";
  if (flags.with_controls && !counts) {
    return absl::InvalidArgumentError(
        "--with-controls: expected --value-kind counts and control cells that are counts");
  }
  return cells;
}

}  // namespace unlasting::client
