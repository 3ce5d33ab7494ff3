// Any bytes as a PredictRequest: validation must give a task or a Status with a reason. Sound
// requests are mixed in, so that mutations begin from something that reaches deep.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/bundle/bundle.h"
#include "proto/codec/matrix_codec.h"
#include "server/request/request_validation.h"
#include "tests/fuzz/fuzz_start.h"
#include "tests/support/files.h"
#include "tests/support/tiny_bundle.h"

namespace {

using namespace unlasting;  // NOLINT(google-build-using-namespace)

const bundle::Bundle& TheBundle() {
  static const auto* const kBundle = [] {
    const test::TempFolder folder;
    test::TinyBundleOptions options;
    options.molecules = true;
    options.treatments = true;
    if (!test::WriteTinyBundle(folder.At("tiny"), options).ok()) std::abort();
    auto loaded = bundle::Bundle::Load(folder.At("tiny"));
    if (!loaded.ok()) std::abort();
    return new std::shared_ptr<const bundle::Bundle>(*std::move(loaded));
  }();
  return **kBundle;
}

std::vector<std::string> SoundRequests() {
  std::vector<std::string> requests;
  for (const auto encoding : {v1::MATRIX_ENCODING_RAW_FLOAT32, v1::MATRIX_ENCODING_PACKED,
                              v1::MATRIX_ENCODING_SPARSE, v1::MATRIX_ENCODING_RAW_FLOAT16}) {
    v1::PredictRequest request;
    const auto& genes = TheBundle().manifest().genes;
    *request.mutable_cells()->mutable_matrix() =
        codec::EncodeMatrix(DenseMatrix(2, static_cast<int64_t>(genes.size())), encoding);
    request.mutable_cells()->mutable_genes()->mutable_names()->Add(genes.begin(), genes.end());
    request.mutable_cells()->set_value_kind(v1::VALUE_KIND_COUNTS);
    request.mutable_cells()->add_cell_types("T0");
    request.mutable_options()->set_value_kind(v1::VALUE_KIND_DRAWN_COUNTS);
    request.add_perturbations()->mutable_genes()->add_genes("G1");
    auto* molecule = request.add_perturbations()->mutable_molecule();
    molecule->set_smiles("CCO");
    molecule->mutable_dose()->set_value(1);
    molecule->mutable_dose()->set_unit(v1::DOSE_UNIT_NANOMOLAR);
    request.mutable_options()->add_genes("G2");
    requests.push_back(request.SerializeAsString());
  }
  v1::PredictRequest stranger;
  stranger.ParseFromString(requests.front());
  stranger.mutable_cells()->clear_cell_types();
  stranger.mutable_cells()->set_new_context("T9");
  requests.push_back(stranger.SerializeAsString());
  v1::PredictRequest panel;
  panel.mutable_panel()->set_cell_type("T1");
  panel.mutable_panel()->set_cells(3);
  panel.add_perturbations()->mutable_molecule()->set_name("aspirin");
  auto* treatment = panel.add_perturbations()->mutable_treatment();
  treatment->set_name("LPS");
  (*treatment->mutable_covariates())["hours"] = 6;
  requests.push_back(panel.SerializeAsString());
  return requests;
}

}  // namespace

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  static const auto* const kSound = new std::vector<std::string>(SoundRequests());
  return LLVMFuzzerMutate(data, test::StartFrom(*kSound, data, size, most, seed), most);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const kIndex =
      new cells::GeneIndex(TheBundle().manifest().genes, TheBundle().manifest().gene_symbols);
  v1::PredictRequest request;
  if (!request.ParseFromArray(data, static_cast<int>(size))) return 0;
  server::RequestLimits limits;
  limits.max_cells = 1000;
  limits.max_columns = 1000;
  limits.max_perturbations = 20;
  limits.max_rows = 10000;
  const auto valid = server::ValidatePredict(request, TheBundle(), *kIndex, limits,
                                             [](const std::string&) { return nullptr; });
  if (valid.ok()) {
    if (valid->task.controls == nullptr || valid->task.perturbations.empty()) std::abort();
  } else if (ReasonOf(valid.status()).empty() || absl::IsInternal(valid.status())) {
    std::abort();
  }
  return 0;
}
