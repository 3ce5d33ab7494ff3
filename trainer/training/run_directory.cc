#include "trainer/training/run_directory.h"

#include <algorithm>
#include <sstream>

#include "absl/strings/match.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "trainer/settings/settings.h"

namespace unlasting::trainer {

namespace fs = std::filesystem;

RunDirectory::RunDirectory(const std::string& out) : path_(fs::path(out).string() + ".training") {}

absl::Status RunDirectory::Prepare(bool resume, const TrainConfig& config) {
  const std::string settings = ConfigToJson(config).dump(2);
  const auto settings_path = path_ / "settings.json";
  std::error_code error;
  if (resume && fs::exists(settings_path)) {
    UNLASTING_ASSIGN_OR_RETURN(const std::string before, ReadFile(settings_path));
    if (before != settings) {
      return absl::FailedPreconditionError(
          absl::StrCat("--resume: ", settings_path.string(),
                       " holds other settings than those given now; give the same ones, or train "
                       "anew without --resume"));
    }
    // Files that a killed run left half-written.
    std::vector<fs::path> staged;
    for (const auto& entry : fs::directory_iterator(path_, error)) {
      if (absl::StartsWith(entry.path().filename().string(), ".")) staged.push_back(entry.path());
    }
    for (const auto& path : staged) fs::remove_all(path, error);
    ReadLog();
    return absl::OkStatus();
  }
  fs::remove_all(path_, error);
  fs::create_directories(path_, error);
  if (error) return absl::UnknownError(absl::StrCat(path_.string(), ": ", error.message()));
  return WriteFileAtomically(settings_path, settings);
}

void RunDirectory::Remove() const {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void RunDirectory::Log(const nlohmann::json& line) {
  lines_.push_back(line);
  // A log line that cannot be written must not end the run.
  (void)WriteFileAtomically(path_ / "training.jsonl", LogText());
}

void RunDirectory::ForgetAfter(int64_t step, const std::string& key) {
  const auto later = [&](const nlohmann::json& line) {
    return line.is_object() && line.contains(key) && line.value("step", int64_t{0}) > step;
  };
  lines_.erase(std::remove_if(lines_.begin(), lines_.end(), later), lines_.end());
}

std::string RunDirectory::LogText() const {
  std::string text;
  for (const auto& line : lines_) absl::StrAppend(&text, line.dump(), "\n");
  return text;
}

void RunDirectory::ReadLog() {
  const auto text = ReadFile(path_ / "training.jsonl");
  if (!text.ok()) return;
  std::istringstream stream(*text);
  for (std::string line; std::getline(stream, line);) {
    auto parsed = nlohmann::json::parse(line, nullptr, false);
    if (!parsed.is_discarded()) lines_.push_back(std::move(parsed));
  }
}

}  // namespace unlasting::trainer
