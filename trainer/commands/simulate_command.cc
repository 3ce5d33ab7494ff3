// unlasting-train simulate: writes cells whose network and effects are known.
#include "core/anndata/writer.h"
#include "core/base/status.h"
#include "core/cells/simulation.h"
#include "core/cli/interrupt.h"
#include "core/cli/progress.h"
#include "core/cli/value_checks.h"
#include "trainer/commands/command.h"

namespace unlasting::trainer {
namespace {

struct SimulateFlags {
  cells::SimulationOptions options;
  std::string out;
  int gzip = 1;
  std::string progress = "auto";
};

absl::Status RunSimulate(const SimulateFlags& flags) {
  UNLASTING_ASSIGN_OR_RETURN(const auto style, cli::ParseProgressStyle(flags.progress));
  auto data = [&] {
    cli::Progress progress("simulate", "cells", style);
    return cells::Simulate(flags.options,
                           [&](int64_t done, int64_t total) { progress.Update(done, total); });
  }();
  if (!data.ok()) return data.status();
  if (cli::Interrupted()) return absl::CancelledError("interrupted; nothing was written");
  anndata::WriteOptions options;
  options.gzip_level = flags.gzip;
  UNLASTING_RETURN_IF_ERROR(anndata::WriteAnnData(*data, flags.out, options));
  if (style != cli::ProgressStyle::kNone) std::fprintf(stderr, "wrote %s\n", flags.out.c_str());
  return absl::OkStatus();
}

}  // namespace

Command AddSimulateCommand(CLI::App& root) {
  auto flags = std::make_shared<SimulateFlags>();
  cells::SimulationOptions& o = flags->options;
  CLI::App* app = root.add_subcommand(
      "simulate", "Writes cells with a known network, known effects and bimodal responses");
  const auto add = [app](const char* name, auto* value, const char* text) {
    app->add_option(name, *value, text)->capture_default_str();
  };
  app->add_option("--out", flags->out, "The .h5ad file to write")->required();
  add("--cells", &o.cells, "Number of cells");
  add("--genes", &o.genes, "Number of genes");
  add("--perturbations", &o.perturbations, "Number of genes that are knocked out, each alone");
  add("--doubles", &o.doubles, "Number of pairs of those genes that are knocked out together");
  add("--molecules", &o.molecules, "Number of drugs with SMILES, each at every dose");
  app->add_option("--doses", o.doses_um, "Doses of the drugs in uM, separated by commas")
      ->delimiter(',');
  add("--cell-types", &o.cell_types, "Number of cell types");
  add("--contexts", &o.contexts,
      "Number of cell types along an axis of their control cells, whose responses change with the "
      "place on it; in place of --cell-types");
  add("--control-share", &o.control_share, "Share of control cells");
  add("--response", &o.response_share, "Share of perturbed cells that respond");
  add("--density", &o.density, "Share of entries above 0, before effects and dropout");
  add("--dropout", &o.dropout, "Largest probability that a weak gene's count is lost");
  add("--library-spread", &o.library_spread,
      "Standard deviation of the logarithm of the library size");
  add("--in-degree", &o.in_degree, "Largest number of regulators of a gene");
  app->add_flag("--expected", o.expected, "Write the noise-free profiles too, as dense layers");
  add("--seed", &o.seed, "Seed of the cells; the same seed gives the same file");
  app->add_option("--threads", o.threads, "CPU threads, 1 to 1024")
      ->check(cli::Between(1, 1024))
      ->capture_default_str();
  app->add_option("--gzip", flags->gzip, "Level of gzip compression, from 0 (none) to 9")
      ->check(cli::Between(0, 9))
      ->capture_default_str();
  app->add_option("--progress", flags->progress,
                  "How progress is shown on stderr: auto, bar, plain or none")
      ->capture_default_str();
  app->footer(
      "The truth is in the file: layers/unperturbed holds the counts that each cell would have "
      "had\n"
      "without its perturbation, obs/responder and obs/program say which cells respond and why,\n"
      "varp/network holds the weights (row = target), and varm/effects the change of every gene's "
      "log\n"
      "rate in each of uns/simulation/conditions.\n\n"
      "Examples:\n"
      "  unlasting-train simulate --out small.h5ad --cells 2000 --genes 200 --perturbations 10\n"
      "  unlasting-train simulate --out drugs.h5ad --perturbations 0 --molecules 24 --doses "
      "0.1,1,10\n"
      "  unlasting-train simulate --out contexts.h5ad --cells 20000 --contexts 10\n"
      "  unlasting-train simulate --out large.h5ad --cells 100000 --genes 5000 --density 0.1");
  return {app, [flags] { return RunSimulate(*flags); }};
}

}  // namespace unlasting::trainer
