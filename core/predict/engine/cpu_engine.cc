#include "core/predict/engine/cpu_engine.h"

// CpuEngine puts CpuNetwork behind the engine's interface: the default on CPU.
#include <algorithm>

#include "core/base/status.h"
#include "core/model/cpu/cpu_network.h"
#include "core/predict/engine/engine_steps.h"

namespace unlasting::predict {
namespace {

using model::NetworkWeights;
using model::cpu::CpuNetwork;
using model::cpu::Molecule;
using model::cpu::NetworkRow;

// What a row keeps between its steps.
struct RowState {
  // [N']: the GRN block's part where it does not change along the trajectory.
  AlignedVector<float> gene_readout;
};

class CpuEngine : public Engine {
 public:
  CpuEngine(std::shared_ptr<const bundle::Bundle> bundle, const bundle::BundleWeights& weights,
            const EngineOptions& options)
      : bundle_(std::move(bundle)),
        options_(options),
        latents_(options.latent_cache_bytes),
        thresholds_(options.threshold_cache_bytes),
        genes_(static_cast<int64_t>(bundle_->manifest().genes.size())) {
    const auto make = [&](bool denoiser, const NetworkWeights<float>& network) {
      return std::make_unique<CpuNetwork<float>>(denoiser, bundle_->config(), network,
                                                 options_.threads);
    };
    denoiser_ = make(true, weights.denoiser);
    mask_ = make(false, weights.mask);
  }

  const bundle::Bundle& bundle() const override { return *bundle_; }
  const EngineOptions& options() const override { return options_; }
  ContentCache* latents() override { return &latents_; }
  ContentCache* thresholds() override { return &thresholds_; }

  absl::Status Step(absl::Span<Row* const> rows) override {
    inverting_.clear();
    decoding_.clear();
    for (Row* row : rows) {
      if (row->finished()) return absl::InternalError("engine: a finished row was stepped");
      (row->perturbation == nullptr ? inverting_ : decoding_).push_back(row);
    }
    try {
      StepHalf(inverting_);
      StepHalf(decoding_);
      return absl::OkStatus();
    } catch (const std::exception& error) {
      return EvaluationFailed(error);
    }
  }

  absl::StatusOr<DenseMatrix> MaskProbability(const DenseMatrix& controls,
                                              absl::Span<const int32_t> cell_type,
                                              const model::NewContext* context,
                                              const Perturbation& perturbation) override {
    const auto run = [this](absl::Span<const NetworkRow<float>> rows) {
      const auto batch = static_cast<size_t>(options_.max_batch);
      for (size_t begin = 0; begin < rows.size(); begin += batch) {
        mask_->Run(rows.subspan(begin, batch));
      }
    };
    return MaskProbabilityBy(run, genes_, controls, cell_type, context, perturbation);
  }

  absl::StatusOr<std::vector<float>> ExpectedMeanChange(int32_t cell_type,
                                                        const model::NewContext* context,
                                                        const Perturbation& perturbation) override {
    return MeanChange(cell_type, context, perturbation, &denoiser_->priors());
  }
  bool FromControl(int32_t cell_type, const Perturbation& perturbation) override {
    return predict::FromControl(cell_type, perturbation, &denoiser_->priors());
  }

 private:
  void StepHalf(const std::vector<Row*>& rows) {
    for (size_t begin = 0; begin < rows.size(); begin += options_.max_batch) {
      const size_t count = std::min<size_t>(options_.max_batch, rows.size() - begin);
      Evaluate(absl::MakeConstSpan(rows).subspan(begin, count));
    }
  }

  void Evaluate(absl::Span<Row* const> rows) {
    network_rows_.assign(rows.size(), {});
    molecules_.resize(rows.size());
    x0_.resize(std::max(x0_.size(), rows.size() * genes_));
    for (size_t k = 0; k < rows.size(); ++k) {
      Row* row = rows[k];
      NetworkRow<float>& in = network_rows_[k];
      in.x_t = row->x.data();
      in.time = (*row->plan)[row->step].time;
      in.cell_type = row->cell_type;
      in.context = row->context;
      if (row->engine_state == nullptr) row->engine_state = std::make_shared<RowState>();
      in.gene_readout = &static_cast<RowState*>(row->engine_state.get())->gene_readout;
      in.out = x0_.data() + k * genes_;
      if (row->perturbation == nullptr) continue;
      in.control = row->control;
      in.measured = &row->perturbation->measured_in;
      in.knockout = row->perturbation->knockout;
      if (row->perturbation->molecule.empty()) continue;
      // Rows of a perturbation mostly stand together.
      if (k > 0 && rows[k - 1]->perturbation == row->perturbation) {
        in.molecule = network_rows_[k - 1].molecule;
        continue;
      }
      molecules_[k] = MoleculeInput(*row->perturbation);
      if (!molecules_[k].features.empty()) in.molecule = &molecules_[k];
    }
    denoiser_->Run(network_rows_);
    for (size_t k = 0; k < rows.size(); ++k) {
      AdvanceRow(absl::MakeConstSpan(network_rows_[k].out, genes_), rows[k]);
    }
  }

  std::shared_ptr<const bundle::Bundle> bundle_;
  EngineOptions options_;
  ContentCache latents_;
  ContentCache thresholds_;
  int64_t genes_;
  // The source and the target model are one network.
  std::unique_ptr<CpuNetwork<float>> denoiser_, mask_;
  // Of one call; kept so that a step allocates nothing.
  std::vector<Row*> inverting_, decoding_;
  std::vector<NetworkRow<float>> network_rows_;
  std::vector<Molecule<float>> molecules_;
  std::vector<float> x0_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> MakeCpuEngine(std::shared_ptr<const bundle::Bundle> bundle,
                                                      const EngineOptions& options) {
  UNLASTING_ASSIGN_OR_RETURN(const bundle::BundleWeights weights, bundle->ReadWeights());
  try {
    return std::unique_ptr<Engine>(new CpuEngine(std::move(bundle), weights, options));
  } catch (const std::exception& error) {
    return absl::ResourceExhaustedError(absl::StrCat("engine: ", error.what()));
  }
}

}  // namespace unlasting::predict
