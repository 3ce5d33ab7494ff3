// Any text as what says who calls, and whose a bundle is: the file of tokens, the headers of a
// call, its address, and the keys and signature of a bundle. The first byte chooses which.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/ascii.h"
#include "core/base/status.h"
#include "core/bundle/signature.h"
#include "server/access/call_authorizer.h"
#include "server/access/tokens.h"
#include "server/rpc/trace_context.h"
#include "tests/fuzz/fuzz_start.h"
#include "tests/support/files.h"

namespace {

using namespace unlasting;  // NOLINT(google-build-using-namespace)

constexpr size_t kSignatureBytes = 64;

const std::vector<std::string>& SoundInputs() {
  static const auto* const kInputs = new std::vector<std::string>{
      "\1# NAME ROLES SHA-256\nalice predict,admin "
      "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n",
      "\2"
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      "\3ipv6:[2001:db8::1%eth0]:41234",
      "\4" + std::string(kSignatureBytes, 's') +
          "-----BEGIN PUBLIC KEY-----\n"
          "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
          "-----END PUBLIC KEY-----\n"};
  return *kInputs;
}

void CheckTokens(const std::string& text) {
  const auto tokens = server::ParseTokens(text);
  if (!tokens.ok()) {
    if (!absl::IsInvalidArgument(tokens.status())) std::abort();
    return;
  }
  if (tokens->empty()) std::abort();
  for (const auto& [hash, owner] : *tokens) {
    if (hash.size() != 64 || owner.name.empty()) std::abort();
  }
}

void CheckHeaders(const std::string& text) {
  const server::TraceParent trace = server::ParseTraceParent(text);
  const bool whole = trace.trace_id.size() == 32 && trace.parent_id.size() == 16;
  if (!whole && !(trace.trace_id.empty() && trace.parent_id.empty())) std::abort();
  const std::string id = server::RequestIdOf(text);
  if (id.empty() || id.size() > 128) std::abort();
  for (const char c : id) {
    if (!absl::ascii_isprint(c) || absl::ascii_isspace(c)) std::abort();
  }
}

void CheckKeys(const std::string& text) {
  static const auto* const kFolder = new test::TempFolder;
  const size_t signature = std::min(text.size(), kSignatureBytes);
  const std::string keys = kFolder->At("keys.pem");
  std::ofstream(keys) << text.substr(signature);
  std::ofstream(kFolder->At(bundle::kSignatureFile)) << text.substr(0, signature);
  const absl::Status status = bundle::CheckSignature(kFolder->At(""), "{}", keys);
  if (!status.ok() && !absl::IsPermissionDenied(status) && !absl::IsFailedPrecondition(status)) {
    std::abort();
  }
}

}  // namespace

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  return LLVMFuzzerMutate(data, test::StartFrom(SoundInputs(), data, size, most, seed), most);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
    case 1:
      CheckTokens(text);
      break;
    case 2:
      CheckHeaders(text);
      break;
    case 3:
      server::AddressOfPeer(text);
      break;
    case 4:
      CheckKeys(text);
      break;
    default:
      break;
  }
  return 0;
}
