#include "client/screen/screen_parts.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/util/delimited_message_util.h"

namespace unlasting::client {
namespace {

constexpr char kFingerprintFile[] = "screen";
constexpr char kPartPrefix[] = "part-";
constexpr size_t kHashLetters = 64;

absl::Status Damaged(const std::filesystem::path& path) {
  return absl::DataLossError(
      absl::StrCat(path.string(), ": is damaged; remove it and go on with --resume"));
}

// Gives the collector the rows of a part, under the numbers that its perturbations have in the
// whole screen; rows of perturbations without a place are left out.
absl::Status CollectPart(const std::filesystem::path& path, const std::vector<int32_t>& place_of,
                         std::vector<v1::PredictResponse>* answer, PredictionCollector* collector,
                         const ScreenParts::OnSummary& on_summary) {
  const auto known = [&place_of](int32_t index) {
    return index >= 0 && index < static_cast<int32_t>(place_of.size());
  };
  for (v1::PredictResponse& message : *answer) {
    if (message.has_summary()) {
      const int32_t index = message.summary().perturbation_index();
      if (!known(index)) return Damaged(path);
      if (place_of[index] >= 0) on_summary(place_of[index], message.summary());
    }
    if (!message.has_profiles()) continue;
    auto& indices = *message.mutable_profiles()->mutable_perturbation_indices();
    if (indices.empty()) continue;
    for (const int32_t index : indices) {
      // A chunk holds cells of one perturbation.
      if (!known(index) || index != indices[0]) return Damaged(path);
    }
    if (place_of[indices[0]] < 0) continue;
    const int32_t place = place_of[indices[0]];
    for (int32_t& index : indices) index = place;
    UNLASTING_RETURN_IF_ERROR(collector->Add(message));
  }
  return absl::OkStatus();
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
      return absl::FailedPreconditionError(
          absl::StrCat(parts.folder_.string(), ": holds parts of another screen (controls, ",
                       "model or options differ); remove it or choose another --out"));
    }
    if (!resume) {
      return absl::FailedPreconditionError(absl::StrCat(
          parts.folder_.string(), ": holds parts of this screen; go on with --resume, ",
          "or remove it to begin anew"));
    }
    UNLASTING_RETURN_IF_ERROR(parts.FindParts());
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

std::vector<std::filesystem::path> ScreenParts::Paths() const {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    if (absl::StartsWith(entry.path().filename().string(), kPartPrefix)) {
      paths.push_back(entry.path());
    }
  }
  // A folder has no order of its own.
  std::sort(paths.begin(), paths.end());
  return paths;
}

absl::Status ScreenParts::FindParts() {
  for (const std::filesystem::path& path : Paths()) {
    UNLASTING_ASSIGN_OR_RETURN(const Part part, Read(path));
    for (const std::string& key : part.keys) found_[key] = path;
  }
  return absl::OkStatus();
}

absl::Status ScreenParts::Write(const std::vector<std::string>& keys,
                                const std::vector<v1::PredictResponse>& answer) const {
  std::string bytes = absl::StrCat(absl::StrJoin(keys, " "), "\n");
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    for (const v1::PredictResponse& part : answer) {
      google::protobuf::util::SerializeDelimitedToZeroCopyStream(part, &stream);
    }
  }
  const std::string name =
      absl::StrCat(kPartPrefix, Sha256(absl::StrJoin(keys, " ")).substr(0, 16));
  return WriteFileAtomically(folder_ / name, Sha256(bytes) + bytes);
}

absl::StatusOr<ScreenParts::Part> ScreenParts::Read(const std::filesystem::path& path) {
  const auto bytes = ReadFile(path);
  if (!bytes.ok()) return absl::DataLossError(bytes.status().message());
  const size_t end = bytes->find('\n');
  if (bytes->size() < kHashLetters || end == std::string::npos ||
      Sha256(bytes->substr(kHashLetters)) != bytes->substr(0, kHashLetters)) {
    return Damaged(path);
  }
  Part part;
  part.keys = absl::StrSplit(bytes->substr(kHashLetters, end - kHashLetters), ' ');
  google::protobuf::io::ArrayInputStream stream(bytes->data() + end + 1,
                                                static_cast<int>(bytes->size() - end - 1));
  bool ended = false;
  while (!ended) {
    v1::PredictResponse message;
    if (google::protobuf::util::ParseDelimitedFromZeroCopyStream(&message, &stream, &ended)) {
      if (message.has_perturbations() && !part.answer.empty()) {
        // From here on they are where those of a small request are.
        part.answer.front().mutable_header()->mutable_perturbations()->MergeFrom(
            message.perturbations().perturbations());
      } else {
        part.answer.push_back(std::move(message));
      }
    } else if (!ended) {
      return Damaged(path);
    }
  }
  if (part.answer.empty() ||
      part.answer.front().header().perturbations_size() != static_cast<int>(part.keys.size())) {
    return Damaged(path);
  }
  return part;
}

absl::Status ScreenParts::Collect(const std::vector<ScreenRow>& rows,
                                  PredictionCollector* collector,
                                  const OnSummary& on_summary) const {
  std::map<std::string, int32_t> places;
  for (size_t k = 0; k < rows.size(); ++k) places[rows[k].key] = static_cast<int32_t>(k);
  // The header names all perturbations before any row comes.
  v1::PredictResponse all;
  v1::PredictFinished finished;
  std::vector<v1::ResolvedPerturbation> resolved(rows.size());
  std::map<std::string, bool> met;
  const std::vector<std::filesystem::path> paths = Paths();
  for (const std::filesystem::path& path : paths) {
    UNLASTING_ASSIGN_OR_RETURN(const Part part, Read(path));
    const v1::PredictHeader& header = part.answer.front().header();
    if (!all.has_header()) {
      *all.mutable_header() = header;
    } else if (header.bundle_hash() != all.header().bundle_hash()) {
      return absl::DataLossError(
          absl::StrCat(path.string(), ": was made by bundle ", header.bundle_hash(),
                       ", the first part by ", all.header().bundle_hash(),
                       "; the model changed during the screen: remove the parts of one of them"));
    }
    for (size_t k = 0; k < part.keys.size(); ++k) {
      const auto place = places.find(part.keys[k]);
      if (place == places.end() || !met.emplace(part.keys[k], true).second) continue;
      resolved[place->second] = header.perturbations(static_cast<int>(k));
    }
    finished.set_evaluations(finished.evaluations() + part.answer.back().finished().evaluations());
  }
  for (const ScreenRow& row : rows) {
    if (met.count(row.key) > 0) continue;
    return absl::DataLossError(absl::StrCat(folder_.string(), ": lacks the prediction of line ",
                                            row.line, "; go on with --resume"));
  }
  all.mutable_header()->clear_perturbations();
  all.mutable_header()->set_perturbations_follow(false);
  all.mutable_header()->mutable_perturbations()->Add(resolved.begin(), resolved.end());
  UNLASTING_RETURN_IF_ERROR(collector->Add(all));
  met.clear();
  for (const std::filesystem::path& path : paths) {
    UNLASTING_ASSIGN_OR_RETURN(Part part, Read(path));
    // Where each of the part's perturbations stands in the table; -1 where another part has it.
    std::vector<int32_t> place_of;
    for (const std::string& key : part.keys) {
      const auto place = places.find(key);
      const bool taken = place != places.end() && met.emplace(key, true).second;
      place_of.push_back(taken ? place->second : -1);
    }
    UNLASTING_RETURN_IF_ERROR(CollectPart(path, place_of, &part.answer, collector, on_summary));
  }
  finished.set_rows(static_cast<int64_t>(rows.size()) * collector->cells());
  v1::PredictResponse last;
  *last.mutable_finished() = finished;
  return collector->Add(last);
}

void ScreenParts::Remove() const {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace unlasting::client
