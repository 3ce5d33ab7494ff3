#include "client/screen/screen_parts.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/util/delimited_message_util.h"

namespace unlasting::client {
namespace {

constexpr char kFingerprintFile[] = "screen";
constexpr size_t kHashLetters = 64;

absl::Status Damaged(const std::filesystem::path& path) {
  return absl::DataLossError(
      absl::StrCat(path.string(), ": is damaged; remove it and go on with --resume"));
}

}  // namespace

absl::StatusOr<ScreenParts> ScreenParts::Open(const std::string& out,
                                              const std::string& fingerprint, bool resume) {
  ScreenParts parts(out + ".parts");
  const std::filesystem::path said = parts.folder_ / kFingerprintFile;
  std::error_code error;
  if (std::filesystem::exists(said, error)) {
    UNLASTING_ASSIGN_OR_RETURN(const std::string found, ReadFile(said));
    if (found != fingerprint) {
      return absl::FailedPreconditionError(absl::StrCat(
          parts.folder_.string(), ": holds parts of another screen (controls, ",
          "perturbations, model or options differ); remove it or choose another --out"));
    }
    if (!resume) {
      return absl::FailedPreconditionError(absl::StrCat(
          parts.folder_.string(), ": holds parts of this screen; go on with --resume, ",
          "or remove it to begin anew"));
    }
    return parts;
  }
  std::filesystem::create_directories(parts.folder_, error);
  if (error) {
    return absl::PermissionDeniedError(
        absl::StrCat(parts.folder_.string(), ": cannot be made: ", error.message()));
  }
  UNLASTING_RETURN_IF_ERROR(WriteFileAtomically(said, fingerprint));
  return parts;
}

std::filesystem::path ScreenParts::PathOf(int64_t batch) const {
  return folder_ / absl::StrFormat("part-%06d", batch);
}

bool ScreenParts::Has(int64_t batch) const {
  std::error_code error;
  return std::filesystem::exists(PathOf(batch), error);
}

absl::Status ScreenParts::Write(int64_t batch,
                                const std::vector<v1::PredictResponse>& parts) const {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    for (const v1::PredictResponse& part : parts) {
      google::protobuf::util::SerializeDelimitedToZeroCopyStream(part, &stream);
    }
  }
  return WriteFileAtomically(PathOf(batch), Sha256(bytes) + bytes);
}

absl::StatusOr<std::vector<v1::PredictResponse>> ScreenParts::Read(int64_t batch) const {
  const auto bytes = ReadFile(PathOf(batch));
  if (!bytes.ok()) return absl::DataLossError(bytes.status().message());
  if (bytes->size() < kHashLetters ||
      Sha256(bytes->substr(kHashLetters)) != bytes->substr(0, kHashLetters)) {
    return Damaged(PathOf(batch));
  }
  google::protobuf::io::ArrayInputStream stream(bytes->data() + kHashLetters,
                                                static_cast<int>(bytes->size() - kHashLetters));
  std::vector<v1::PredictResponse> parts;
  bool ended = false;
  while (!ended) {
    v1::PredictResponse part;
    if (google::protobuf::util::ParseDelimitedFromZeroCopyStream(&part, &stream, &ended)) {
      parts.push_back(std::move(part));
    } else if (!ended) {
      return Damaged(PathOf(batch));
    }
  }
  if (parts.empty() || !parts.front().has_header()) return Damaged(PathOf(batch));
  return parts;
}

absl::Status ScreenParts::Collect(const std::vector<ScreenBatch>& batches,
                                  PredictionCollector* collector) const {
  // The header names all perturbations before any row comes.
  v1::PredictResponse all;
  v1::PredictFinished finished;
  for (size_t k = 0; k < batches.size(); ++k) {
    UNLASTING_ASSIGN_OR_RETURN(const auto parts, Read(static_cast<int64_t>(k)));
    const v1::PredictHeader& header = parts.front().header();
    if (k == 0) {
      *all.mutable_header() = header;
    } else {
      if (header.bundle_hash() != all.header().bundle_hash()) {
        return absl::DataLossError(
            absl::StrCat(PathOf(static_cast<int64_t>(k)).string(), ": was made by bundle ",
                         header.bundle_hash(), ", the first part by ", all.header().bundle_hash(),
                         "; the model changed during the screen: remove the parts of one of them"));
      }
      all.mutable_header()->mutable_perturbations()->MergeFrom(header.perturbations());
    }
    finished.set_rows(finished.rows() + parts.back().finished().rows());
    finished.set_evaluations(finished.evaluations() + parts.back().finished().evaluations());
  }
  UNLASTING_RETURN_IF_ERROR(collector->Add(all));
  for (size_t k = 0; k < batches.size(); ++k) {
    UNLASTING_ASSIGN_OR_RETURN(auto parts, Read(static_cast<int64_t>(k)));
    for (v1::PredictResponse& part : parts) {
      if (!part.has_profiles()) continue;
      for (int32_t& index : *part.mutable_profiles()->mutable_perturbation_indices()) {
        index += static_cast<int32_t>(batches[k].first);
      }
      UNLASTING_RETURN_IF_ERROR(collector->Add(part));
    }
  }
  v1::PredictResponse last;
  *last.mutable_finished() = finished;
  return collector->Add(last);
}

void ScreenParts::Remove() const {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace unlasting::client
