// Any bytes as a message of the API before protobuf sees them: inflating keeps within its limit,
// what the parsed message takes is no more than was said beforehand, and what does not parse is
// refused with a reason. The first byte chooses the message.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/base/status.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/message.h"
#include "server/request/inflate.h"
#include "server/request/wire_fault.h"
#include "server/request/wire_size.h"
#include "tests/fuzz/fuzz_start.h"
#include "tests/server/gzip.h"
#include "unlasting/v1/admin_service.pb.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace {

using namespace unlasting;  // NOLINT(google-build-using-namespace)
using google::protobuf::Message;

constexpr int64_t kMaxBytes = 1 << 18;
constexpr int64_t kEnough = int64_t{1} << 40;

const std::vector<const Message*>& Prototypes() {
  static const auto* const kPrototypes = new std::vector<const Message*>{
      &v1::PredictRequest::default_instance(), &v1::RegisterControlsRequest::default_instance(),
      &v1::FeaturizeMoleculeRequest::default_instance(), &v1::LoadModelRequest::default_instance()};
  return *kPrototypes;
}

std::vector<std::string> SoundInputs() {
  v1::PredictRequest request;
  request.set_model("tiny");
  auto* cells = request.mutable_cells();
  cells->mutable_matrix()->mutable_sparse()->add_column_indices(3);
  cells->mutable_genes()->add_names("G1");
  cells->add_cell_ids("");
  cells->add_cell_types("T0");
  request.add_perturbations()->mutable_genes()->add_genes("G1");
  request.add_perturbations()->mutable_molecule()->mutable_embedding()->add_values(1);
  (*request.add_perturbations()->mutable_treatment()->mutable_covariates())["hours"] = 6;
  const std::string bytes = request.SerializeAsString();
  v1::RegisterControlsRequest upload;
  upload.mutable_header()->mutable_genes()->add_names("G1");
  v1::FeaturizeMoleculeRequest molecule;
  molecule.set_smiles("CCO");
  return {std::string(1, '\0') + bytes, std::string(1, '\0') + test::Gzip(bytes),
          std::string(1, '\0') + test::Gzip(std::string(kMaxBytes + 10, '\0')),
          "\1" + upload.SerializeAsString(), "\2" + molecule.SerializeAsString()};
}

// What `bytes` inflate to, in two pieces; "" where they are refused.
std::string Inflated(absl::string_view bytes) {
  server::Inflater inflater(kMaxBytes);
  std::string text;
  int64_t reserved = 0;
  const auto reserve = [&reserved](int64_t more) {
    reserved += more;
    return absl::OkStatus();
  };
  absl::Status status = inflater.Add(bytes.substr(0, bytes.size() / 2), &text, reserve);
  if (status.ok()) status = inflater.Add(bytes.substr(bytes.size() / 2), &text, reserve);
  if (status.ok()) status = inflater.Complete();
  const auto size = static_cast<int64_t>(text.size());
  if (size > kMaxBytes + 1 || size > reserved) std::abort();
  if (status.ok()) return text;
  if (ReasonOf(status).empty() && !absl::IsOutOfRange(status)) std::abort();
  return "";
}

void Parse(absl::string_view bytes, const Message& prototype) {
  const auto size = static_cast<int>(bytes.size());
  google::protobuf::io::ArrayInputStream stream(bytes.data(), size);
  const int64_t said = server::ParsedBytes(&stream, *prototype.GetDescriptor(), kEnough);
  const std::unique_ptr<Message> message(prototype.New());
  if (message->ParseFromArray(bytes.data(), size)) {
    const auto used = static_cast<int64_t>(message->SpaceUsedLong() - prototype.SpaceUsedLong());
    if (said < used) std::abort();
    return;
  }
  const absl::Status fault = server::WireFault(bytes, *prototype.GetDescriptor());
  if (!absl::IsInvalidArgument(fault) || ReasonOf(fault).empty()) std::abort();
}

}  // namespace

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  static const auto* const kSound = new std::vector<std::string>(SoundInputs());
  return LLVMFuzzerMutate(data, test::StartFrom(*kSound, data, size, most, seed), most);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Message& prototype = *Prototypes()[data[0] % Prototypes().size()];
  const absl::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (server::IsGzip(bytes)) {
    Parse(Inflated(bytes), prototype);
  } else {
    Parse(bytes, prototype);
  }
  return 0;
}
