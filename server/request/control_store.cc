#include "server/request/control_store.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <random>

#include "absl/base/casts.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "server/base/retry_delay.h"

namespace unlasting::server {
namespace {

template <typename T>
void AppendHash(const std::vector<T>& values, std::string* hashes) {
  absl::StrAppend(
      hashes, values.size(), ":",
      Sha256(std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T))),
      "\n");
}

// Lengths are hashed too, so that moving a letter from one string to the next changes the hash.
void AppendHash(const std::vector<std::string>& strings, std::string* hashes) {
  std::string joined;
  for (const std::string& text : strings) absl::StrAppend(&joined, text.size(), ":", text, ",");
  absl::StrAppend(hashes, strings.size(), ":", Sha256(joined), "\n");
}

// Random bytes that no other store has.
std::string NewSecret() {
  std::string secret(32, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&secret[0]), static_cast<int>(secret.size())) !=
      1) {
    std::random_device random;
    for (char& byte : secret) byte = static_cast<char>(random());
  }
  return secret;
}

constexpr absl::Duration kFullRetryDelay = absl::Seconds(30);

}  // namespace

std::string ContentHash(const cells::ControlMatrix& controls) {
  std::string hashes = absl::StrCat(
      controls.values.rows, " ", controls.values.cols, " ", static_cast<int>(controls.kind), " ",
      static_cast<int>(controls.missing_genes), " ", controls.gene_list_hash, " ",
      absl::StrCat(absl::Hex(absl::bit_cast<uint64_t>(controls.target_sum))), "\n");
  AppendHash(controls.values.indptr, &hashes);
  AppendHash(controls.values.indices, &hashes);
  AppendHash(controls.values.values, &hashes);
  if (!controls.new_context.empty()) {
    AppendHash(std::vector<std::string>{controls.new_context}, &hashes);
  }
  AppendHash(controls.genes, &hashes);
  AppendHash(controls.cell_types, &hashes);
  AppendHash(controls.barcodes, &hashes);
  AppendHash(controls.library_sizes, &hashes);
  return Sha256(hashes);
}

ControlStore::ControlStore(const ControlStoreOptions& options, const Clock* clock)
    : options_(options), clock_(clock), secret_(NewSecret()) {}

absl::Status ControlStore::CheckSize(int64_t bytes) const {
  const int64_t most = std::min(options_.max_bytes, options_.max_client_bytes);
  if (bytes <= most) return absl::OkStatus();
  return WithReason(
      absl::ResourceExhaustedError(absl::StrCat(
          "control cells: found ", bytes, " bytes or more, expected at most ", most,
          ", the memory that the server has for the registered cells of one caller (a quarter of "
          "memory.control_store_bytes)")),
      "CONTROL_SET_TOO_LARGE");
}

std::string ControlStore::IdOf(const std::string& client, const std::string& content) const {
  // The content hash comes first: it has a fixed length.
  const std::string named = absl::StrCat(content, client);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()),
       reinterpret_cast<const unsigned char*>(named.data()), named.size(), digest.data(), &size);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), size));
}

absl::Status ControlStore::MakeRoom(const std::string& client, int64_t bytes, int64_t new_bytes) {
  // Dropping a set that another caller has too frees nothing, so that the client may lose all.
  const auto held = [this, &client] {
    const auto found = client_bytes_.find(client);
    return found == client_bytes_.end() ? 0 : found->second;
  };
  while (held() + bytes > options_.max_client_bytes && DropOldestOf(client)) {
  }
  while (bytes_ + new_bytes > options_.max_bytes && DropOldestOf(client)) {
  }
  if (bytes_ + new_bytes <= options_.max_bytes) return absl::OkStatus();
  return WithRetryDelay(
      WithReason(absl::ResourceExhaustedError(
                     absl::StrCat("the memory for registered cells is full: other callers hold ",
                                  bytes_, " of ", options_.max_bytes,
                                  " bytes; send the cells with the request, or try "
                                  "again later")),
                 "CONTROL_STORE_FULL"),
      kFullRetryDelay);
}

absl::StatusOr<std::string> ControlStore::Add(const std::string& client,
                                              cells::ControlMatrix controls) {
  const std::string hash = ContentHash(controls);
  const std::string id = IdOf(client, hash);
  const int64_t bytes = controls.Bytes();
  UNLASTING_RETURN_IF_ERROR(CheckSize(bytes));
  auto shared = std::make_shared<const cells::ControlMatrix>(std::move(controls));

  MutexLock lock(&mutex_);
  DropExpired();
  const auto known = by_id_.find(id);
  if (known != by_id_.end()) {
    known->second->last_use = clock_->Now();
    entries_.splice(entries_.begin(), entries_, known->second);
    return id;
  }
  UNLASTING_RETURN_IF_ERROR(MakeRoom(client, bytes, contents_.count(hash) > 0 ? 0 : bytes));
  const auto [content, is_new] = contents_.emplace(hash, Content{std::move(shared), bytes, 0});
  if (is_new) bytes_ += bytes;
  ++content->second.owners;
  client_bytes_[client] += bytes;
  entries_.push_front({id, client, content, clock_->Now()});
  by_id_[id] = entries_.begin();
  return id;
}

std::shared_ptr<const cells::ControlMatrix> ControlStore::Find(const std::string& client,
                                                               const std::string& id) {
  MutexLock lock(&mutex_);
  DropExpired();
  const auto found = by_id_.find(id);
  if (found == by_id_.end() || found->second->client != client) return nullptr;
  found->second->last_use = clock_->Now();
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->content->second.controls;
}

int64_t ControlStore::bytes() const {
  MutexLock lock(&mutex_);
  return bytes_;
}

void ControlStore::DropExpired() {
  const absl::Time oldest = clock_->Now() - options_.time_to_live;
  while (!entries_.empty() && entries_.back().last_use <= oldest) Drop(std::prev(entries_.end()));
}

bool ControlStore::DropOldestOf(const std::string& client) {
  const auto oldest = std::find_if(entries_.rbegin(), entries_.rend(),
                                   [&client](const Entry& each) { return each.client == client; });
  if (oldest == entries_.rend()) return false;
  Drop(std::prev(oldest.base()));
  return true;
}

void ControlStore::Drop(Entries::iterator entry) {
  const auto client = client_bytes_.find(entry->client);
  client->second -= entry->content->second.bytes;
  if (client->second == 0) client_bytes_.erase(client);
  if (--entry->content->second.owners == 0) {
    bytes_ -= entry->content->second.bytes;
    contents_.erase(entry->content);
  }
  by_id_.erase(entry->id);
  entries_.erase(entry);
}

}  // namespace unlasting::server
