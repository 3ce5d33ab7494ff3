// ScreenParts keeps what a screen has predicted so far: a folder beside its output with one file
// for each request, written whole or not at all, so that a screen that was stopped, or whose table
// was mended, goes on where it was.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/files/prediction_file.h"
#include "client/screen/screen_table.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::client {

// One thread at a time, but for Write, which any may call for different keys.
class ScreenParts {
 public:
  // The folder OUT.parts. `fingerprint` says of which cells, with which model and how predictions
  // are made, not which: parts of another screen are refused with FAILED_PRECONDITION, and parts of
  // this one too unless `resume`. DATA_LOSS names a part that is damaged.
  static absl::StatusOr<ScreenParts> Open(const std::string& out, const std::string& fingerprint,
                                          bool resume);

  // Whether a part that was there at Open has the row.
  bool Has(const std::string& key) const { return found_.count(key) > 0; }
  // `answer` is a complete result, whose perturbations are those of the rows with these keys.
  absl::Status Write(const std::vector<std::string>& keys,
                     const std::vector<v1::PredictResponse>& answer) const;
  // The rows as one result, in the order of `rows`; `on_summary` is told each row's summary, by its
  // place among them. DATA_LOSS where a row is in no part, a part is damaged, or one was made by
  // another model than the first.
  using OnSummary = std::function<void(size_t, const v1::PerturbationSummary&)>;
  absl::Status Collect(
      const std::vector<ScreenRow>& rows, PredictionCollector* collector,
      const OnSummary& on_summary = [](size_t, const auto&) {}) const;
  // Removes the folder.
  void Remove() const;

 private:
  struct Part {
    std::vector<std::string> keys;
    std::vector<v1::PredictResponse> answer;
  };

  explicit ScreenParts(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::vector<std::filesystem::path> Paths() const;
  absl::Status FindParts();
  static absl::StatusOr<Part> Read(const std::filesystem::path& path);

  std::filesystem::path folder_;
  std::map<std::string, std::filesystem::path> found_;  // key -> its part
};

}  // namespace unlasting::client
