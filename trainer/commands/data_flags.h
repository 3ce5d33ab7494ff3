// What fit, prepare and network have in common: which cells to read, and how.
#pragma once

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "core/cells/preprocess.h"
#include "core/cli/progress.h"
#include "trainer/settings/config.pb.h"

namespace unlasting::trainer {

struct DataFlags {
  std::string data;
  std::string config;
  std::vector<std::string> set;
  std::string layout;               // "" leaves the setting
  std::string library_size_column;  // "" leaves the setting
  std::string progress = "auto";
};

// --data, --config, --set, --layout, --library-size-column, --progress.
void AddDataFlags(CLI::App* app, DataFlags* flags);

// Defaults, --config, --set, then the flags that are settings by another name.
absl::StatusOr<TrainConfig> ResolveDataConfig(const DataFlags& flags);

// Reads, splits, normalises and selects (cells::PreprocessFile); SMILES come out canonical, without
// salts. Says on stderr what was found, unless progress is none. CANCELLED
// after SIGINT.
absl::StatusOr<cells::Prepared> PrepareCells(const std::string& path, const TrainConfig& config,
                                             cli::ProgressStyle style);

}  // namespace unlasting::trainer
