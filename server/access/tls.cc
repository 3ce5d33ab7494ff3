#include "server/access/tls.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <string>
#include <utility>

#include "core/base/file.h"
#include "core/base/status.h"
#include "grpc/grpc.h"
#include "grpc/grpc_security.h"

namespace unlasting::server {
namespace {

template <typename T>
using Owned = std::unique_ptr<T, void (*)(T*)>;

Owned<BIO> Memory(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())),
          [](BIO* bio) { static_cast<void>(BIO_free(bio)); }};
}

// The first certificate of a chain.
absl::StatusOr<Owned<X509>> ParseCertificate(const std::string& path, const std::string& text) {
  Owned<X509> certificate(PEM_read_bio_X509(Memory(text).get(), nullptr, nullptr, nullptr),
                          X509_free);
  if (certificate != nullptr) return certificate;
  return absl::InvalidArgumentError(absl::StrCat(path, ": expected a certificate in PEM format"));
}

absl::StatusOr<Owned<EVP_PKEY>> ParseKey(const std::string& path, const std::string& text) {
  // OpenSSL would ask for the password of an encrypted key on the terminal.
  const auto no_password = [](char*, int, int, void*) { return -1; };
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(Memory(text).get(), nullptr, no_password, nullptr),
                      EVP_PKEY_free);
  if (key != nullptr) return key;
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": expected a private key in PEM format, without a password"));
}

absl::Time ExpiryOf(const X509* certificate) {
  std::tm time = {};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) != 1) return absl::InfiniteFuture();
  return absl::FromTM(time, absl::UTCTimeZone());
}

absl::StatusOr<std::shared_ptr<const TlsCertificates::Pair>> ReadPair(const TlsConfig& config) {
  auto pair = std::make_shared<TlsCertificates::Pair>();
  // gRPC would only log what is wrong, and refuse every connection.
  UNLASTING_ASSIGN_OR_RETURN(pair->certificate, ReadRegularFile(config.certificate()));
  UNLASTING_ASSIGN_OR_RETURN(pair->key, ReadRegularFile(config.key()));
  UNLASTING_ASSIGN_OR_RETURN(const auto certificate,
                             ParseCertificate(config.certificate(), pair->certificate));
  UNLASTING_ASSIGN_OR_RETURN(const auto key, ParseKey(config.key(), pair->key));
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        config.key(), ": is not the private key of the certificate ", config.certificate()));
  }
  if (!config.client_ca().empty()) {
    UNLASTING_ASSIGN_OR_RETURN(pair->client_ca, ReadRegularFile(config.client_ca()));
    UNLASTING_RETURN_IF_ERROR(ParseCertificate(config.client_ca(), pair->client_ca).status());
  }
  pair->expiry = ExpiryOf(certificate.get());
  return pair;
}

// Hands the current pair to each handshake. gRPC's public C++ API has no credentials whose
// certificates a program changes by itself; its C API has.
class FetchedCredentials : public grpc::ServerCredentials {
 public:
  FetchedCredentials(const TlsCertificates* certificates, bool ask_clients)
      : certificates_(certificates),
        credentials_(grpc_ssl_server_credentials_create_with_options(
            grpc_ssl_server_credentials_create_options_using_config_fetcher(
                ask_clients ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                            : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
                &FetchedCredentials::Fetch, this))) {}
  ~FetchedCredentials() override { grpc_server_credentials_release(credentials_); }

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  // One call at a time, under a lock of gRPC's.
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    auto* const credentials = static_cast<FetchedCredentials*>(self);
    auto pair = credentials->certificates_->current();
    if (pair == credentials->fetched_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const grpc_ssl_pem_key_cert_pair pem = {pair->key.c_str(), pair->certificate.c_str()};
    // gRPC insists on authorities; where no client is asked for a certificate they are not used.
    const std::string& roots = pair->client_ca.empty() ? pair->certificate : pair->client_ca;
    *config = grpc_ssl_server_certificate_config_create(roots.c_str(), &pem, 1);
    credentials->fetched_ = std::move(pair);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  const TlsCertificates* const certificates_;
  std::shared_ptr<const TlsCertificates::Pair> fetched_;
  grpc_server_credentials* const credentials_;
};

}  // namespace

TlsCertificates::TlsCertificates(const TlsConfig& config) : config_(config) {}
TlsCertificates::~TlsCertificates() = default;

absl::StatusOr<std::unique_ptr<TlsCertificates>> TlsCertificates::Open(const TlsConfig& config) {
  std::unique_ptr<TlsCertificates> certificates(new TlsCertificates(config));
  UNLASTING_RETURN_IF_ERROR(certificates->ReadIfChanged().status());
  return certificates;
}

std::vector<FileIdentity> TlsCertificates::Identities() const {
  return {IdentityOf(config_.certificate()), IdentityOf(config_.key()),
          config_.client_ca().empty() ? FileIdentity() : IdentityOf(config_.client_ca())};
}

absl::StatusOr<bool> TlsCertificates::ReadIfChanged() {
  // Taken before the files are read, so that a change during the read is seen next time.
  std::vector<FileIdentity> identities = Identities();
  {
    MutexLock lock(&mutex_);
    if (identities == identities_ && current_ != nullptr) return false;
    identities_ = std::move(identities);
  }
  UNLASTING_ASSIGN_OR_RETURN(auto pair, ReadPair(config_));
  MutexLock lock(&mutex_);
  current_ = std::move(pair);
  return true;
}

std::shared_ptr<const TlsCertificates::Pair> TlsCertificates::current() const {
  MutexLock lock(&mutex_);
  return current_;
}

absl::Time TlsCertificates::expiry() const { return current()->expiry; }

std::shared_ptr<grpc::ServerCredentials> TlsCertificates::Credentials() {
  return std::make_shared<FetchedCredentials>(this, !config_.client_ca().empty());
}

}  // namespace unlasting::server
