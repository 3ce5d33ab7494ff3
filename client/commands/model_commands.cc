#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/commands/commands.h"
#include "client/transport/client.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/cli/value_checks.h"
#include "google/protobuf/util/json_util.h"
#include "nlohmann/json.hpp"
#include "proto/codec/enums.h"

namespace unlasting::client {
namespace {

struct Flags {
  ClientOptions connection;
  std::string model;
  std::string service = v1::PredictionService::service_full_name();
  bool json = false;
};

absl::Status PrintJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) return absl::InternalError("the response cannot be printed as JSON");
  std::cout << json << "\n";
  return absl::OkStatus();
}

absl::Status RunModels(const Flags& flags) {
  UNLASTING_ASSIGN_OR_RETURN(const auto client, Client::Connect(flags.connection));
  UNLASTING_ASSIGN_OR_RETURN(const v1::ListModelsResponse response, client->ListModels());
  if (flags.json) return PrintJson(response);
  size_t width = 4;
  for (const auto& model : response.models()) width = std::max(width, model.name().size());
  std::cout << absl::StreamFormat("%-*s  %7s  %-15s  %s\n", static_cast<int>(width), "name",
                                  "genes", "perturbations", "cell types");
  for (const auto& model : response.models()) {
    std::cout << absl::StreamFormat(
        "%-*s  %7d  %-15s  %s\n", static_cast<int>(width), model.name(), model.gene_count(),
        absl::StrJoin(model.perturbation_kinds(), ", "), absl::StrJoin(model.cell_types(), ", "));
  }
  return absl::OkStatus();
}

absl::Status RunModel(const Flags& flags) {
  UNLASTING_ASSIGN_OR_RETURN(const auto client, Client::Connect(flags.connection));
  UNLASTING_ASSIGN_OR_RETURN(const v1::Model model, client->GetModel(flags.model));
  if (flags.json) return PrintJson(model);
  const v1::ModelSummary& summary = model.summary();
  std::cout << "name           " << summary.name() << "\n"
            << "version        " << summary.version() << "\n"
            << "created        " << summary.created() << "\n"
            << "bundle hash    " << summary.bundle_hash() << "\n"
            << "genes          " << model.genes_size() << " (and "
            << model.perturbed_only_genes_size()
            << " that can be perturbed without being measured)\n"
            << "cell types     " << absl::StrJoin(summary.cell_types(), ", ") << "\n"
            << "perturbations  " << absl::StrJoin(summary.perturbation_kinds(), ", ") << "\n"
            << "conditions     " << model.conditions_size() << " in training\n"
            << "molecules      " << model.molecules_size() << " in training\n"
            << "defaults       solver " << codec::SolverName(model.default_solver()) << ", "
            << model.default_solver_steps() << " steps each way, mask "
            << codec::MaskModeName(model.default_mask()) << "\n";
  if (!model.card().empty()) std::cout << "\n" << model.card() << "\n";
  return absl::OkStatus();
}

absl::Status RunHealth(const Flags& flags) {
  UNLASTING_ASSIGN_OR_RETURN(const auto client, Client::Connect(flags.connection));
  UNLASTING_ASSIGN_OR_RETURN(const std::string health, client->Health(flags.service));
  if (flags.json) {
    std::cout << nlohmann::json({{"service", flags.service}, {"status", health}}).dump() << "\n";
  } else {
    std::cout << health << "\n";
  }
  if (health == "SERVING") return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("server ", flags.connection.address, ": ", flags.service, " is ", health));
}

}  // namespace

void AddConnectionFlags(CLI::App* command, ClientOptions* options) {
  options->address = "127.0.0.1:50051";
  command->add_option("--server", options->address, "Address of the server")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  command
      ->add_option("--tls-ca", options->tls_ca,
                   "PEM file of the authority that signed the server's certificate; turns TLS on")
      ->type_name("FILE");
  CLI::Option* certificate = command
                                 ->add_option("--tls-cert", options->tls_certificate,
                                              "PEM file of the client's certificate")
                                 ->type_name("FILE");
  command->add_option("--tls-key", options->tls_key, "PEM file of the private key of --tls-cert")
      ->type_name("FILE")
      ->needs(certificate);
  command
      ->add_option_function<std::string>(
          "--token-file",
          [options](const std::string& path) {
            const auto text = ReadFile(path);
            if (!text.ok()) throw CLI::ValidationError("--token-file", path + ": cannot be read");
            options->token = std::string(absl::StripAsciiWhitespace(*text));
          },
          "File that holds the client's bearer token (default: the variable UNLASTING_TOKEN)")
      ->type_name("FILE");
  if (const char* token = std::getenv("UNLASTING_TOKEN")) options->token = token;
  command
      ->add_option_function<double>(
          "--connect-timeout",
          [options](double seconds) { options->connect_timeout = absl::Seconds(seconds); },
          "Seconds to wait for a connection (default: 10)")
      ->type_name("SECONDS")
      ->check(cli::Above(0));
}

Command AddModelsCommand(CLI::App* app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app->add_subcommand("models", "List the models that a server has loaded");
  AddConnectionFlags(command, &flags->connection);
  command->add_flag("--json", flags->json, "Print the response as JSON");
  return [flags](Cancellation* cancellation) {
    flags->connection.cancellation = cancellation;
    return RunModels(*flags);
  };
}

Command AddModelCommand(CLI::App* app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app->add_subcommand("model", "Describe a model and print its model card");
  AddConnectionFlags(command, &flags->connection);
  command->add_option("name", flags->model,
                      "Name of the model (default: the only model of the server)");
  command->add_flag("--json", flags->json, "Print the response as JSON");
  return [flags](Cancellation* cancellation) {
    flags->connection.cancellation = cancellation;
    return RunModel(*flags);
  };
}

Command AddHealthCommand(CLI::App* app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app->add_subcommand("health", "Ask whether a server accepts requests");
  AddConnectionFlags(command, &flags->connection);
  command
      ->add_option("--service", flags->service,
                   "Service whose health is asked for; '': the whole server")
      ->capture_default_str();
  command->add_flag("--json", flags->json, "Print the response as JSON");
  return [flags](Cancellation* cancellation) {
    flags->connection.cancellation = cancellation;
    return RunHealth(*flags);
  };
}

}  // namespace unlasting::client
