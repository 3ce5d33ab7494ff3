#include "core/bundle/signature.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <fstream>
#include <memory>
#include <string>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/bundle/bundle.h"
#include "tests/support/files.h"
#include "tests/support/tiny_bundle.h"

namespace unlasting::bundle {
namespace {

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;

Key NewKey() { return Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")); }

std::string PublicPem(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(bio, key);
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio, &text);
  std::string pem(text, size);
  BIO_free(bio);
  return pem;
}

std::string Sign(EVP_PKEY* key, const std::string& text) {
  std::string signature(64, '\0');
  size_t size = signature.size();
  EVP_MD_CTX* digest = EVP_MD_CTX_new();
  EXPECT_EQ(EVP_DigestSignInit(digest, nullptr, nullptr, nullptr, key), 1);
  EXPECT_EQ(EVP_DigestSign(digest, reinterpret_cast<unsigned char*>(signature.data()), &size,
                           reinterpret_cast<const unsigned char*>(text.data()), text.size()),
            1);
  EVP_MD_CTX_free(digest);
  return signature;
}

class SignatureTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(test::WriteTinyBundle(directory_));
    Write(keys_, PublicPem(other_.get()) + PublicPem(key_.get()));
  }

  static void Write(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }
  std::string Manifest() const { return *ReadRegularFile(directory_ + "/manifest.json"); }
  void SignBy(EVP_PKEY* key) { Write(directory_ + "/manifest.sig", Sign(key, Manifest())); }
  void ExpectRefused(const std::string& reason, const std::string& words) const {
    const absl::Status status = Bundle::Load(directory_, "", keys_).status();
    EXPECT_EQ(ReasonOf(status), reason) << status;
    EXPECT_NE(status.message().find(words), absl::string_view::npos) << status;
    EXPECT_EQ(status.message().find('\n'), absl::string_view::npos) << status;
  }

  test::TempFolder folder_;
  const std::string directory_ = folder_.At("tiny"), keys_ = folder_.At("keys.pem");
  const Key key_ = NewKey(), other_ = NewKey();
};

TEST_F(SignatureTest, ABundleSignedByAnyOfTheKeysLoads) {
  SignBy(key_.get());
  EXPECT_OK(Bundle::Load(directory_, "", keys_));
  SignBy(other_.get());
  EXPECT_OK(Bundle::Load(directory_, "", keys_));
  EXPECT_OK(Bundle::Load(directory_));  // a signature is no hindrance where none is asked for
}

TEST_F(SignatureTest, AChangedBundleWhoseHashesAreRightIsRefused) {
  SignBy(key_.get());
  // What somebody does who may write the folder: another file, and a manifest that names its hash.
  const std::string path = directory_ + "/target.pt";
  Write(path, "other weights");
  nlohmann::json manifest = nlohmann::json::parse(Manifest());
  manifest["files"]["target.pt"] = {{"size", 13}, {"sha256", *Sha256OfFile(path)}};
  Write(directory_ + "/manifest.json", manifest.dump());
  EXPECT_OK(Bundle::Load(directory_));  // its hashes are right
  ExpectRefused("BAD_SIGNATURE", "manifest.sig: is no Ed25519 signature of this manifest.json");
}

TEST_F(SignatureTest, AKeyThatIsTakenOutIsTrustedNoMore) {
  SignBy(key_.get());
  ASSERT_OK(Bundle::Load(directory_, "", keys_));
  Write(keys_, PublicPem(other_.get()));
  ExpectRefused("BAD_SIGNATURE", "by any of the 1 key of");
}

TEST_F(SignatureTest, RefusesSignaturesThatAreAbsentCutLongOrOfAnotherManifest) {
  ExpectRefused("UNSIGNED_BUNDLE", "manifest.sig");
  const std::string good = Sign(key_.get(), Manifest());
  for (const std::string& bad : {std::string(), good.substr(0, 63), good + good,
                                 std::string(64, '\0'), Sign(key_.get(), Manifest() + " ")}) {
    Write(directory_ + "/manifest.sig", bad);
    ExpectRefused("BAD_SIGNATURE", "manifest.sig");
  }
}

TEST_F(SignatureTest, RefusesKeysThatAreNone) {
  SignBy(key_.get());
  const std::string pem = PublicPem(key_.get());
  const Key rsa(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", size_t{2048}));
  std::string damaged = pem;
  damaged[40] = '!';
  for (const std::string& bad : {std::string(), std::string("no key"), PublicPem(rsa.get()),
                                 pem + PublicPem(rsa.get()), pem + damaged}) {
    Write(keys_, bad);
    const absl::Status status = Bundle::Load(directory_, "", keys_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_NE(status.message().find("bundle_keys: " + keys_), absl::string_view::npos) << status;
  }
  EXPECT_FALSE(Bundle::Load(directory_, "", folder_.At("absent.pem")).ok());
}

}  // namespace
}  // namespace unlasting::bundle
