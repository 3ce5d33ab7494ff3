// Requests of the Open Inference Protocol that ask what a PredictRequest asks, to vary.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "inference/grpc_service.grpc.pb.h"
#include "proto/codec/matrix_codec.h"
#include "tests/server/served.h"
#include "tests/server/server_support.h"

namespace unlasting::test {

inline inference::ModelInferRequest::InferInputTensor* AddInput(
    inference::ModelInferRequest* request, const std::string& name, const std::string& datatype,
    const std::vector<int64_t>& shape) {
  auto* input = request->add_inputs();
  input->set_name(name);
  input->set_datatype(datatype);
  input->mutable_shape()->Add(shape.begin(), shape.end());
  return input;
}

// As stock clients send BYTES: each element's length in four bytes, and its bytes.
inline std::string RawStrings(const std::vector<std::string>& strings) {
  std::string raw;
  for (const std::string& text : strings) {
    for (int k = 0; k < 4; ++k) raw.push_back(static_cast<char>(text.size() >> (8 * k)));
    raw += text;
  }
  return raw;
}

inline std::string RawFloats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

inline void AddStrings(inference::ModelInferRequest* request, const std::string& name,
                       const std::vector<std::string>& strings) {
  AddInput(request, name, "BYTES", {static_cast<int64_t>(strings.size())});
  request->add_raw_input_contents(RawStrings(strings));
}

inline void AddFloats(inference::ModelInferRequest* request, const std::string& name,
                      const std::vector<float>& values) {
  AddInput(request, name, "FP32", {static_cast<int64_t>(values.size())});
  request->add_raw_input_contents(RawFloats(values));
}

// The control cells of `request`, without a perturbation.
inline inference::ModelInferRequest InferCells(const v1::PredictRequest& request) {
  inference::ModelInferRequest infer;
  const auto values = codec::DecodeDenseMatrix(request.cells().matrix());
  EXPECT_TRUE(values.ok()) << values.status();
  const auto& names = request.cells().genes().names();
  AddStrings(&infer, "genes", {names.begin(), names.end()});
  AddInput(&infer, "cells", "FP32", {values->rows, values->cols});
  infer.add_raw_input_contents(
      RawFloats(std::vector<float>(values->values.begin(), values->values.end())));
  AddStrings(&infer, "cell_type", {"T0"});
  return infer;
}

// What SomeRequest asks.
inline inference::ModelInferRequest SomeInfer(int64_t cells = 3, uint64_t seed = 1) {
  inference::ModelInferRequest infer = InferCells(SomeRequest(cells, seed));
  AddStrings(&infer, "knockout", {"G1"});
  return infer;
}

inline void Set(inference::ModelInferRequest* request, const std::string& name,
                const std::string& word) {
  (*request->mutable_parameters())[name].set_string_param(word);
}
inline void Set(inference::ModelInferRequest* request, const std::string& name, int64_t number) {
  (*request->mutable_parameters())[name].set_int64_param(number);
}

inline void SetStrings(inference::ModelInferRequest* request, int input,
                       const std::vector<std::string>& strings) {
  request->mutable_inputs(input)->set_shape(0, static_cast<int64_t>(strings.size()));
  request->set_raw_input_contents(input, RawStrings(strings));
}

// A request that keeps a server busy until it is cancelled: minutes of evaluations.
inline inference::ModelInferRequest EndlessInfer() {
  inference::ModelInferRequest request = SomeInfer(2000);
  SetStrings(&request, 3, std::vector<std::string>(100, "G2"));
  Set(&request, "solver", "ddim");
  Set(&request, "solver_steps", 500);
  Set(&request, "mask", "none");
  return request;
}

// The same with every element in typed contents, as KServe's clients may send them.
inline inference::ModelInferRequest Typed(inference::ModelInferRequest request) {
  for (int k = 0; k < request.inputs_size(); ++k) {
    auto* input = request.mutable_inputs(k);
    const std::string& raw = request.raw_input_contents(k);
    if (input->datatype() == "FP32") {
      const auto* floats = reinterpret_cast<const float*>(raw.data());
      input->mutable_contents()->mutable_fp32_contents()->Add(floats,
                                                              floats + raw.size() / sizeof(float));
      continue;
    }
    for (size_t at = 0; at < raw.size();) {
      const size_t size = static_cast<unsigned char>(raw[at]);  // names of tests are short
      input->mutable_contents()->add_bytes_contents(raw.substr(at + 4, size));
      at += 4 + size;
    }
  }
  request.clear_raw_input_contents();
  return request;
}

// What one call of ModelInfer ends with.
struct InferAnswer {
  Answer call;  // status and trailers
  inference::ModelInferResponse response;

  // [p * n * N], in the order of the tensor.
  std::vector<float> values() const {
    if (response.raw_output_contents_size() != 1) return {};
    const std::string& raw = response.raw_output_contents(0);
    const auto* floats = reinterpret_cast<const float*>(raw.data());
    return {floats, floats + raw.size() / sizeof(float)};
  }
};

inline InferAnswer Infer(Served* served, const inference::ModelInferRequest& request,
                         const std::string& token = "") {
  const auto stub = inference::GRPCInferenceService::NewStub(served->channel());
  grpc::ClientContext context;
  if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
  InferAnswer answer;
  answer.call.status = stub->ModelInfer(&context, request, &answer.response);
  for (const auto& [key, value] : context.GetServerTrailingMetadata()) {
    answer.call.trailers.emplace(std::string(key.data(), key.size()),
                                 std::string(value.data(), value.size()));
  }
  return answer;
}

// The values that Predict gives, in the order of the tensor.
inline std::vector<float> Flat(const Answer& answer) {
  EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_FALSE(answer.profiles.empty());
  std::vector<float> values;
  for (const auto& [perturbation, profiles] : answer.profiles) {
    values.insert(values.end(), profiles.values.begin(), profiles.values.end());
  }
  return values;
}

}  // namespace unlasting::test
