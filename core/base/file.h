// file.h reads files, and writes them so that they appear whole or not at all.
#pragma once

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unlasting {

// NOT_FOUND or PERMISSION_DENIED with the path in the message.
absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path);

// The same for files that are read again while a server runs: FAILED_PRECONDITION where `path` is a
// pipe, a socket or a device, which a read might never return from.
absl::StatusOr<std::string> ReadRegularFile(const std::filesystem::path& path);

// Writes beside `path` and renames, so a reader sees the old file or the new one.
absl::Status WriteFileAtomically(const std::filesystem::path& path, const std::string& contents);

// A path beside `target`, or what it links to, to write to; `Commit` renames it over the target (a
// folder replaces a folder, a device is refused), and a destructor without Commit removes it. A
// process killed by a signal leaves only the temporary, whose name starts with a dot.
class StagedPath {
 public:
  explicit StagedPath(std::filesystem::path target);
  ~StagedPath();
  StagedPath(const StagedPath&) = delete;
  StagedPath& operator=(const StagedPath&) = delete;

  const std::filesystem::path& path() const { return staged_; }
  absl::Status Commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path staged_;
  bool committed_ = false;
};

// Lower-case hexadecimal SHA-256.
absl::StatusOr<std::string> Sha256OfFile(const std::filesystem::path& path);
std::string Sha256(const std::string& bytes);

}  // namespace unlasting
