#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/commands/commands.h"
#include "client/commands/page_flags.h"
#include "client/commands/predict_json.h"
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

// Notes go to stderr, what was written to stdout.
void Print(const Flags& flags, const PredictionCollector& collector) {
  const v1::PredictHeader& header = collector.header();
  for (const std::string& note : header.notes()) std::cerr << "note: " << note << "\n";
  for (const auto& perturbation : header.perturbations()) {
    for (const std::string& note : perturbation.notes()) {
      std::cerr << "note: " << perturbation.label() << ": " << note << "\n";
    }
  }
  if (flags.json) {
    nlohmann::json result = PredictionJson(collector, flags.out);
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

  Print(flags, collector);
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
