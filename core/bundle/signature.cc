#include "core/bundle/signature.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <filesystem>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/base/status.h"

namespace unlasting::bundle {
namespace {

constexpr size_t kSignatureBytes = 64;

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;

absl::Status BadKeys(const std::string& path, const std::string& found) {
  return absl::FailedPreconditionError(
      absl::StrCat("bundle_keys: ", path, ": found ", found,
                   ", expected public keys of Ed25519 as PEM, as 'openssl pkey -pubout' writes "
                   "them"));
}

absl::StatusOr<std::vector<Key>> ReadKeys(const std::string& path) {
  const auto text = ReadRegularFile(path);
  if (!text.ok()) {
    return absl::FailedPreconditionError(absl::StrCat("bundle_keys: ", text.status().message()));
  }
  const Bio bio(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
  std::vector<Key> keys;
  ERR_clear_error();
  char *name = nullptr, *header = nullptr;
  unsigned char* bytes = nullptr;
  long size = 0;  // NOLINT(google-runtime-int): OpenSSL's
  while (PEM_read_bio(bio.get(), &name, &header, &bytes, &size) == 1) {
    const bool is_public = std::string(name) == "PUBLIC KEY";
    const unsigned char* at = bytes;
    Key key(is_public ? d2i_PUBKEY(nullptr, &at, size) : nullptr);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(bytes);
    if (!is_public) return BadKeys(path, "something else than a public key");
    if (key == nullptr) return BadKeys(path, "a damaged key");
    if (EVP_PKEY_base_id(key.get()) != EVP_PKEY_ED25519) {
      return BadKeys(path, "a key of another kind");
    }
    keys.push_back(std::move(key));
  }
  // The end of the file is the one error that ends a sound one.
  const bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (keys.empty()) return BadKeys(path, "no public key");
  if (!ended) return BadKeys(path, "a damaged key");
  return keys;
}

bool Signed(EVP_PKEY* key, const std::string& manifest, const std::string& signature) {
  const Digest digest(EVP_MD_CTX_new());
  const auto bytes = [](const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  };
  const bool good = EVP_DigestVerifyInit(digest.get(), nullptr, nullptr, nullptr, key) == 1 &&
                    EVP_DigestVerify(digest.get(), bytes(signature), signature.size(),
                                     bytes(manifest), manifest.size()) == 1;
  ERR_clear_error();
  return good;
}

}  // namespace

absl::Status CheckSignature(const std::string& folder, const std::string& manifest,
                            const std::string& keys) {
  UNLASTING_ASSIGN_OR_RETURN(const std::vector<Key> trusted, ReadKeys(keys));
  const std::string path = (std::filesystem::path(folder) / kSignatureFile).string();
  const auto signature = ReadRegularFile(path);
  if (!signature.ok()) {
    return WithReason(absl::PermissionDeniedError(
                          absl::StrCat(signature.status().message(),
                                       "; expected the signature of manifest.json, because the "
                                       "server takes only signed bundles (bundle_keys)")),
                      "UNSIGNED_BUNDLE");
  }
  if (signature->size() == kSignatureBytes) {
    for (const Key& key : trusted) {
      if (Signed(key.get(), manifest, *signature)) return absl::OkStatus();
    }
  }
  return WithReason(
      absl::PermissionDeniedError(absl::StrCat(
          path, ": is no Ed25519 signature of this manifest.json by any of the ", trusted.size(),
          trusted.size() == 1 ? " key" : " keys", " of ", keys, " (bundle_keys)")),
      "BAD_SIGNATURE");
}

}  // namespace unlasting::bundle
