// The commands of `unlasting`. Each adds its flags to the command line and runs when it was named;
// results go to stdout, notes and progress to stderr.
#pragma once

#include <functional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "client/transport/client.h"

namespace unlasting::client {

// Runs until its work is done or `cancellation` is cancelled; then it keeps nothing half-done and
// returns CANCELLED with what was kept.
using Command = std::function<absl::Status(Cancellation* cancellation)>;

// Each returns what to run when its subcommand was parsed.
Command AddPredictCommand(CLI::App* app);
Command AddScreenCommand(CLI::App* app);
Command AddLoadCommand(CLI::App* app);
Command AddModelsCommand(CLI::App* app);
Command AddModelCommand(CLI::App* app);
Command AddHealthCommand(CLI::App* app);

// --server, --tls-ca, --tls-cert, --tls-key, --token-file; `options` outlives the parse.
void AddConnectionFlags(CLI::App* command, ClientOptions* options);

}  // namespace unlasting::client
