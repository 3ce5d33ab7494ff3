#include "core/predict/engine/cuda_engine.h"

// CudaEngine puts CudaNetwork behind the engine's interface: rows go to the device once, take their
// trajectory there, and come back at its end while the device goes on with others.
#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/counter_rng.h"
#include "core/base/status.h"
#include "core/model/cuda/cuda_network.h"
#include "core/predict/engine/engine_steps.h"

namespace unlasting::predict {
namespace {

using model::NetworkWeights;
using model::cpu::Molecule;
using model::cpu::NetworkRow;
using model::cuda::Cell;
using model::cuda::CellPool;
using model::cuda::CellStep;
using model::cuda::Context;
using model::cuda::CudaNetwork;
using model::cuda::CudaOptions;
using model::cuda::Event;

// What a row keeps with it between steps.
struct RowOnDevice {
  std::shared_ptr<Cell> cell;
  std::shared_ptr<const Event> sent;  // of a finished row: it is in the host's memory
};

class CudaEngine : public Engine {
 public:
  CudaEngine(std::shared_ptr<const bundle::Bundle> bundle, const bundle::BundleWeights& weights,
             const EngineOptions& options, model::cuda::Precision precision, int device)
      : bundle_(std::move(bundle)),
        options_(options),
        latents_(options.latent_cache_bytes),
        thresholds_(options.threshold_cache_bytes),
        genes_(static_cast<int64_t>(bundle_->manifest().genes.size())),
        context_(std::make_shared<Context>(device)),
        // The mask model is asked while the denoiser is at its next step, and answers callers.
        mask_context_(std::make_shared<Context>(device, Context::Turn::kFirst)) {
    CudaOptions networks;
    networks.precision = precision;
    denoiser_ = std::make_unique<CudaNetwork>(true, bundle_->config(), weights.denoiser, context_,
                                              networks);
    mask_ = std::make_unique<CudaNetwork>(false, bundle_->config(), weights.mask, mask_context_,
                                          networks);
    cells_ = denoiser_->NewPool();
  }

  const bundle::Bundle& bundle() const override { return *bundle_; }
  const EngineOptions& options() const override { return options_; }
  ContentCache* latents() override { return &latents_; }
  ContentCache* thresholds() override { return &thresholds_; }
  std::optional<DeviceMemory> device_memory() const override {
    try {
      return DeviceMemory{absl::StrCat("cuda:", context_->device()), context_->BytesInUse()};
    } catch (const std::exception&) {
      return std::nullopt;
    }
  }

  absl::Status Step(absl::Span<Row* const> rows) override {
    for (Row* row : rows) {
      if (row->finished()) return absl::InternalError("engine: a finished row was stepped");
    }
    try {
      context_->Use();
      inverting_.clear();
      decoding_.clear();
      molecules_.resize(rows.size());
      for (size_t k = 0; k < rows.size(); ++k) {
        const CellStep step = StepOf(rows[k], &molecules_[k]);
        (rows[k]->perturbation == nullptr ? inverting_ : decoding_).push_back(step);
      }
      StepHalf(inverting_);
      StepHalf(decoding_);
      Advance(rows);
      return absl::OkStatus();
    } catch (const std::exception& error) {
      return EvaluationFailed(error);
    }
  }

  bool overlaps() const override { return true; }

  absl::Status Collect(absl::Span<Row* const> rows) override {
    try {
      context_->Use();
      for (Row* row : rows) {
        const RowOnDevice& there = *OnDevice(*row);
        there.sent->Wait();
        cells_->Read(*there.cell, row->x.data());
        row->engine_state.reset();
      }
      return absl::OkStatus();
    } catch (const std::exception& error) {
      return EvaluationFailed(error);
    }
  }

  // A control that is added to the output must not be moved (CudaNetwork::ControlOf).
  bool TakesNewContexts() const override { return !bundle_->config().control_residual; }

  absl::StatusOr<DenseMatrix> MaskProbability(const DenseMatrix& controls,
                                              absl::Span<const int32_t> cell_type,
                                              const model::NewContext* context,
                                              const Perturbation& perturbation) override {
    const auto run = [this](absl::Span<const NetworkRow<float>> rows) { mask_->Run(rows); };
    return MaskProbabilityBy(run, genes_, controls, cell_type, context, perturbation);
  }

  absl::StatusOr<std::vector<float>> ExpectedMeanChange(int32_t cell_type,
                                                        const model::NewContext* context,
                                                        const Perturbation& perturbation) override {
    return MeanChange(cell_type, context, perturbation, &denoiser_->host_priors());
  }
  bool FromControl(int32_t cell_type, const Perturbation& perturbation) override {
    return predict::FromControl(cell_type, perturbation, &denoiser_->host_priors());
  }

 private:
  static RowOnDevice* OnDevice(const Row& row) {
    return static_cast<RowOnDevice*>(row.engine_state.get());
  }

  // A row that sets out is put on the device first.
  CellStep StepOf(Row* row, Molecule<float>* molecule) {
    if (row->engine_state == nullptr) {
      std::shared_ptr<Cell> cell = cells_->Acquire();
      if (row->context != nullptr && row->control != nullptr) {
        const std::vector<float> control = denoiser_->ControlOf(*row->context, row->control);
        cells_->Put(row->x.data(), control.data(), cell.get());
      } else {
        cells_->Put(row->x.data(), row->control, cell.get());
      }
      row->engine_state = std::make_shared<RowOnDevice>(RowOnDevice{std::move(cell), nullptr});
    }
    const diffusion::SolverStep& solver = (*row->plan)[row->step];
    CellStep step;
    step.cell = OnDevice(*row)->cell.get();
    step.time = solver.time;
    step.cell_type = row->cell_type;
    step.context = row->context;
    step.x_coefficient = solver.x_coefficient;
    step.x0_coefficient = solver.x0_coefficient;
    step.previous_coefficient = solver.previous_coefficient;
    step.noise_coefficient = solver.noise_coefficient;
    step.noise_key = diffusion::StepKey(row->noise_key, row->step);
    if (row->perturbation == nullptr) return step;
    step.measured = &row->perturbation->measured_in;
    step.knockout = row->perturbation->knockout;
    *molecule = MoleculeInput(*row->perturbation);
    if (!molecule->features.empty()) step.molecule = molecule;
    return step;
  }

  void StepHalf(const std::vector<CellStep>& steps) {
    const auto batch = static_cast<size_t>(options_.max_batch);
    for (size_t begin = 0; begin < steps.size(); begin += batch) {
      denoiser_->Step(absl::MakeConstSpan(steps).subspan(begin, batch));
    }
  }

  // Rows at the end of their trajectory are sent back; Collect waits for them.
  void Advance(absl::Span<Row* const> rows) {
    std::vector<const Cell*> done;
    for (Row* row : rows) {
      ++row->step;
      if (row->finished()) done.push_back(OnDevice(*row)->cell.get());
    }
    if (done.empty()) return;
    const std::shared_ptr<const Event> sent = cells_->Send(done);
    for (Row* row : rows) {
      if (row->finished()) OnDevice(*row)->sent = sent;
    }
  }

  std::shared_ptr<const bundle::Bundle> bundle_;
  EngineOptions options_;
  ContentCache latents_;
  ContentCache thresholds_;
  int64_t genes_;
  std::shared_ptr<Context> context_, mask_context_;
  // The source and the target model are one network.
  std::unique_ptr<CudaNetwork> denoiser_, mask_;
  std::unique_ptr<CellPool> cells_;
  // Of one call.
  std::vector<CellStep> inverting_, decoding_;
  std::vector<Molecule<float>> molecules_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> MakeCudaEngine(std::shared_ptr<const bundle::Bundle> bundle,
                                                       const EngineOptions& options) {
  const int devices = model::cuda::DeviceCount();
  absl::string_view name = options.device;
  int device = 0;
  if (absl::ConsumePrefix(&name, "cuda:") && !absl::SimpleAtoi(name, &device)) device = -1;
  if (device < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("device: found '", options.device, "', expected auto, cpu or cuda[:index]"));
  }
  if (device >= devices) {
    return absl::InvalidArgumentError(
        absl::StrCat("device: found '", options.device, "', but this machine has ",
                     devices == 0 ? "no CUDA device; use cpu"
                                  : absl::StrCat(devices, " CUDA devices, counted from 0")));
  }
  EngineOptions resolved = options;
  if (options.precision == "auto") resolved.precision = "bf16";
  const auto precision = model::cuda::PrecisionOf(resolved.precision);
  if (!precision.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat("precision: found '", options.precision,
                                                   "', expected auto, float32, tf32 or bf16"));
  }
  UNLASTING_ASSIGN_OR_RETURN(const bundle::BundleWeights weights, bundle->ReadWeights());
  try {
    return std::unique_ptr<Engine>(
        new CudaEngine(std::move(bundle), weights, resolved, *precision, device));
  } catch (const std::exception& error) {
    return EvaluationFailed(error);
  }
}

bool CudaDeviceIsThere() { return model::cuda::DeviceCount() > 0; }

}  // namespace unlasting::predict
