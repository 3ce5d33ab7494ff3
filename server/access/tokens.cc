#include "server/access/tokens.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/file.h"
#include "core/base/status.h"

namespace unlasting::server {
namespace {

constexpr size_t kHashDigits = 64;
constexpr size_t kMaxNameLetters = 64;

bool IsName(const std::string& text) {
  return text.size() <= kMaxNameLetters && std::all_of(text.begin(), text.end(), [](char letter) {
           return absl::ascii_isalnum(letter) || letter == '-' || letter == '_' || letter == '.' ||
                  letter == '@';
         });
}

bool IsHash(const std::string& text) {
  return text.size() == kHashDigits && std::all_of(text.begin(), text.end(), [](char letter) {
           return absl::ascii_isxdigit(letter) != 0;
         });
}

}  // namespace

absl::StatusOr<Tokens> ParseTokens(const std::string& text) {
  Tokens tokens;
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    const auto refuse = [number](const char* expected) {
      return absl::InvalidArgumentError(absl::StrCat("line ", number, ": expected ", expected));
    };
    const absl::string_view content = absl::StripAsciiWhitespace(line);
    if (content.empty() || content.front() == '#') continue;
    const std::vector<std::string> words =
        absl::StrSplit(content, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    if (words.size() != 3) return refuse("three words: NAME ROLES SHA256");
    TokenOwner owner;
    if (!IsName(words[0])) return refuse("a name of letters, digits and -_.@");
    owner.name = words[0];
    for (const absl::string_view role : absl::StrSplit(words[1], ',')) {
      if (role != "predict" && role != "admin")
        return refuse("roles predict, admin or predict,admin");
      (role == "admin" ? owner.admin : owner.predict) = true;
    }
    if (!IsHash(words[2])) return refuse("a SHA-256 of 64 hexadecimal digits");
    if (!tokens.emplace(absl::AsciiStrToLower(words[2]), owner).second) {
      return refuse("a token that no earlier line has");
    }
  }
  if (tokens.empty()) return absl::InvalidArgumentError("expected at least one token, found none");
  return tokens;
}

absl::StatusOr<std::unique_ptr<TokenFile>> TokenFile::Open(const std::string& path) {
  std::unique_ptr<TokenFile> file(new TokenFile(path));
  const auto read = file->ReadIfChanged();
  if (!read.ok()) return read.status();
  if (!*read) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  return file;
}

std::shared_ptr<const TokenOwner> TokenFile::Find(const std::string& token) const {
  std::shared_ptr<const Tokens> tokens;
  {
    MutexLock lock(&mutex_);
    tokens = tokens_;
  }
  // The time of the lookup depends on the hash alone, which tells a guesser nothing about the
  // token.
  const auto found = tokens->find(Sha256(token));
  if (found == tokens->end()) return nullptr;
  return {tokens, &found->second};
}

absl::StatusOr<bool> TokenFile::ReadIfChanged() {
  // Taken before the file is read, so that a change during the read is seen next time.
  const FileIdentity identity = IdentityOf(path_);
  {
    MutexLock lock(&mutex_);
    if (identity == identity_) return false;
    identity_ = identity;
  }
  UNLASTING_ASSIGN_OR_RETURN(const std::string text, ReadRegularFile(path_));
  auto tokens = ParseTokens(text);
  if (!tokens.ok()) return Annotate(tokens.status(), path_);
  MutexLock lock(&mutex_);
  tokens_ = std::make_shared<const Tokens>(*std::move(tokens));
  return true;
}

}  // namespace unlasting::server
