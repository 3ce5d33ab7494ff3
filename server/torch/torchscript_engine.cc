#include "server/torch/torchscript_engine.h"

#include <torch/torch.h>

#include <algorithm>
#include <functional>

#include "core/base/status.h"
#include "core/model/torch/threads.h"
#include "core/predict/engine/engine_factory.h"
#include "core/predict/engine/engine_steps.h"

namespace unlasting::server {
namespace {

using model::Network;
using predict::ContentCache;
using predict::EngineOptions;
using predict::Perturbation;
using predict::Row;
using torch::Tensor;

// A thread with fewer rows spends its time on everything but arithmetic.
constexpr int64_t kMinRowsOfThread = 8;

absl::Status FromException(const std::exception& error) {
  const std::string what = error.what();
  return absl::InternalError(absl::StrCat("engine: ", what.substr(0, what.find('\n'))));
}

class TorchScriptEngine : public predict::Engine {
 public:
  TorchScriptEngine(std::shared_ptr<const bundle::Bundle> bundle, bundle::Modules modules,
                    const bundle::BundleWeights& weights, const EngineOptions& options,
                    torch::Device device)
      : bundle_(std::move(bundle)),
        options_(options),
        latents_(options.latent_cache_bytes),
        thresholds_(options.threshold_cache_bytes),
        device_(device),
        source_(std::move(modules.source)),
        target_(std::move(modules.target)),
        mask_(std::move(modules.mask)),
        priors_(/*denoiser=*/true, bundle_->config(), weights.denoiser),
        genes_(static_cast<int64_t>(bundle_->manifest().genes.size())),
        nodes_(genes_ + static_cast<int64_t>(bundle_->manifest().perturbed_only.size())),
        features_(bundle_->config().molecule_features) {
    if (!device_.is_cpu()) {
      source_.To(device_);
      target_.To(device_);
      mask_.To(device_);
    }
  }

  const bundle::Bundle& bundle() const override { return *bundle_; }
  const EngineOptions& options() const override { return options_; }
  // The exported files have a fixed set of cell types.
  bool TakesNewContexts() const override { return false; }
  ContentCache* latents() override { return &latents_; }
  ContentCache* thresholds() override { return &thresholds_; }

  absl::Status Step(absl::Span<Row* const> rows) override {
    std::vector<Row*> inverting, decoding;
    for (Row* row : rows) {
      if (row->finished()) return absl::InternalError("engine: a finished row was stepped");
      (row->perturbation == nullptr ? inverting : decoding).push_back(row);
    }
    UNLASTING_RETURN_IF_ERROR(StepHalf(source_, inverting));
    return StepHalf(target_, decoding);
  }

  absl::StatusOr<DenseMatrix> MaskProbability(const DenseMatrix& controls,
                                              absl::Span<const int32_t> cell_type,
                                              const model::NewContext* /*context*/,
                                              const Perturbation& perturbation) override {
    try {
      DenseMatrix probability(controls.rows, genes_);
      RunRows(controls.rows, [&](int64_t begin, int64_t count) {
        Network::Inputs inputs;
        std::vector<int64_t> types(cell_type.begin() + begin, cell_type.begin() + begin + count);
        inputs.cell_type = torch::tensor(types, torch::kInt64).to(device_);
        inputs.control =
            torch::from_blob(const_cast<float*>(controls.Row(begin).data()), {count, genes_})
                .to(device_);
        const std::vector<const Perturbation*> same(count, &perturbation);
        AddPerturbations(same, &inputs);
        const Tensor out = torch::sigmoid(mask_.MaskLogits(inputs)).to(torch::kCPU).contiguous();
        std::copy_n(out.data_ptr<float>(), count * genes_, probability.Row(begin).data());
      });
      return probability;
    } catch (const std::exception& error) {
      return FromException(error);
    }
  }

  absl::StatusOr<std::vector<float>> ExpectedMeanChange(int32_t cell_type,
                                                        const model::NewContext* /*context*/,
                                                        const Perturbation& perturbation) override {
    return predict::MeanChange(cell_type, nullptr, perturbation, &priors_);
  }
  bool FromControl(int32_t cell_type, const Perturbation& perturbation) override {
    return predict::FromControl(cell_type, perturbation, &priors_);
  }

 private:
  // Cuts rows among the threads (on CPU) and each share into batches.
  void RunRows(int64_t rows, const std::function<void(int64_t begin, int64_t count)>& run) const {
    const int64_t shares = (rows + kMinRowsOfThread - 1) / kMinRowsOfThread;
    const auto shards =
        static_cast<int>(device_.is_cpu() ? std::clamp<int64_t>(shares, 1, options_.threads) : 1);
    model::RunShards(shards, [&](int shard) {
      c10::InferenceMode inference;
      const model::Range range = model::ShardOf(rows, shards, shard);
      for (int64_t begin = range.begin; begin < range.end; begin += options_.max_batch) {
        run(begin, std::min(options_.max_batch, range.end - begin));
      }
    });
  }

  void AddPerturbations(const std::vector<const Perturbation*>& perturbations,
                        Network::Inputs* inputs) const {
    const auto count = static_cast<int64_t>(perturbations.size());
    Tensor knockout = torch::zeros({count, nodes_});
    float* knocked = knockout.data_ptr<float>();
    for (int64_t k = 0; k < count; ++k) {
      for (const int32_t node : perturbations[k]->knockout) knocked[k * nodes_ + node] = 1.0f;
    }
    inputs->knockout = knockout.to(device_);
    if (features_ == 0) return;
    Tensor molecule = torch::zeros({count, features_});
    Tensor dose = torch::zeros({count});
    for (int64_t k = 0; k < count; ++k) {
      const Perturbation& perturbation = *perturbations[k];
      std::copy(perturbation.molecule.begin(), perturbation.molecule.end(),
                molecule.data_ptr<float>() + k * features_);
      dose.data_ptr<float>()[k] = perturbation.log10_dose_um;
    }
    inputs->molecule = molecule.to(device_);
    inputs->dose = dose.to(device_);
  }

  absl::Status StepHalf(const Network& network, const std::vector<Row*>& rows) {
    try {
      RunRows(static_cast<int64_t>(rows.size()), [&](int64_t begin, int64_t count) {
        Evaluate(network, absl::MakeConstSpan(rows).subspan(begin, count));
      });
      return absl::OkStatus();
    } catch (const std::exception& error) {
      return FromException(error);
    }
  }

  void Evaluate(const Network& network, absl::Span<Row* const> rows) const {
    const auto count = static_cast<int64_t>(rows.size());
    const bool decoding = rows[0]->perturbation != nullptr;
    Tensor x = torch::empty({count, genes_});
    std::vector<int64_t> times, types;
    for (int64_t k = 0; k < count; ++k) {
      std::copy(rows[k]->x.begin(), rows[k]->x.end(), x.data_ptr<float>() + k * genes_);
      times.push_back((*rows[k]->plan)[rows[k]->step].time);
      types.push_back(rows[k]->cell_type);
    }
    Network::Inputs inputs;
    inputs.cell_type = torch::tensor(types, torch::kInt64).to(device_);
    if (decoding) {
      Tensor control = torch::empty({count, genes_});
      std::vector<const Perturbation*> perturbations;
      for (int64_t k = 0; k < count; ++k) {
        std::copy_n(rows[k]->control, genes_, control.data_ptr<float>() + k * genes_);
        perturbations.push_back(rows[k]->perturbation);
      }
      inputs.control = control.to(device_);
      AddPerturbations(perturbations, &inputs);
    }
    const Tensor x0 =
        network.Denoise(x.to(device_), torch::tensor(times, torch::kInt64).to(device_), inputs)
            .to(torch::kCPU)
            .contiguous();
    for (int64_t k = 0; k < count; ++k) {
      predict::AdvanceRow(absl::MakeConstSpan(x0.data_ptr<float>() + k * genes_, genes_), rows[k]);
    }
  }

  std::shared_ptr<const bundle::Bundle> bundle_;
  EngineOptions options_;
  ContentCache latents_;
  ContentCache thresholds_;
  torch::Device device_;
  Network source_;
  Network target_;
  Network mask_;
  model::cpu::Priors<float> priors_;  // of the denoiser
  int64_t genes_;
  int64_t nodes_;
  int64_t features_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<predict::Engine>> MakeTorchScriptEngine(
    std::shared_ptr<const bundle::Bundle> bundle, const predict::EngineOptions& options,
    model::Attention attention) {
  model::PrepareProcess();
  torch::Device device(torch::kCPU);
  try {
    std::string name = options.device;
    if (name == "auto") name = torch::cuda::is_available() ? "cuda" : "cpu";
    device = torch::Device(name);
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("device: found '", options.device, "', expected auto, cpu or cuda[:index]"));
  }
  if (device.is_cuda() && !torch::cuda::is_available()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "device: found '", options.device, "', but this machine's LibTorch has no CUDA; use cpu"));
  }
  predict::EngineOptions resolved = options;
  UNLASTING_ASSIGN_OR_RETURN(resolved.precision,
                             predict::Float32Alone(options.precision, "TorchScript"));
  // The fused operators run on the CPU alone.
  if (!device.is_cpu() && attention == model::Attention::kFused) {
    attention = model::Attention::kOperator;
  }
  UNLASTING_ASSIGN_OR_RETURN(auto modules, bundle::LoadModules(*bundle, attention));
  UNLASTING_ASSIGN_OR_RETURN(const auto weights, bundle->ReadWeights());
  try {
    return std::unique_ptr<predict::Engine>(
        new TorchScriptEngine(std::move(bundle), std::move(modules), weights, resolved, device));
  } catch (const std::exception& error) {
    return FromException(error);
  }
}

}  // namespace unlasting::server
