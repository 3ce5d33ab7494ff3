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
  TrainConfig given;  // what flags that mirror settings set: --layout, --library-size-column
  std::string progress = "auto";
};

// --data, --config, --set, the flags that mirror settings, and --progress.
void AddDataFlags(CLI::App* app, DataFlags* flags);

// Defaults, --config, --set, then the flags that mirror settings; all of them checked, whatever the
// command makes use of.
absl::StatusOr<TrainConfig> ResolveDataConfig(const DataFlags& flags);

// Reads, splits, normalises and selects (cells::PreprocessFile); SMILES come out canonical, without
// salts. Says on stderr what was found, unless progress is none. CANCELLED after SIGINT.
absl::StatusOr<cells::Prepared> PrepareCells(const std::string& path, const TrainConfig& config,
                                             cli::ProgressStyle style);

}  // namespace unlasting::trainer
