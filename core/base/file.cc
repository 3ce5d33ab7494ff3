#include "core/base/file.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>

#include "absl/strings/escaping.h"
#include "core/base/status.h"

namespace unlasting {
namespace {

namespace fs = std::filesystem;

class Digest {
 public:
  Digest() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
  }
  void Update(const char* data, size_t size) { EVP_DigestUpdate(context_.get(), data, size); }
  std::string Hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned int size = 0;
    EVP_DigestFinal_ex(context_.get(), digest.data(), &size);
    return absl::BytesToHexString(
        absl::string_view(reinterpret_cast<const char*>(digest.data()), size));
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

absl::Status ErrnoStatus(const fs::path& path, const std::string& what) {
  return absl::ErrnoToStatus(errno, absl::StrCat(path.string(), ": ", what));
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream || fs::is_directory(path)) {
    if (fs::is_directory(path)) errno = EISDIR;
    return ErrnoStatus(path, "cannot be read");
  }
  std::ostringstream contents;
  contents << stream.rdbuf();
  return contents.str();
}

absl::StatusOr<std::string> ReadRegularFile(const fs::path& path) {
  // Without O_NONBLOCK, opening a pipe waits for somebody to write to it.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return ErrnoStatus(path, "cannot be read");
  struct stat found = {};
  const bool known = fstat(fd, &found) == 0;
  close(fd);
  if (known && (S_ISREG(found.st_mode) || S_ISDIR(found.st_mode))) return ReadFile(path);
  return absl::FailedPreconditionError(
      absl::StrCat(path.string(), ": found a pipe, a socket or a device, expected a file"));
}

absl::Status WriteFileAtomically(const fs::path& path, const std::string& contents) {
  StagedPath staged(path);
  {
    std::ofstream stream(staged.path(), std::ios::binary);
    stream << contents;
    stream.flush();
    if (!stream) return ErrnoStatus(path, "cannot be written");
  }
  return staged.Commit();
}

StagedPath::StagedPath(fs::path target) : target_(std::move(target)) {
  if (!target_.has_filename()) target_ = target_.parent_path();
  std::error_code unknown;
  if (fs::is_symlink(target_, unknown)) {
    const fs::path led_to = fs::weakly_canonical(target_, unknown);
    if (!unknown) target_ = led_to;
  }
  staged_ =
      target_.parent_path() / absl::StrCat(".", target_.filename().string(), ".tmp.", getpid());
  std::error_code ignored;
  fs::remove_all(staged_, ignored);
}

StagedPath::~StagedPath() {
  if (committed_) return;
  std::error_code ignored;
  fs::remove_all(staged_, ignored);
}

absl::Status StagedPath::Commit() {
  std::error_code error;
  const fs::file_status found = fs::status(target_, error);
  if (fs::exists(found) && !fs::is_regular_file(found) && !fs::is_directory(found)) {
    return absl::FailedPreconditionError(absl::StrCat(
        target_.string(), ": found a device, a pipe or a socket, expected a file to write"));
  }
  error.clear();
  if (fs::is_directory(staged_) && fs::exists(target_)) {
    // rename() cannot replace a folder that is not empty: the old one steps aside first.
    const fs::path old = staged_.string() + ".old";
    fs::rename(target_, old, error);
    if (error) return absl::UnknownError(absl::StrCat(target_.string(), ": ", error.message()));
    fs::rename(staged_, target_, error);
    if (error) {
      std::error_code ignored;
      fs::rename(old, target_, ignored);
      return absl::UnknownError(absl::StrCat(target_.string(), ": ", error.message()));
    }
    fs::remove_all(old, error);
  } else {
    fs::rename(staged_, target_, error);
    if (error) return absl::UnknownError(absl::StrCat(target_.string(), ": ", error.message()));
  }
  committed_ = true;
  return absl::OkStatus();
}

absl::StatusOr<std::string> Sha256OfFile(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return ErrnoStatus(path, "cannot be read");
  Digest digest;
  std::vector<char> block(1 << 20);
  while (stream) {
    stream.read(block.data(), static_cast<std::streamsize>(block.size()));
    digest.Update(block.data(), static_cast<size_t>(stream.gcount()));
  }
  return digest.Hex();
}

std::string Sha256(const std::string& bytes) {
  Digest digest;
  digest.Update(bytes.data(), bytes.size());
  return digest.Hex();
}

}  // namespace unlasting
