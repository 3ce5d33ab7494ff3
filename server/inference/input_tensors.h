// Input tensors are what a ModelInferRequest of the Open Inference Protocol brings, found by name
// and checked against what a model of ours takes: names, datatypes, shapes, and as many bytes as
// the shape says. No element is looked at before its tensor's shape is within the limits of a
// request.
//
//   InputTensors inputs = FindInputs(&request, &violations);
//   std::vector<std::string> genes = TakeStrings(inputs, "genes", limits.max_columns, &violations);
//
// Pure functions without gRPC; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "inference/grpc_service.pb.h"
#include "server/base/violations.h"
#include "unlasting/v1/matrix.pb.h"

namespace unlasting::server {

// One input of a model.
struct InputKind {
  const char* name;
  const char* datatype;  // "BYTES" or "FP32"
  int dimensions;
};

// Every input that there is, in the order in which they are described: genes, cells, cell_type,
// knockout, smiles, dose_um and treatment.
absl::Span<const InputKind> InputKinds();

// One input of a request. What it points to belongs to the request.
struct InputTensor {
  std::vector<int64_t> shape;  // as many dimensions as its kind has, none negative
  std::string* raw = nullptr;  // null where `typed` has the elements
  inference::InferTensorContents* typed = nullptr;
};
using InputTensors = std::map<std::string, InputTensor>;

// Whether the request has an input of this name, sound or not.
bool IsNamed(const inference::ModelInferRequest& request, const std::string& name);

// Adds whatever is wrong with the tensors to `violations`, under the input's name; such an input is
// left out. Outputs are checked too: there is one, profiles.
InputTensors FindInputs(inference::ModelInferRequest* request, Violations* violations);

// The elements of a BYTES tensor, at most `max_elements` of them (`limit` is the name of that
// limit); empty where there is no such tensor or something is wrong with it. Elements are UTF-8.
std::vector<std::string> TakeStrings(const InputTensors& inputs, const std::string& name,
                                     int64_t max_elements, const char* limit,
                                     Violations* violations);
// The elements of an FP32 tensor of one dimension; as above.
std::vector<float> TakeFloats(const InputTensors& inputs, const std::string& name,
                              int64_t max_elements, const char* limit, Violations* violations);
// Moves the elements of an FP32 tensor of two dimensions, without a copy. False where there is no
// such tensor or something is wrong with it.
bool TakeMatrix(const InputTensors& inputs, const std::string& name, v1::Matrix* matrix,
                Violations* violations);

}  // namespace unlasting::server
