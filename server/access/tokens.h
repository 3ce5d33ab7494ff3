// Bearer tokens of callers, from a file that holds their SHA-256 and never the tokens themselves:
//
//   # NAME   ROLES           SHA-256 of the token, hexadecimal
//   alice    predict         5e88489...
//   deploy   predict,admin   2bb80d5...
//
//   token=$(openssl rand -hex 32); printf %s "$token" | sha256sum
//
// Tokens are random and long, so that a plain hash cannot be guessed back.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "server/base/file_identity.h"
#include "server/base/mutex.h"

namespace unlasting::server {

enum class Role { kPredict, kAdmin };

struct TokenOwner {
  std::string name;
  bool predict = false;
  bool admin = false;

  bool Has(Role role) const { return role == Role::kAdmin ? admin : predict; }
};

// SHA-256, lower-case hexadecimal, to owner.
using Tokens = std::map<std::string, TokenOwner>;

// INVALID_ARGUMENT names the line, never what it holds. A file without tokens is refused: nobody
// could call.
absl::StatusOr<Tokens> ParseTokens(const std::string& text);

// Any thread.
class TokenFile {
 public:
  // The file's errors, annotated with `path`.
  static absl::StatusOr<std::unique_ptr<TokenFile>> Open(const std::string& path);

  // The owner of a token; null where it is not in the file.
  std::shared_ptr<const TokenOwner> Find(const std::string& token) const;

  // Reads the file again where it changed since the last look; true when it was read. On an error
  // the tokens read before stay in force.
  absl::StatusOr<bool> ReadIfChanged();

 private:
  explicit TokenFile(std::string path) : path_(std::move(path)) {}

  const std::string path_;
  mutable Mutex mutex_;
  FileIdentity identity_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const Tokens> tokens_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace unlasting::server
