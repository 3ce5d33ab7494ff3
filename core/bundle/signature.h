// CheckSignature tells whether a bundle comes from someone who is trusted: manifest.sig must be the
// Ed25519 signature (RFC 8032) of manifest.json by one of the keys of a file. The manifest holds
// the hashes of all else, so that a signed manifest vouches for the whole bundle.
//
// A bundle is signed with OpenSSL (docs/security.md); this software never holds a private key.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace unlasting::bundle {

// The 64 bytes of the signature, beside manifest.json.
inline constexpr const char* kSignatureFile = "manifest.sig";

// Whether the signature in `folder` is that of `manifest`, the bytes of manifest.json, by a key of
// `keys`, a PEM file of public keys, which is read anew so that a key taken out of it is trusted no
// more. PERMISSION_DENIED with reason UNSIGNED_BUNDLE where there is no signature, BAD_SIGNATURE
// where it is of another manifest or by another key; FAILED_PRECONDITION where `keys` cannot be
// read or holds anything but Ed25519 keys.
absl::Status CheckSignature(const std::string& folder, const std::string& manifest,
                            const std::string& keys);

}  // namespace unlasting::bundle
