// TlsCertificates holds the server's certificate, its key and the authorities of clients, from PEM
// files that are read again when they change. Files that do not belong together are passed over:
// the pair before stays in use, so that a certificate and its key may be replaced in either order.
//
//   UNLASTING_ASSIGN_OR_RETURN(auto certificates, TlsCertificates::Open(config.tls()));
//   builder.AddListeningPort(address, certificates->Credentials());
//   ... every few seconds: certificates->ReadIfChanged()
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/security/server_credentials.h"
#include "server/base/file_identity.h"
#include "server/base/mutex.h"
#include "server/config/config.pb.h"

namespace unlasting::server {

// Any thread. Outlives the servers that use its credentials.
class TlsCertificates {
 public:
  // Errors: NOT_FOUND where a file is absent, INVALID_ARGUMENT where a file is not PEM or the key
  // does not belong to the certificate.
  static absl::StatusOr<std::unique_ptr<TlsCertificates>> Open(const TlsConfig& config);
  ~TlsCertificates();

  // Reads the files again if one has changed since they were last examined, and returns whether
  // handshakes meet other certificates from now on. On an error, as those of Open, the ones before
  // stay in use.
  absl::StatusOr<bool> ReadIfChanged();
  // When the certificate in use stops being valid.
  absl::Time expiry() const;
  // For a gRPC server; every handshake takes what was read last.
  std::shared_ptr<grpc::ServerCredentials> Credentials();

  // What handshakes use.
  struct Pair {
    std::string certificate;
    std::string key;
    std::string client_ca;  // "" where clients need no certificate
    absl::Time expiry;
  };
  // Never null.
  std::shared_ptr<const Pair> current() const;

 private:
  explicit TlsCertificates(const TlsConfig& config);
  std::vector<FileIdentity> Identities() const;

  const TlsConfig config_;
  mutable Mutex mutex_;
  std::vector<FileIdentity> identities_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const Pair> current_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace unlasting::server
