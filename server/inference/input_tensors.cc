#include "server/inference/input_tensors.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/utf8.h"

namespace unlasting::server {
namespace {

using inference::InferTensorContents;
using inference::ModelInferRequest;
using Tensor = ModelInferRequest::InferInputTensor;

constexpr char kBytes[] = "BYTES";
constexpr char kFloats[] = "FP32";
constexpr char kProfiles[] = "profiles";
// More inputs or outputs than any request has; each costs a look.
constexpr int kMaxTensors = 100;

constexpr InputKind kKinds[] = {
    {"genes", kBytes, 1},     {"cells", kFloats, 2}, {"cell_type", kBytes, 1},
    {"knockout", kBytes, 1},  {"smiles", kBytes, 1}, {"dose_um", kFloats, 1},
    {"treatment", kBytes, 1},
};

const InputKind* KindOf(const std::string& name) {
  const auto* found = std::find_if(std::begin(kKinds), std::end(kKinds),
                                   [&name](const InputKind& kind) { return name == kind.name; });
  return found == std::end(kKinds) ? nullptr : found;
}

std::string Shape(absl::Span<const int64_t> shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

// Whether a matrix of this shape has `count` elements; the product may be too large for a number.
bool Holds(const std::vector<int64_t>& shape, int64_t count) {
  if (shape[0] == 0) return count == 0;
  return count % shape[0] == 0 && count / shape[0] == shape[1];
}

uint32_t LittleEndian(const char* bytes) {
  uint32_t number = 0;
  for (int k = 3; k >= 0; --k) number = number << 8 | static_cast<unsigned char>(bytes[k]);
  return number;
}

// The field of typed contents that holds elements of the datatype.
const char* ContentsOf(const std::string& datatype) {
  return datatype == kBytes ? "bytes_contents" : "fp32_contents";
}

// Whether typed contents hold elements in another field than that of the datatype.
bool HasOtherContents(const InferTensorContents& contents, const std::string& datatype) {
  const int own =
      datatype == kBytes ? contents.bytes_contents_size() : contents.fp32_contents_size();
  const int all = contents.bool_contents_size() + contents.int_contents_size() +
                  contents.int64_contents_size() + contents.uint_contents_size() +
                  contents.uint64_contents_size() + contents.fp32_contents_size() +
                  contents.fp64_contents_size() + contents.bytes_contents_size();
  return own != all;
}

// Checks all of a tensor but its elements.
bool CheckTensor(const Tensor& tensor, Violations* violations) {
  const InputKind* kind = KindOf(tensor.name());
  if (kind == nullptr) {
    violations->Add(
        "inputs", "UNKNOWN_INPUT",
        absl::StrCat("found '", tensor.name(), "', expected some of ",
                     absl::StrJoin(kKinds, ", ", [](std::string* text, const InputKind& each) {
                       absl::StrAppend(text, each.name);
                     })));
    return false;
  }
  if (tensor.datatype() != kind->datatype) {
    violations->Add(
        kind->name, "INVALID_DATATYPE",
        absl::StrCat("found datatype '", tensor.datatype(), "', expected ", kind->datatype));
    return false;
  }
  const bool negative = std::any_of(tensor.shape().begin(), tensor.shape().end(),
                                    [](int64_t dimension) { return dimension < 0; });
  if (tensor.shape_size() != kind->dimensions || negative) {
    const int shown = std::min(tensor.shape_size(), 8);
    violations->Add(
        kind->name, "INVALID_SHAPE",
        absl::StrCat("found shape ", Shape({tensor.shape().data(), static_cast<size_t>(shown)}),
                     shown < tensor.shape_size() ? " and more" : "", ", expected ",
                     kind->dimensions, kind->dimensions == 1 ? " dimension" : " dimensions",
                     " of 0 or more"));
    return false;
  }
  if (!tensor.parameters().empty()) {
    violations->Add(kind->name, "UNKNOWN_PARAMETER",
                    absl::StrCat("found parameter '", tensor.parameters().begin()->first,
                                 "', expected none; elements are sent with the request, not in "
                                 "shared memory"));
    return false;
  }
  return true;
}

void CheckOutputs(const ModelInferRequest& request, Violations* violations) {
  for (const auto& output : request.outputs()) {
    if (output.name() != kProfiles) {
      violations->Add("outputs", "UNKNOWN_OUTPUT",
                      absl::StrCat("found '", output.name(), "', expected ", kProfiles));
    } else if (!output.parameters().empty()) {
      violations->Add("outputs", "UNKNOWN_PARAMETER",
                      absl::StrCat(kProfiles, ": found parameter '",
                                   output.parameters().begin()->first, "', expected none"));
    }
  }
}

void WrongSize(const std::string& name, const std::string& found, const InputTensor& input,
               const std::string& expected, Violations* violations) {
  violations->Add(name, "INVALID_SHAPE",
                  absl::StrCat("found ", found, ", expected ", expected, ", as the shape ",
                               Shape(input.shape), " says"));
}

// Reads elements that are each a length of four bytes and then as many bytes.
bool ReadRaw(const std::string& raw, int64_t count, std::vector<std::string>* strings) {
  size_t at = 0;
  for (int64_t k = 0; k < count; ++k) {
    if (raw.size() - at < sizeof(uint32_t)) return false;
    const size_t size = LittleEndian(raw.data() + at);
    at += sizeof(uint32_t);
    if (raw.size() - at < size) return false;
    strings->emplace_back(raw, at, size);
    at += size;
  }
  return at == raw.size();
}

const InputTensor* WithinLimit(const InputTensors& inputs, const std::string& name,
                               int64_t max_elements, const char* limit, Violations* violations) {
  const auto found = inputs.find(name);
  if (found == inputs.end()) return nullptr;
  if (found->second.shape[0] > max_elements) {
    violations->Add(name, "TOO_MANY_ELEMENTS",
                    absl::StrCat("found ", found->second.shape[0], ", expected at most ",
                                 max_elements, " (", limit, ")"));
    return nullptr;
  }
  return &found->second;
}

}  // namespace

absl::Span<const InputKind> InputKinds() { return kKinds; }

bool IsNamed(const ModelInferRequest& request, const std::string& name) {
  return std::any_of(request.inputs().begin(), request.inputs().end(),
                     [&name](const Tensor& tensor) { return tensor.name() == name; });
}

InputTensors FindInputs(ModelInferRequest* request, Violations* violations) {
  InputTensors inputs;
  const int count = request->inputs_size();
  const bool raw = request->raw_input_contents_size() > 0;
  if (count > kMaxTensors || request->outputs_size() > kMaxTensors) {
    violations->Add(count > kMaxTensors ? "inputs" : "outputs", "TOO_MANY_ELEMENTS",
                    absl::StrCat("found ", std::max(count, request->outputs_size()),
                                 ", expected at most ", kMaxTensors));
    return inputs;
  }
  CheckOutputs(*request, violations);
  if (raw && request->raw_input_contents_size() != count) {
    violations->Add("raw_input_contents", "INVALID_SHAPE",
                    absl::StrCat("found ", request->raw_input_contents_size(), " for ", count,
                                 " inputs, expected one for each or none"));
    return inputs;
  }
  for (int k = 0; k < count; ++k) {
    Tensor* tensor = request->mutable_inputs(k);
    if (!CheckTensor(*tensor, violations)) continue;
    InputTensor input;
    input.shape.assign(tensor->shape().begin(), tensor->shape().end());
    if (raw) {
      input.raw = request->mutable_raw_input_contents(k);
    } else {
      input.typed = tensor->mutable_contents();
    }
    const bool both = raw && tensor->has_contents();
    if (both || (!raw && HasOtherContents(*input.typed, tensor->datatype()))) {
      violations->Add(
          tensor->name(), "INVALID_VALUE",
          both ? "found contents beside raw_input_contents, expected one of them"
               : absl::StrCat("found elements of another type, expected ", tensor->datatype(),
                              " in ", ContentsOf(tensor->datatype())));
      continue;
    }
    if (!inputs.emplace(tensor->name(), std::move(input)).second) {
      violations->Add(tensor->name(), "DUPLICATE_INPUT", "found the input twice, expected it once");
    }
  }
  return inputs;
}

std::vector<std::string> TakeStrings(const InputTensors& inputs, const std::string& name,
                                     int64_t max_elements, const char* limit,
                                     Violations* violations) {
  const InputTensor* input = WithinLimit(inputs, name, max_elements, limit, violations);
  if (input == nullptr) return {};
  const int64_t count = input->shape[0];
  std::vector<std::string> strings;
  if (input->raw != nullptr) {
    if (!ReadRaw(*input->raw, count, &strings)) {
      WrongSize(name, absl::StrCat(input->raw->size(), " bytes"), *input,
                absl::StrCat(count,
                             " elements, each its length in 4 little-endian bytes and then "
                             "its bytes"),
                violations);
      return {};
    }
  } else {
    auto* elements = input->typed->mutable_bytes_contents();
    if (elements->size() != count) {
      WrongSize(name, absl::StrCat(elements->size(), " elements"), *input, absl::StrCat(count),
                violations);
      return {};
    }
    for (std::string& element : *elements) strings.push_back(std::move(element));
  }
  for (size_t k = 0; k < strings.size(); ++k) {
    if (IsUtf8(strings[k])) continue;
    violations->Add(absl::StrCat(name, "[", k, "]"), "INVALID_UTF8",
                    absl::StrCat("found '", EscapedUtf8(strings[k]), "', expected text in UTF-8"));
    return {};
  }
  return strings;
}

std::vector<float> TakeFloats(const InputTensors& inputs, const std::string& name,
                              int64_t max_elements, const char* limit, Violations* violations) {
  const InputTensor* input = WithinLimit(inputs, name, max_elements, limit, violations);
  if (input == nullptr) return {};
  const auto count = static_cast<size_t>(input->shape[0]);
  if (input->raw == nullptr) {
    const auto& elements = input->typed->fp32_contents();
    if (static_cast<size_t>(elements.size()) != count) {
      WrongSize(name, absl::StrCat(elements.size(), " elements"), *input, absl::StrCat(count),
                violations);
      return {};
    }
    return {elements.begin(), elements.end()};
  }
  if (input->raw->size() != count * sizeof(float)) {
    WrongSize(name, absl::StrCat(input->raw->size(), " bytes"), *input,
              absl::StrCat(count, " elements of 4 bytes"), violations);
    return {};
  }
  std::vector<float> values(count);
  for (size_t k = 0; k < count; ++k) {
    const uint32_t bits = LittleEndian(input->raw->data() + k * sizeof(float));
    std::memcpy(&values[k], &bits, sizeof(float));
  }
  return values;
}

bool TakeMatrix(const InputTensors& inputs, const std::string& name, v1::Matrix* matrix,
                Violations* violations) {
  const auto found = inputs.find(name);
  if (found == inputs.end()) return false;
  const InputTensor& input = found->second;
  // No elements would be any number of cells.
  if (input.shape[0] > 0 && input.shape[1] == 0) {
    violations->Add(name, "INVALID_SHAPE",
                    absl::StrCat("found shape ", Shape(input.shape), ", expected columns"));
    return false;
  }
  const bool raw = input.raw != nullptr;
  const size_t width = sizeof(float);
  const size_t size = raw ? input.raw->size() : input.typed->fp32_contents().size() * width;
  if (size % width != 0 || !Holds(input.shape, static_cast<int64_t>(size / width))) {
    WrongSize(name, raw ? absl::StrCat(size, " bytes") : absl::StrCat(size / width, " elements"),
              input, absl::StrCat(input.shape[0], " x ", input.shape[1], " elements of 4 bytes"),
              violations);
    return false;
  }
  matrix->set_rows(input.shape[0]);
  matrix->set_columns(input.shape[1]);
  if (raw) {
    matrix->mutable_raw()->set_element_type(v1::ELEMENT_TYPE_FLOAT32);
    *matrix->mutable_raw()->mutable_data() = std::move(*input.raw);
  } else {
    matrix->mutable_packed()->mutable_values()->Swap(input.typed->mutable_fp32_contents());
  }
  return true;
}

}  // namespace unlasting::server
