#include "core/bundle/safetensors.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "nlohmann/json.hpp"

namespace unlasting::bundle {
namespace {

using nlohmann::json;

constexpr size_t kPrefix = sizeof(uint64_t);
// A bundle has some hundred tensors, a few kilobytes of header.
constexpr uint64_t kMaxHeaderBytes = uint64_t{16} << 20;
constexpr const char* kMetadata = "__metadata__";

absl::Status Bad(const std::string& what) { return absl::InvalidArgumentError(what); }
absl::Status BadTensor(const std::string& name, const std::string& what) {
  return Bad(absl::StrCat("tensor '", name, "': ", what));
}

const char* Name(TensorType type) { return type == TensorType::kFloat32 ? "F32" : "I64"; }
int64_t ElementBytes(TensorType type) { return type == TensorType::kFloat32 ? 4 : 8; }

uint64_t LoadLength(absl::string_view bytes) {
  uint64_t length = 0;
  for (size_t k = 0; k < kPrefix; ++k) {
    length |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[k])) << (8 * k);
  }
  return length;
}

// Refuses a key that an object has twice: JSON readers keep the last one in silence.
absl::StatusOr<json> ParseHeader(absl::string_view text) {
  std::vector<std::set<std::string>> keys;
  std::string twice;
  const auto watch = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key &&
        !keys.back().insert(parsed.get<std::string>()).second) {
      twice = parsed.get<std::string>();
    }
    return true;
  };
  const json header = json::parse(text.begin(), text.end(), watch, /*allow_exceptions=*/false);
  if (!twice.empty()) return Bad(absl::StrCat("header: found '", twice, "' twice"));
  if (!header.is_object()) return Bad("header: expected a JSON object");
  return header;
}

// A number that JSON holds as a non-negative integer of at most 63 bits.
bool ReadCount(const json& value, int64_t* count) {
  if (!value.is_number_integer()) return false;
  if (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX) return false;
  *count = value.get<int64_t>();
  return *count >= 0;
}

absl::StatusOr<TensorView> ParseTensor(const std::string& name, const json& entry,
                                       absl::string_view data) {
  if (!entry.is_object() || entry.size() != 3 || !entry.contains("dtype") ||
      !entry.contains("shape") || !entry.contains("data_offsets")) {
    return BadTensor(name, "expected an object of dtype, shape and data_offsets");
  }
  TensorView view;
  const json& type = entry["dtype"];
  if (type == Name(TensorType::kInt64)) {
    view.type = TensorType::kInt64;
  } else if (type != Name(TensorType::kFloat32)) {
    return BadTensor(name, absl::StrCat("dtype: found ",
                                        type.dump(-1, ' ', /*ensure_ascii=*/true,
                                                  json::error_handler_t::replace),
                                        ", expected F32 or I64"));
  }
  if (!entry["shape"].is_array()) return BadTensor(name, "shape: expected a list");
  int64_t bytes = ElementBytes(view.type);
  bool empty = false;
  for (const json& dimension : entry["shape"]) {
    int64_t size = 0;
    if (!ReadCount(dimension, &size)) {
      return BadTensor(name, "shape: expected integers of 0 or more");
    }
    empty |= size == 0;
    if (size > 0 && __builtin_mul_overflow(bytes, size, &bytes)) {
      return BadTensor(name, "shape: found more elements than a file can hold");
    }
    view.shape.push_back(size);
  }
  if (empty) bytes = 0;
  const json& offsets = entry["data_offsets"];
  int64_t begin = 0, end = 0;
  if (!offsets.is_array() || offsets.size() != 2 || !ReadCount(offsets[0], &begin) ||
      !ReadCount(offsets[1], &end)) {
    return BadTensor(name, "data_offsets: expected two integers of 0 or more");
  }
  if (begin > end || static_cast<uint64_t>(end) > data.size()) {
    return BadTensor(
        name, absl::StrCat("data_offsets: found ", begin, " to ", end,
                           ", expected them to ascend within the ", data.size(), " bytes of data"));
  }
  if (end - begin != bytes) {
    return BadTensor(name, absl::StrCat("data_offsets: found ", end - begin, " bytes, expected ",
                                        bytes, " by dtype and shape"));
  }
  view.data = data.substr(static_cast<size_t>(begin), static_cast<size_t>(bytes));
  return view;
}

// The format asks for data without gaps and overlaps.
absl::Status CheckCover(const std::map<std::string, TensorView>& tensors, absl::string_view data) {
  std::vector<std::pair<absl::string_view, const std::string*>> parts;
  for (const auto& [name, view] : tensors) parts.emplace_back(view.data, &name);
  std::sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) {
    return a.first.data() != b.first.data() ? a.first.data() < b.first.data()
                                            : a.first.size() < b.first.size();
  });
  const char* expected = data.data();
  for (const auto& [part, name] : parts) {
    if (part.data() != expected) {
      return BadTensor(*name, part.data() < expected ? "data_offsets: overlap another tensor's"
                                                     : "data_offsets: leave a gap before them");
    }
    expected += part.size();
  }
  if (expected != data.data() + data.size()) {
    return Bad(absl::StrCat("found ", data.data() + data.size() - expected,
                            " bytes behind the last tensor"));
  }
  return absl::OkStatus();
}

template <typename T, typename Out>
Out Copy(absl::string_view data) {
  Out out(data.size() / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), data.data(), data.size());
  return out;
}

}  // namespace

int64_t TensorView::elements() const {
  return static_cast<int64_t>(data.size()) / ElementBytes(type);
}

AlignedVector<float> TensorView::Floats() const { return Copy<float, AlignedVector<float>>(data); }
std::vector<int64_t> TensorView::Integers() const {
  return Copy<int64_t, std::vector<int64_t>>(data);
}

absl::StatusOr<std::map<std::string, TensorView>> ParseSafetensors(absl::string_view bytes) {
  if (bytes.size() < kPrefix) {
    return Bad(absl::StrCat("found ", bytes.size(), " bytes, expected a header's length of 8"));
  }
  const uint64_t length = LoadLength(bytes);
  if (length > kMaxHeaderBytes || length > bytes.size() - kPrefix) {
    return Bad(absl::StrCat("header: found a length of ", length, " bytes, expected at most ",
                            std::min<uint64_t>(kMaxHeaderBytes, bytes.size() - kPrefix)));
  }
  UNLASTING_ASSIGN_OR_RETURN(const json header, ParseHeader(bytes.substr(kPrefix, length)));
  const absl::string_view data = bytes.substr(kPrefix + length);
  std::map<std::string, TensorView> tensors;
  for (const auto& [name, entry] : header.items()) {
    if (name == kMetadata) continue;
    UNLASTING_ASSIGN_OR_RETURN(tensors[name], ParseTensor(name, entry, data));
  }
  UNLASTING_RETURN_IF_ERROR(CheckCover(tensors, data));
  return tensors;
}

void SafetensorsWriter::Add(const std::string& name, const std::vector<int64_t>& shape,
                            const float* values) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  tensors_[name] = {TensorType::kFloat32, shape,
                    absl::string_view(reinterpret_cast<const char*>(values),
                                      static_cast<size_t>(count) * sizeof(float))};
}

void SafetensorsWriter::Add(const std::string& name, const std::vector<int64_t>& shape,
                            const int64_t* values) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  tensors_[name] = {TensorType::kInt64, shape,
                    absl::string_view(reinterpret_cast<const char*>(values),
                                      static_cast<size_t>(count) * sizeof(int64_t))};
}

std::string SafetensorsWriter::Format() const {
  json header = json::object();
  size_t offset = 0;
  for (const auto& [name, view] : tensors_) {
    header[name] = {{"dtype", Name(view.type)},
                    {"shape", view.shape},
                    {"data_offsets", {offset, offset + view.data.size()}}};
    offset += view.data.size();
  }
  std::string text = header.dump();
  // The format allows blanks behind the header, and readers that map files want aligned data.
  while ((kPrefix + text.size()) % 8 != 0) text.push_back(' ');
  std::string bytes(kPrefix, '\0');
  for (size_t k = 0; k < kPrefix; ++k) {
    bytes[k] = static_cast<char>(static_cast<uint64_t>(text.size()) >> (8 * k) & 0xff);
  }
  bytes.reserve(kPrefix + text.size() + offset);
  bytes += text;
  for (const auto& [name, view] : tensors_) bytes.append(view.data.data(), view.data.size());
  return bytes;
}

}  // namespace unlasting::bundle
