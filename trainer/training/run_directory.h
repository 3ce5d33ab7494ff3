// Checkpoints, settings and the running log of a fit, kept beside the bundle until it is complete.
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
  // `out` is the bundle's folder; the work folder is its name with .training behind.
  explicit RunDirectory(const std::string& out);

  // Makes the folder, empty unless `resume` finds one of a run with these settings.
  // FAILED_PRECONDITION where its settings differ.
  absl::Status Prepare(bool resume, const TrainConfig& config);
  std::string At(const char* name) const { return (path_ / name).string(); }
  void Remove() const;

  // Lines of training.jsonl, written as they come.
  void Log(const nlohmann::json& line);
  // Forgets lines of `key` past `step`: they come again after a resume from there.
  void ForgetAfter(int64_t step, const std::string& key);
  std::string LogText() const;

 private:
  void ReadLog();

  std::filesystem::path path_;
  std::vector<nlohmann::json> lines_;
};

}  // namespace unlasting::trainer
