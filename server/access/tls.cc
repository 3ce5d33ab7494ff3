#include "server/access/tls.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdint>
#include <string>

#include "core/base/file.h"
#include "core/base/status.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"

namespace unlasting::server {
namespace {

template <typename T>
using Owned = std::unique_ptr<T, void (*)(T*)>;

Owned<BIO> Memory(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())),
          [](BIO* bio) { static_cast<void>(BIO_free(bio)); }};
}

absl::StatusOr<Owned<X509>> ReadCertificate(const std::string& path) {
  UNLASTING_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  Owned<X509> certificate(PEM_read_bio_X509(Memory(text).get(), nullptr, nullptr, nullptr),
                          X509_free);
  if (certificate != nullptr) return certificate;
  return absl::InvalidArgumentError(absl::StrCat(path, ": expected a certificate in PEM format"));
}

absl::StatusOr<Owned<EVP_PKEY>> ReadKey(const std::string& path) {
  UNLASTING_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  // OpenSSL would ask for the password of an encrypted key on the terminal.
  const auto no_password = [](char*, int, int, void*) { return -1; };
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(Memory(text).get(), nullptr, no_password, nullptr),
                      EVP_PKEY_free);
  if (key != nullptr) return key;
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": expected a private key in PEM format, without a password"));
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TlsConfig& config) {
  // The files are checked here, because gRPC would only log what is wrong and refuse every
  // connection.
  UNLASTING_ASSIGN_OR_RETURN(const auto certificate, ReadCertificate(config.certificate()));
  UNLASTING_ASSIGN_OR_RETURN(const auto key, ReadKey(config.key()));
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        config.key(), ": is not the private key of the certificate ", config.certificate()));
  }
  if (!config.client_ca().empty()) {
    UNLASTING_RETURN_IF_ERROR(ReadCertificate(config.client_ca()).status());
  }
  namespace tls = grpc::experimental;
  tls::TlsServerCredentialsOptions options(std::make_shared<tls::FileWatcherCertificateProvider>(
      config.key(), config.certificate(), config.client_ca(), config.refresh_seconds()));
  options.watch_identity_key_cert_pairs();
  if (config.client_ca().empty()) {
    options.set_cert_request_type(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  } else {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return tls::TlsServerCredentials(options);
}

}  // namespace unlasting::server
