#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/commands/commands.h"
#include "client/commands/shared_flags.h"
#include "client/screen/screen.h"
#include "core/anndata/writer.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/cli/progress.h"
#include "nlohmann/json.hpp"
#include "proto/codec/control_codec.h"

namespace unlasting::client {
namespace {

constexpr char kExamples[] = R"(Examples:
  unlasting screen --control thp1.h5ad --perturbations knockouts.tsv --out screen.h5ad
  unlasting screen --server a:50051,b:50051 --control thp1.h5ad --perturbations drugs.tsv \
      --out screen.h5ad --resume

The table is tab-separated with a header: gene (A, A+B), or smiles or molecule with dose (0.2uM).
What is done is kept in OUT.parts until all is; --resume goes on from there.
)";

struct Flags {
  ClientOptions connection;
  ControlFlags controls;
  PredictFlags predict;
  ScreenOptions screen;
  std::string perturbations;
  int64_t batch = 16;
  bool resume = false;
  std::string out;
  std::string progress = "auto";
  bool json = false;
};

absl::StatusOr<std::vector<std::unique_ptr<Client>>> CreateClients(const Flags& flags) {
  std::vector<std::unique_ptr<Client>> clients;
  for (const std::string& address :
       std::vector<std::string>(absl::StrSplit(flags.connection.address, ',', absl::SkipEmpty()))) {
    ClientOptions options = flags.connection;
    options.address = address;
    UNLASTING_ASSIGN_OR_RETURN(auto client, Client::Create(options));
    clients.push_back(std::move(client));
  }
  if (clients.empty()) {
    return absl::InvalidArgumentError("--server: found none, expected HOST:PORT[,HOST:PORT...]");
  }
  return clients;
}

// One of the servers that is there.
absl::StatusOr<Client*> FirstConnected(const std::vector<std::unique_ptr<Client>>& clients,
                                       const Flags& flags) {
  absl::Status status;
  for (const auto& client : clients) {
    ClientOptions options = flags.connection;
    options.address = client->address();
    const auto connected = Client::Connect(options);
    if (connected.ok()) return client.get();
    status = connected.status();
  }
  return status;
}

// Equal for screens whose parts fit together.
std::string Fingerprint(const ScreenWork& work) {
  std::string all = work.request.SerializeAsString();
  if (work.cells.has_value()) {
    absl::StrAppend(&all, codec::EncodeControls(*work.cells).SerializeAsString());
  }
  for (const auto& perturbation : work.perturbations) {
    absl::StrAppend(&all, perturbation.SerializeAsString(), "\n");
  }
  for (const auto& batch : work.batches) absl::StrAppend(&all, batch.last, " ");
  return Sha256(all);
}

absl::StatusOr<ScreenWork> MakeWork(const Flags& flags, Client* client) {
  ScreenWork work;
  UNLASTING_ASSIGN_OR_RETURN(const std::string table, ReadFile(flags.perturbations));
  auto perturbations = ParsePerturbations(table);
  if (!perturbations.ok()) return Annotate(perturbations.status(), flags.perturbations);
  work.perturbations = *std::move(perturbations);
  work.batches = CutIntoBatches(static_cast<int64_t>(work.perturbations.size()), flags.batch);
  PredictFlags options = flags.predict;
  // MakePredictRequest wants a perturbation; the batches bring their own.
  options.genes = {"any"};
  UNLASTING_ASSIGN_OR_RETURN(work.request, MakePredictRequest(options));
  work.request.clear_perturbations();
  work.request.mutable_options()->set_content(v1::RESULT_CONTENT_PROFILES);
  work.request.mutable_options()->set_encoding(v1::MATRIX_ENCODING_SPARSE);
  UNLASTING_ASSIGN_OR_RETURN(work.cells,
                             ReadControls(flags.controls, flags.predict, client, &work.request));
  return work;
}

absl::Status Run(const Flags& flags) {
  UNLASTING_RETURN_IF_ERROR(CheckControlFlags(flags.controls));
  UNLASTING_ASSIGN_OR_RETURN(const cli::ProgressStyle style,
                             cli::ParseProgressStyle(flags.progress));
  UNLASTING_ASSIGN_OR_RETURN(const auto clients, CreateClients(flags));
  UNLASTING_ASSIGN_OR_RETURN(Client* const first, FirstConnected(clients, flags));
  UNLASTING_ASSIGN_OR_RETURN(const ScreenWork work, MakeWork(flags, first));
  UNLASTING_ASSIGN_OR_RETURN(const ScreenParts parts,
                             ScreenParts::Open(flags.out, Fingerprint(work), flags.resume));
  std::vector<Client*> servers;
  for (const auto& client : clients) servers.push_back(client.get());
  {
    cli::Progress progress("screen", "perturbations", style);
    const absl::Status status = RunScreen(servers, work, flags.screen, parts, [&](int64_t done) {
      progress.Update(done, static_cast<int64_t>(work.perturbations.size()));
    });
    if (!status.ok()) {
      return absl::Status(
          status.code(),
          absl::StrCat(status.message(), "; what is done is kept, go on with --resume"));
    }
  }
  PredictionCollector collector;
  UNLASTING_RETURN_IF_ERROR(parts.Collect(work.batches, &collector));
  UNLASTING_ASSIGN_OR_RETURN(const anndata::AnnData data, collector.Finish());
  UNLASTING_RETURN_IF_ERROR(anndata::WriteAnnData(data, flags.out));
  parts.Remove();

  const v1::PredictHeader& header = collector.header();
  for (const std::string& note : header.notes()) std::cerr << "note: " << note << "\n";
  if (flags.json) {
    std::cout << nlohmann::json{{"out", flags.out},
                                {"model", header.model()},
                                {"model_version", header.model_version()},
                                {"bundle_hash", header.bundle_hash()},
                                {"perturbations", header.perturbations_size()},
                                {"control_cells", header.controls().cell_ids_size()},
                                {"predicted_cells", collector.finished().rows()},
                                {"genes", header.genes_size()}}
                     .dump()
              << "\n";
  } else {
    std::cout << "wrote " << flags.out << ": " << collector.finished().rows()
              << " predicted cells (" << header.controls().cell_ids_size() << " control cells, "
              << header.perturbations_size() << " perturbations), " << header.genes_size()
              << " genes\n";
  }
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
  command->add_option("--perturbations", flags->perturbations, "Table with one perturbation a line")
      ->required()
      ->type_name("FILE.tsv");
  AddControlFlags(command, &flags->controls);
  AddOptionFlags(command, &flags->predict);
  command->add_option("--batch", flags->batch, "Perturbations of one request")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--streams", flags->screen.streams, "Requests at once with each server")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  command->add_flag("--resume", flags->resume, "Go on with a screen that was stopped");
  AddRetryFlags(command, &flags->screen.retry);
  command->add_option("--out", flags->out, "AnnData file to write")
      ->required()
      ->type_name("FILE.h5ad");
  command->add_option("--progress", flags->progress, "auto, bar, plain or none")
      ->capture_default_str();
  command->add_flag("--json", flags->json, "Print the result's description as JSON");
  return [flags] { return Run(*flags); };
}

}  // namespace unlasting::client
