// RunDirectory keeps the checkpoints, settings and log of a fit beside the bundle until that is
// complete, so that an interrupted run can be resumed. One thread at a time.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "nlohmann/json.hpp"
#include "trainer/settings/config.pb.h"

namespace unlasting::trainer {

class RunDirectory {
 public:
  // `out` is the bundle's folder; the run directory is OUT.training.
  explicit RunDirectory(const std::string& out);

  // Creates the directory. With `resume` an existing one is kept; FAILED_PRECONDITION where it
  // belongs to a run with other settings. Otherwise it is emptied.
  absl::Status Prepare(bool resume, const TrainConfig& config);
  std::string At(const char* name) const { return (path_ / name).string(); }
  void Remove() const;

  // Appends a line to training.jsonl, on disk at once.
  void Log(const nlohmann::json& line);
  // Drops the lines with `key` after `step`: a run resumed there logs them again.
  void ForgetAfter(int64_t step, const std::string& key);
  std::string LogText() const;

 private:
  void ReadLog();

  std::filesystem::path path_;
  std::vector<nlohmann::json> lines_;
};

}  // namespace unlasting::trainer
