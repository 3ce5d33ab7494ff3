// Any text as the SMILES of a molecule, whose parser is RDKit's: the answer is finite features of
// the length that was said, or a refusal with a reason.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/molecule/featurizer.h"
#include "tests/fuzz/fuzz_start.h"

namespace {

using namespace unlasting;  // NOLINT(google-build-using-namespace)

const std::vector<std::string>& Drugs() {
  static const auto* const kDrugs = new std::vector<std::string>{
      "CC(=O)Oc1ccccc1C(=O)O",   "CN1C=NC2=C1C(=O)N(C(=O)N2C)C",
      "C[C@H](N)C(=O)O.Cl",      "[Na+].[O-]C(=O)/C=C/c1ccc2[nH]c(C)c(CCNCc3ccccc3)c2c1",
      "N[Pt](N)(Cl)Cl",          "[13CH4]",
      "C1CC2CCC1CC2 |c:0| name", "O=C1[C@@]23CC4(CC2)C%10CC%10C4N1C3"};
  return *kDrugs;
}

}  // namespace

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  return LLVMFuzzerMutate(data, test::StartFrom(Drugs(), data, size, most, seed), most);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const kFeaturizer =
      new molecule::Featurizer(*molecule::Featurizer::FitTo({Drugs()[0], Drugs()[1], Drugs()[2]}));
  const auto result =
      kFeaturizer->Featurize(std::string(reinterpret_cast<const char*>(data), size));
  if (!result.ok()) {
    if (!absl::IsInvalidArgument(result.status()) || ReasonOf(result.status()).empty()) {
      std::abort();
    }
    return 0;
  }
  if (result->canonical_smiles.empty()) std::abort();
  if (static_cast<int>(result->features.size()) != kFeaturizer->features()) std::abort();
  for (const float value : result->features) {
    if (!std::isfinite(value)) std::abort();
  }
  return 0;
}
