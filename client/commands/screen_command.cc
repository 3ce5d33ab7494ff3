#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "client/commands/commands.h"
#include "client/commands/page_flags.h"
#include "client/commands/screen_notes.h"
#include "client/commands/screen_page.h"
#include "client/commands/screen_servers.h"
#include "client/commands/shared_flags.h"
#include "client/files/count_report.h"
#include "client/screen/screen.h"
#include "client/screen/screen_report.h"
#include "core/anndata/writer.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/cli/progress.h"
#include "core/cli/value_checks.h"
#include "nlohmann/json.hpp"
#include "proto/codec/enums.h"

namespace unlasting::client {
namespace {

constexpr char kExamples[] = R"(Examples:
  unlasting screen --control thp1.h5ad --perturbations knockouts.tsv --out screen.h5ad
  unlasting screen --server a:50051,b:50051 --control thp1.h5ad --perturbations drugs.tsv \
      --out screen.h5ad --resume

The first line of the table names its columns: gene (A, A+B), or treatment, or smiles or molecule
with dose (0.2uM, or 0.1uM,1uM); the columns hours, covariate and name are optional. Columns are
separated by tabs, commas or semicolons. Two tables are written beside screen.h5ad:
screen.ranking.tsv has one row per perturbation, the strongest first, and screen.errors.tsv lists the
rows that could not be predicted, which do not stop the others. Perturbations that are done are kept
in screen.h5ad.parts until all are; after a stop (Ctrl-C, a crash), --resume goes on from there, also
with a table that was corrected or has new rows.
)";

struct Flags {
  ClientOptions connection;
  ControlFlags controls;
  PredictFlags predict;
  ScreenOptions screen;
  std::string perturbations;
  std::vector<std::string> doses;
  std::string treatment_vectors;
  bool resume = false;
  std::string out;
  std::string report;
  std::string progress = "auto";
  bool json = false;
};

absl::StatusOr<ScreenTable> ReadTable(const Flags& flags) {
  UNLASTING_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(flags.perturbations));
  TreatmentVectors vectors;
  if (!flags.treatment_vectors.empty()) {
    UNLASTING_ASSIGN_OR_RETURN(vectors, ReadTreatmentVectors(flags.treatment_vectors));
  }
  auto table = ParseScreenTable(bytes, flags.doses, vectors);
  if (!table.ok()) return Annotate(table.status(), flags.perturbations);
  for (const std::string& note : table->notes) {
    std::cerr << "note: " << flags.perturbations << ": " << note << "\n";
  }
  return table;
}

absl::StatusOr<ScreenWork> MakeWork(const Flags& flags, std::vector<ScreenRow> rows,
                                    Client* client) {
  ScreenWork work;
  work.rows = std::move(rows);
  PredictFlags options = flags.predict;
  // MakePredictRequest wants a perturbation; the batches bring their own.
  options.genes = {"any"};
  UNLASTING_ASSIGN_OR_RETURN(work.request, MakePredictRequest(options));
  work.request.clear_perturbations();
  work.request.mutable_options()->set_content(v1::RESULT_CONTENT_ALL);
  work.request.mutable_options()->set_encoding(v1::MATRIX_ENCODING_SPARSE);
  UNLASTING_ASSIGN_OR_RETURN(work.cells,
                             ReadControls(flags.controls, flags.predict, client, &work.request));
  return work;
}

// What is left of the rows without those that were refused.
std::vector<ScreenRow> Predicted(const std::vector<ScreenRow>& rows,
                                 const std::vector<BadRow>& refused) {
  std::set<std::pair<int, std::string>> bad;
  for (const BadRow& row : refused) bad.emplace(row.line, row.key);
  std::vector<ScreenRow> predicted;
  for (const ScreenRow& row : rows) {
    if (bad.count({row.line, row.key}) == 0) predicted.push_back(row);
  }
  return predicted;
}

absl::Status NothingPredicted(const Flags& flags, const std::vector<BadRow>& bad,
                              const std::string& errors) {
  return absl::InvalidArgumentError(absl::StrCat(
      flags.perturbations, ": line ", bad.front().line, ": ", bad.front().message,
      bad.size() == 1
          ? std::string()
          : absl::StrCat("; none of the ", bad.size(), " rows can be predicted, see ", errors)));
}

// Runs the screen and adds the rows that were refused to `bad`, in the table's order.
absl::Status Screen(const Flags& flags, const std::vector<std::unique_ptr<Client>>& clients,
                    const ScreenWork& work, const ScreenParts& parts, ServerWatch* watch,
                    cli::ProgressStyle style, std::vector<BadRow>* bad) {
  std::vector<Client*> servers;
  for (const auto& client : clients) servers.push_back(client.get());
  ScreenOptions options = flags.screen;
  options.time = RetryingClient::RealTime(flags.connection.cancellation);
  cli::Progress progress("screen", "perturbations", style);
  int64_t rows_done = 0;
  auto refused = RunScreen(servers, work, options, parts, watch, [&](int64_t done) {
    rows_done = done;
    progress.Update(done, static_cast<int64_t>(work.rows.size()));
  });
  if (absl::IsCancelled(refused.status())) {
    return absl::CancelledError(absl::StrCat("interrupted; ", rows_done, " of ", work.rows.size(),
                                             " perturbations are kept in ", flags.out,
                                             ".parts; go on with --resume"));
  }
  if (!refused.ok()) {
    return absl::Status(
        refused.status().code(),
        absl::StrCat(refused.status().message(), "; what is done is kept, go on with --resume"));
  }
  bad->insert(bad->end(), refused->begin(), refused->end());
  std::stable_sort(bad->begin(), bad->end(),
                   [](const BadRow& a, const BadRow& b) { return a.line < b.line; });
  return absl::OkStatus();
}

// Writes the .h5ad file and the ranking of the rows that were predicted.
absl::Status WriteResults(const Flags& flags, const ScreenWork& work, Client* client,
                          const std::vector<ScreenRow>& rows, const ScreenParts& parts,
                          const std::string& ranking, PredictionCollector* collector,
                          CountReport* counts, PageOfScreen* page) {
  std::vector<RankedRow> ranked(rows.size());
  UNLASTING_RETURN_IF_ERROR(
      parts.Collect(rows, collector, [&](size_t place, const v1::PerturbationSummary& summary) {
        ranked[place] = RankedRowOf(collector->header(), summary);
        counts->Add(summary);
        page->Add(collector->header(), place, summary, rows[place]);
      }));
  std::vector<std::string> names;
  bool named = false;
  for (const ScreenRow& row : rows) {
    names.push_back(row.name);
    named = named || !row.name.empty();
  }
  if (named) collector->SetNames(std::move(names));
  UNLASTING_ASSIGN_OR_RETURN(anndata::AnnData data, collector->Finish());
  UNLASTING_RETURN_IF_ERROR(AddControls(flags.controls, flags.predict, work.cells, client, &data));
  UNLASTING_RETURN_IF_ERROR(anndata::WriteAnnData(data, flags.out));
  return WriteRanking(ranking, collector->header(), rows, ranked);
}

void PrintResult(const Flags& flags, const PredictionCollector& collector,
                 const CountReport& counts, const std::vector<BadRow>& bad,
                 const std::string& ranking, const std::string& errors, const ServerWatch& watch) {
  const v1::PredictHeader& header = collector.header();
  if (flags.json) {
    std::cout << nlohmann::json{{"out", flags.out},
                                {"ranking", ranking},
                                {"errors", bad.empty() ? nlohmann::json() : nlohmann::json(errors)},
                                {"report", flags.report.empty() ? nlohmann::json()
                                                                : nlohmann::json(flags.report)},
                                {"bad_rows", bad.size()},
                                {"model", header.model()},
                                {"model_version", header.model_version()},
                                {"bundle_hash", header.bundle_hash()},
                                {"perturbations", header.perturbations_size()},
                                {"control_cells", collector.cells()},
                                {"predicted_cells", collector.finished().rows()},
                                {"genes", header.genes_size()},
                                {"value_kind", codec::ValueKindName(header.value_kind())},
                                {"counts", counts.Json()},
                                {"servers", ServersJson(watch)}}
                     .dump()
              << "\n";
  } else {
    std::cout << "wrote " << flags.out << ": " << collector.finished().rows()
              << " predicted cells (" << collector.cells() << " control cells, "
              << header.perturbations_size() << " perturbations), " << header.genes_size()
              << " genes\nwrote " << ranking << ": the perturbations, strongest first\n"
              << (flags.report.empty() ? "" : absl::StrCat("wrote ", flags.report, "\n"))
              << (counts.Text().empty() ? "" : counts.Text() + "\n");
  }
}

absl::Status Run(const Flags& flags) {
  UNLASTING_RETURN_IF_ERROR(CheckControlFlags(flags.controls));
  UNLASTING_RETURN_IF_ERROR(CheckReportFlag(flags.report, flags.out));
  PageOfScreen page(flags.report);
  UNLASTING_ASSIGN_OR_RETURN(const cli::ProgressStyle style,
                             cli::ParseProgressStyle(flags.progress));
  UNLASTING_ASSIGN_OR_RETURN(const ScreenTable table, ReadTable(flags));
  const std::string ranking = BesideOutput(flags.out, ".ranking.tsv");
  const std::string errors = BesideOutput(flags.out, ".errors.tsv");
  std::vector<BadRow> bad = table.bad;
  if (table.rows.empty()) {
    UNLASTING_RETURN_IF_ERROR(WriteErrors(errors, bad));
    return NothingPredicted(flags, bad, errors);
  }
  UNLASTING_ASSIGN_OR_RETURN(const auto clients, CreateClients(flags.connection));
  UNLASTING_ASSIGN_OR_RETURN(Client* const first, FirstConnected(clients, flags.connection));
  UNLASTING_ASSIGN_OR_RETURN(ScreenWork work, MakeWork(flags, table.rows, first));
  UNLASTING_RETURN_IF_ERROR(page.Prepare(flags.controls, flags.predict, first, &work.request));
  if (flags.connection.cancellation->cancelled()) return CallWasCancelled();
  UNLASTING_ASSIGN_OR_RETURN(const ScreenParts parts,
                             ScreenParts::Open(flags.out, FingerprintOf(work), flags.resume));
  std::vector<std::string> addresses;
  for (const auto& client : clients) addresses.push_back(client->address());
  ServerWatch watch(addresses,
                    [](const std::string& change) { std::cerr << "note: " << change << "\n"; });
  UNLASTING_RETURN_IF_ERROR(Screen(flags, clients, work, parts, &watch, style, &bad));
  const std::vector<ScreenRow> rows = Predicted(work.rows, bad);
  if (!bad.empty()) UNLASTING_RETURN_IF_ERROR(WriteErrors(errors, bad));
  if (rows.empty()) {
    parts.Remove();
    return NothingPredicted(flags, bad, errors);
  }
  PredictionCollector collector;
  CountReport counts;
  UNLASTING_RETURN_IF_ERROR(
      WriteResults(flags, work, first, rows, parts, ranking, &collector, &counts, &page));
  UNLASTING_RETURN_IF_ERROR(
      page.Write(collector.header(), flags.perturbations, bad, ranking, errors));
  if (bad.empty()) {
    parts.Remove();
    // One of an earlier try would speak of rows that are mended.
    std::filesystem::remove(errors);
  } else {
    std::cerr << "warning: " << flags.perturbations << ": " << bad.size() << " of "
              << rows.size() + bad.size() << " rows were not predicted, the first on line "
              << bad.front().line << ": " << bad.front().message << "; " << errors
              << " lists them; correct them and go on with --resume\n";
  }
  PrintNotes(collector.header(), ranking);
  PrintServers(watch, std::cerr);
  PrintResult(flags, collector, counts, bad, ranking, errors, watch);
  return absl::OkStatus();
}

}  // namespace

Command AddScreenCommand(CLI::App* app) {
  auto flags = std::make_shared<Flags>();
  flags->predict.bulk = true;
  CLI::App* command =
      app->add_subcommand("screen", "Predict the same control cells under many perturbations");
  command->footer(kExamples);
  AddConnectionFlags(command, &flags->connection);
  command
      ->add_option("--perturbations", flags->perturbations,
                   "Table with one perturbation per line, described below")
      ->required()
      ->type_name("FILE.tsv");
  AddControlFlags(command, &flags->controls);
  AddWithControlsFlag(command, &flags->controls);
  AddOptionFlags(command, &flags->predict);
  command->add_option(
      "--dose", flags->doses,
      "Doses of the molecules for which the table gives none, e.g. 0.1uM,1uM; every molecule "
      "at every dose");
  AddTreatmentVectorsFlag(command, &flags->treatment_vectors);
  command->add_option("--batch", flags->screen.batch, "Perturbations in one request")
      ->capture_default_str()
      ->check(cli::Above(0));
  command
      ->add_option("--streams", flags->screen.streams,
                   "Requests under way at once with each server, 1 to 64")
      ->capture_default_str()
      ->check(cli::Between(1, 64));
  command->add_flag("--resume", flags->resume, "Go on with a screen that was stopped before");
  AddRetryFlags(command, &flags->screen.retry);
  command->add_option("--out", flags->out, "AnnData file to write")
      ->required()
      ->type_name("FILE.h5ad");
  AddReportFlag(command, &flags->report);
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
