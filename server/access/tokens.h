// A TokenFile finds the owner of a caller's bearer token in a file that holds the SHA-256 of every
// token and never the tokens themselves:
//
//   # NAME   ROLES           SHA-256 of the token, hexadecimal
//   alice    predict         5e88489...
//   deploy   predict,admin   2bb80d5...
//
//   token=$(openssl rand -hex 32); printf %s "$token" | sha256sum
//
// Tokens are long and random, so that they cannot be guessed from a plain hash.
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

// Owners by the SHA-256 of their token, in lower-case hexadecimal.
using Tokens = std::map<std::string, TokenOwner>;

// Errors: INVALID_ARGUMENT, which names the line and never what it holds. A file without tokens is
// refused, because nobody could call.
absl::StatusOr<Tokens> ParseTokens(const std::string& text);

// Any thread.
class TokenFile {
 public:
  // Reads the file. Errors: those of ParseTokens and of reading, annotated with `path`.
  static absl::StatusOr<std::unique_ptr<TokenFile>> Open(const std::string& path);

  // The owner of `token`; null where the file does not have it.
  std::shared_ptr<const TokenOwner> Find(const std::string& token) const;

  // Reads the file again if it has changed since it was last examined, and returns whether it did.
  // On an error the tokens that were read before stay in force.
  absl::StatusOr<bool> ReadIfChanged();

 private:
  explicit TokenFile(std::string path) : path_(std::move(path)) {}

  const std::string path_;
  mutable Mutex mutex_;
  FileIdentity identity_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const Tokens> tokens_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace unlasting::server
