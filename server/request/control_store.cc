#include "server/request/control_store.h"

#include "absl/base/casts.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/file.h"
#include "core/base/status.h"

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

}  // namespace

std::string ContentHash(const cells::ControlMatrix& controls) {
  std::string hashes = absl::StrCat(
      controls.values.rows, " ", controls.values.cols, " ", static_cast<int>(controls.kind), " ",
      static_cast<int>(controls.missing_genes), " ", controls.gene_list_hash, " ",
      absl::StrCat(absl::Hex(absl::bit_cast<uint64_t>(controls.target_sum))), "\n");
  AppendHash(controls.values.indptr, &hashes);
  AppendHash(controls.values.indices, &hashes);
  AppendHash(controls.values.values, &hashes);
  AppendHash(controls.genes, &hashes);
  AppendHash(controls.cell_types, &hashes);
  AppendHash(controls.barcodes, &hashes);
  AppendHash(controls.library_sizes, &hashes);
  return Sha256(hashes);
}

ControlStore::ControlStore(const ControlStoreOptions& options, const Clock* clock)
    : options_(options), clock_(clock) {}

absl::Status ControlStore::CheckSize(int64_t bytes) const {
  if (bytes <= options_.max_bytes) return absl::OkStatus();
  return WithReason(
      absl::ResourceExhaustedError(absl::StrCat(
          "control cells: found ", bytes, " bytes or more, expected at most ", options_.max_bytes,
          ", the memory that the server has for registered cells")),
      "CONTROL_SET_TOO_LARGE");
}

absl::StatusOr<std::string> ControlStore::Add(cells::ControlMatrix controls) {
  Entry entry;
  entry.id = ContentHash(controls);
  entry.bytes = controls.Bytes();
  entry.last_use = clock_->Now();
  UNLASTING_RETURN_IF_ERROR(CheckSize(entry.bytes));
  entry.controls = std::make_shared<const cells::ControlMatrix>(std::move(controls));

  MutexLock lock(&mutex_);
  DropExpired();
  const auto known = by_id_.find(entry.id);
  if (known != by_id_.end()) {
    known->second->last_use = entry.last_use;
    entries_.splice(entries_.begin(), entries_, known->second);
    return entry.id;
  }
  while (bytes_ + entry.bytes > options_.max_bytes) DropLast();
  bytes_ += entry.bytes;
  entries_.push_front(std::move(entry));
  by_id_[entries_.front().id] = entries_.begin();
  return entries_.front().id;
}

std::shared_ptr<const cells::ControlMatrix> ControlStore::Find(const std::string& id) {
  MutexLock lock(&mutex_);
  DropExpired();
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return nullptr;
  found->second->last_use = clock_->Now();
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->controls;
}

int64_t ControlStore::bytes() const {
  MutexLock lock(&mutex_);
  return bytes_;
}

void ControlStore::DropExpired() {
  const absl::Time oldest = clock_->Now() - options_.time_to_live;
  while (!entries_.empty() && entries_.back().last_use <= oldest) DropLast();
}

void ControlStore::DropLast() {
  bytes_ -= entries_.back().bytes;
  by_id_.erase(entries_.back().id);
  entries_.pop_back();
}

}  // namespace unlasting::server
