#include "tests/server/server_support.h"

#include <fstream>
#include <random>

#include "core/predict/engine/engine_factory.h"
#include "proto/codec/matrix_codec.h"
#include "tests/support/files.h"
#include "tests/support/tiny_bundle.h"

namespace unlasting::test {
namespace {

DenseMatrix SomeValues(int64_t cells, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<float> uniform;
  DenseMatrix values(cells, static_cast<int64_t>(TinyBundle()->manifest().genes.size()));
  for (float& value : values.values) {
    const float draw = uniform(random);
    value = draw < 0.3f ? 0.0f : 5.0f * draw;
  }
  return values;
}

}  // namespace

const std::string& TinyBundleFolder() {
  static const TempFolder folder;
  static const std::string path = [] {
    TinyBundleOptions options;
    options.molecules = true;
    const std::string directory = folder.At("tiny");
    const absl::Status status = WriteTinyBundle(directory, options);
    EXPECT_TRUE(status.ok()) << status;
    return directory;
  }();
  return path;
}

void WriteBundleVersion(const std::string& directory, const std::string& version, uint64_t seed) {
  TinyBundleOptions options;
  options.seed = seed;
  const absl::Status status = WriteTinyBundle(directory, options);
  ASSERT_TRUE(status.ok()) << status;
  nlohmann::json manifest = ReadJson(directory + "/manifest.json");
  manifest["version"] = version;
  std::ofstream(directory + "/manifest.json") << manifest.dump(1);
}

std::shared_ptr<const bundle::Bundle> TinyBundle() {
  static const std::shared_ptr<const bundle::Bundle> bundle = [] {
    auto loaded = bundle::Bundle::Load(TinyBundleFolder());
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    return *loaded;
  }();
  return bundle;
}

std::unique_ptr<predict::Engine> TinyEngine(int64_t max_batch) {
  predict::EngineOptions options;
  options.threads = 1;
  options.max_batch = max_batch;
  auto engine = predict::CreateEngine(TinyBundle(), options);
  EXPECT_TRUE(engine.ok()) << engine.status();
  return std::move(*engine);
}

std::shared_ptr<const predict::ControlSet> SomeControls(int64_t cells, uint64_t seed) {
  cells::ControlMatrix some;
  some.values = ToCsr(SomeValues(cells, seed));
  some.genes = TinyBundle()->manifest().genes;
  some.cell_types.assign(cells, "T0");
  auto controls = predict::ResolveControls(*TinyBundle(), some);
  EXPECT_TRUE(controls.ok()) << controls.status();
  return std::make_shared<const predict::ControlSet>(std::move(*controls));
}

std::shared_ptr<const predict::Perturbation> Knockout(const std::vector<std::string>& genes) {
  predict::PerturbationQuery query;
  query.genes = genes;
  auto perturbation = predict::ResolvePerturbation(*TinyBundle(), query);
  EXPECT_TRUE(perturbation.ok()) << perturbation.status();
  return *perturbation;
}

v1::PredictRequest SomeRequest(int64_t cells, uint64_t seed) {
  v1::PredictRequest request;
  v1::ControlCells* controls = request.mutable_cells();
  *controls->mutable_matrix() =
      codec::EncodeMatrix(SomeValues(cells, seed), v1::MATRIX_ENCODING_RAW_FLOAT32);
  const auto& genes = TinyBundle()->manifest().genes;
  controls->mutable_genes()->mutable_names()->Add(genes.begin(), genes.end());
  controls->set_value_kind(v1::VALUE_KIND_LOG1P);
  controls->add_cell_types("T0");
  request.add_perturbations()->mutable_genes()->add_genes("G1");
  return request;
}

}  // namespace unlasting::test
