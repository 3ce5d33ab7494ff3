// Command is a subcommand of unlasting-train: Add...Command declares its flags on the root parser
// and returns what main runs once they are parsed.
#pragma once

#include <functional>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "core/bundle/bundle.h"

namespace unlasting::trainer {

struct Command {
  CLI::App* app = nullptr;
  std::function<absl::Status()> run;
};

Command AddFitCommand(CLI::App& root);
Command AddEvaluateCommand(CLI::App& root);
Command AddMetricsCommand(CLI::App& root);
Command AddPrepareCommand(CLI::App& root);
Command AddNetworkCommand(CLI::App& root);
Command AddSimulateCommand(CLI::App& root);
// Compares a bundle's TorchScript files with its weights; core/bundle/torch has it.
using BundleVerifier = std::function<absl::Status(const bundle::Bundle&)>;
// `verify` is what --verify runs; it may be null where another program runs that (torch_program.h).
Command AddInspectCommand(CLI::App& root, const BundleVerifier& verify);

}  // namespace unlasting::trainer
