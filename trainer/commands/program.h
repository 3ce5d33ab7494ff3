// What both programs of unlasting-train share: parsing, interrupts, one line for an error, exit
// codes.
#pragma once

#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "trainer/commands/command.h"

namespace unlasting::trainer {

// Parses the command line and runs the command that it names, out of those that `add_commands`
// declares. Returns the program's exit code: 0 for success, 2 for bad usage or bad input, 1 for
// anything else.
int RunProgram(int argc, char** argv, std::vector<Command> (*add_commands)(CLI::App& app));

// Prints the error as one line on stderr and returns its exit code.
int ReportError(const absl::Status& status);

}  // namespace unlasting::trainer
