// Safetensors reads and writes the file format of the same name: eight bytes with the length of a
// header, the header as JSON (name -> dtype, shape, data_offsets), and the tensors' bytes one after
// another, little-endian and row-major. Files written here load in Python's `safetensors`, and
// theirs load here as long as they hold float32 and int64 alone.
//
// A file from anywhere may be given to the reader: every length, offset, shape and name is checked
// before it is used, and nothing is allocated on the word of the file beyond the file's own size.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/base/aligned.h"

namespace unlasting::bundle {

enum class TensorType { kFloat32, kInt64 };

// One tensor of a file that is read. `data` points into the bytes given to ParseSafetensors.
struct TensorView {
  TensorType type = TensorType::kFloat32;
  std::vector<int64_t> shape;  // [] is a scalar, one element
  absl::string_view data;      // elements * size of an element

  int64_t elements() const;
  // Copies; contract: of that type.
  AlignedVector<float> Floats() const;
  std::vector<int64_t> Integers() const;
};

// Keeps no copy: the views hold as long as `bytes` does. INVALID_ARGUMENT says what is wrong and
// with which tensor: a file that ends too early or has bytes left over, a header that is no JSON
// object, a name given twice, a dtype other than F32 and I64, a negative or overflowing shape,
// offsets that are out of range, overlap, leave a gap or do not fit the shape.
absl::StatusOr<std::map<std::string, TensorView>> ParseSafetensors(absl::string_view bytes);

// Puts a file together: call Add for each tensor, then Format once.
class SafetensorsWriter {
 public:
  // Contract: each name once; `values` has as many elements as `shape` says. The values are not
  // copied and must outlive Format.
  void Add(const std::string& name, const std::vector<int64_t>& shape, const float* values);
  void Add(const std::string& name, const std::vector<int64_t>& shape, const int64_t* values);

  // The whole file. Tensors lie in the order of their names, so that equal tensors give equal
  // bytes; the data start at a multiple of eight.
  std::string Format() const;

 private:
  std::map<std::string, TensorView> tensors_;
};

}  // namespace unlasting::bundle
