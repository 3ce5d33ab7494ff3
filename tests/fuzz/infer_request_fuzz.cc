// Any bytes as a ModelInferRequest of the Open Inference Protocol: reading must give a
// PredictRequest within the limits or a Status whose reason and violations fit into the trailers of
// a call. Sound requests, with raw and with typed contents, are mixed in, so that mutations begin
// from something that reaches deep.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/base/utf8.h"
#include "google/rpc/error_details.pb.h"
#include "server/base/violations.h"
#include "server/inference/infer_request.h"
#include "server/inference/input_tensors.h"
#include "tests/fuzz/fuzz_start.h"

namespace {

using namespace unlasting;  // NOLINT(google-build-using-namespace)
using inference::ModelInferRequest;

// A request with one kind of perturbation, whose elements lie in raw or in typed contents.
class Sound {
 public:
  explicit Sound(bool raw) : raw_(raw) {
    Strings("genes", {"G1", "G2", "G3"});
    Floats("cells", {2, 3}, {0, 1.5f, 2, 0, 0.25f, 3});
    Strings("cell_type", {"T0"});
    request_.set_model_name("tiny");
    request_.set_id("7");
    request_.add_outputs()->set_name("profiles");
  }

  void Strings(const std::string& name, const std::vector<std::string>& elements) {
    auto* input = Add(name, "BYTES", {static_cast<int64_t>(elements.size())});
    std::string raw;
    for (const std::string& element : elements) {
      raw += std::string{static_cast<char>(element.size()), 0, 0, 0} + element;
      if (!raw_) input->mutable_contents()->add_bytes_contents(element);
    }
    if (raw_) request_.add_raw_input_contents(raw);
  }
  void Floats(const std::string& name, const std::vector<int64_t>& shape,
              const std::vector<float>& elements) {
    auto* input = Add(name, "FP32", shape);
    if (raw_) {
      request_.add_raw_input_contents(elements.data(), elements.size() * sizeof(float));
    } else {
      input->mutable_contents()->mutable_fp32_contents()->Add(elements.begin(), elements.end());
    }
  }
  inference::InferParameter& Parameter(const std::string& name) {
    return (*request_.mutable_parameters())[name];
  }
  std::string Bytes() const { return request_.SerializeAsString(); }

 private:
  ModelInferRequest::InferInputTensor* Add(const std::string& name, const std::string& datatype,
                                           const std::vector<int64_t>& shape) {
    auto* input = request_.add_inputs();
    input->set_name(name);
    input->set_datatype(datatype);
    input->mutable_shape()->Add(shape.begin(), shape.end());
    return input;
  }

  const bool raw_;
  ModelInferRequest request_;
};

std::vector<std::string> SoundRequests() {
  std::vector<std::string> requests;
  for (const bool raw : {true, false}) {
    Sound knockout(raw);
    knockout.Strings("knockout", {"G1", "G1+G2", "G2+ctrl"});
    knockout.Parameter("seed").set_uint64_param(~uint64_t{0});
    knockout.Parameter("solver").set_string_param("ddim");
    knockout.Parameter("mask").set_string_param("rank");
    knockout.Parameter("eta").set_double_param(0.5);
    requests.push_back(knockout.Bytes());
    Sound molecule(raw);
    molecule.Strings("smiles", {"CCO", "C"});
    molecule.Floats("dose_um", {2}, {0.2f, 10});
    molecule.Parameter("covariates.hours").set_double_param(24);
    molecule.Parameter("cells_value_kind").set_string_param("counts");
    molecule.Parameter("timeout").set_int64_param(2'000'000);
    requests.push_back(molecule.Bytes());
    Sound treatment(raw);
    treatment.Strings("treatment", {"LPS"});
    treatment.Parameter("covariates.hours").set_int64_param(6);
    treatment.Parameter("new_context").set_string_param("T9");
    treatment.Parameter("priority").set_int64_param(2);
    requests.push_back(treatment.Bytes());
  }
  return requests;
}

server::RequestLimits Limits() {
  server::RequestLimits limits;
  limits.max_cells = 100;
  limits.max_columns = 200;
  limits.max_perturbations = 20;
  limits.max_message_bytes = 1 << 17;
  return limits;
}

void Expect(bool holds) {
  if (!holds) std::abort();
}

// What the checks of the API may rely on. `said` is what the message took.
void CheckRead(const server::InferRequest& read, size_t said) {
  const v1::PredictRequest& predict = read.predict;
  Expect(predict.SpaceUsedLong() <= 3 * said + Limits().max_message_bytes);
  const v1::Matrix& matrix = predict.cells().matrix();
  Expect(predict.perturbations_size() <= Limits().max_perturbations);
  Expect(predict.cells().cell_types_size() <= Limits().max_cells);
  Expect(predict.options().genes_size() <= Limits().max_columns);
  Expect(predict.options().genes_size() == predict.cells().genes().names_size());
  Expect(matrix.rows() >= 0 && matrix.columns() >= 0);
  const size_t elements = matrix.has_raw() ? matrix.raw().data().size() / sizeof(float)
                                           : static_cast<size_t>(matrix.packed().values_size());
  if (elements == 0) {
    Expect(matrix.rows() == 0 || matrix.columns() == 0);
  } else {
    Expect(matrix.rows() > 0 && elements % matrix.rows() == 0 &&
           elements / matrix.rows() == static_cast<size_t>(matrix.columns()));
  }
  for (const std::string& gene : predict.options().genes()) Expect(IsUtf8(gene));
  for (const v1::Perturbation& perturbation : predict.perturbations()) {
    Expect(perturbation.kind_case() != v1::Perturbation::KIND_NOT_SET);
    Expect(!perturbation.has_genes() || perturbation.genes().genes_size() > 0);
    Expect(!perturbation.has_molecule() || perturbation.molecule().has_dose());
  }
}

void CheckRefusal(const absl::Status& status) {
  Expect(absl::IsInvalidArgument(status) && !ReasonOf(status).empty());
  Expect(IsUtf8(status.message()));
  const auto payload = status.GetPayload(server::kBadRequestUrl);
  google::rpc::BadRequest bad_request;
  Expect(payload.has_value() && bad_request.ParseFromString(std::string(*payload)));
  Expect(bad_request.field_violations_size() > 0);
  for (const auto& violation : bad_request.field_violations()) {
    Expect(!violation.field().empty() && violation.field().size() < 250);
    Expect(violation.description().size() < 600);
  }
}

}  // namespace

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  static const auto* const kSound = new std::vector<std::string>(SoundRequests());
  return LLVMFuzzerMutate(data, test::StartFrom(*kSound, data, size, most, seed), most);
}

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  for (const std::string& bytes : SoundRequests()) {
    ModelInferRequest request;
    Expect(request.ParseFromString(bytes));
    Expect(server::ReadInferRequest(Limits(), &request).ok());
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ModelInferRequest request;
  if (!request.ParseFromArray(data, static_cast<int>(size))) return 0;
  const size_t said = request.SpaceUsedLong();
  const auto read = server::ReadInferRequest(Limits(), &request);
  if (read.ok()) {
    CheckRead(*read, said);
  } else {
    CheckRefusal(read.status());
  }
  // Fields of the API become names of inputs, whatever they are.
  const std::string field(reinterpret_cast<const char*>(data), size);
  for (const server::InputKind& kind : server::InputKinds()) {
    static_cast<void>(server::InputOf(field, kind.name));
    static_cast<void>(server::InputOf("perturbations" + field, kind.name));
  }
  return 0;
}
