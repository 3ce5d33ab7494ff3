// The default on CPU: CpuNetwork behind the engine's interface.
#include <torch/script.h>

#include <algorithm>
#include <cmath>

#include "core/base/status.h"
#include "core/bundle/torch/modules.h"
#include "core/model/cpu/cpu_network.h"
#include "core/predict/engine/engines.h"

namespace unlasting::predict {
namespace {

using model::cpu::Arrays;
using model::cpu::CpuNetwork;
using model::cpu::Molecule;
using model::cpu::NetworkRow;

bool SameWeights(const Arrays<float>& a, const Arrays<float>& b) {
  return a.values == b.values && a.edge_indptr == b.edge_indptr && a.edge_source == b.edge_source &&
         a.indices == b.indices;
}

class CpuEngine : public Engine {
 public:
  CpuEngine(std::shared_ptr<const bundle::Bundle> bundle, const EngineOptions& options)
      : bundle_(std::move(bundle)),
        options_(options),
        latents_(options.latent_cache_bytes),
        thresholds_(options.threshold_cache_bytes),
        genes_(static_cast<int64_t>(bundle_->manifest().genes.size())) {
    const bundle::Modules& modules = bundle_->modules();
    const auto make = [&](bool denoiser, const Arrays<float>& arrays) {
      return std::make_shared<CpuNetwork<float>>(denoiser, modules.config, arrays,
                                                 options_.threads);
    };
    {
      const auto source = modules.source.ToArrays<float>();
      const auto target = modules.target.ToArrays<float>();
      source_ = make(true, source);
      // One set of weights is kept once.
      target_ = SameWeights(source, target) ? source_ : make(true, target);
    }
    mask_ = make(false, modules.mask.ToArrays<float>());
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
      StepHalf(source_.get(), inverting_);
      StepHalf(target_.get(), decoding_);
      return absl::OkStatus();
    } catch (const std::exception& error) {
      return absl::InternalError(absl::StrCat("engine: ", error.what()));
    }
  }

  absl::StatusOr<DenseMatrix> MaskProbability(const DenseMatrix& controls,
                                              absl::Span<const int32_t> cell_type,
                                              const Perturbation& perturbation) override {
    try {
      DenseMatrix probability(controls.rows, genes_);
      const Molecule<float> molecule = MoleculeOf(perturbation);
      std::vector<NetworkRow<float>> rows(controls.rows);
      for (int64_t k = 0; k < controls.rows; ++k) {
        rows[k].cell_type = cell_type[k];
        rows[k].control = controls.Row(k).data();
        rows[k].knockout = perturbation.knockout;
        if (!molecule.features.empty()) rows[k].molecule = &molecule;
        rows[k].out = probability.Row(k).data();
      }
      for (int64_t begin = 0; begin < controls.rows; begin += options_.max_batch) {
        const int64_t count = std::min(options_.max_batch, controls.rows - begin);
        mask_->Run(absl::MakeConstSpan(rows).subspan(begin, count));
      }
      for (float& value : probability.values) value = 1.0f / (1.0f + std::exp(-value));
      return probability;
    } catch (const std::exception& error) {
      return absl::InternalError(absl::StrCat("engine: ", error.what()));
    }
  }

 private:
  // No features where there is no molecule: a gene perturbation, or features that are all zero.
  static Molecule<float> MoleculeOf(const Perturbation& perturbation) {
    Molecule<float> molecule;
    const auto& features = perturbation.molecule;
    if (std::all_of(features.begin(), features.end(), [](float f) { return f == 0.0f; })) {
      return molecule;
    }
    molecule.features = features;
    molecule.log10_dose_um = perturbation.log10_dose_um;
    molecule.key =
        perturbation.molecule_key.empty() ? MoleculeKey(perturbation) : perturbation.molecule_key;
    return molecule;
  }

  void StepHalf(CpuNetwork<float>* network, const std::vector<Row*>& rows) {
    for (size_t begin = 0; begin < rows.size(); begin += options_.max_batch) {
      const size_t count = std::min<size_t>(options_.max_batch, rows.size() - begin);
      Evaluate(network, absl::MakeConstSpan(rows).subspan(begin, count));
    }
  }

  void Evaluate(CpuNetwork<float>* network, absl::Span<Row* const> rows) {
    network_rows_.assign(rows.size(), {});
    molecules_.resize(rows.size());
    x0_.resize(std::max(x0_.size(), rows.size() * genes_));
    for (size_t k = 0; k < rows.size(); ++k) {
      Row* row = rows[k];
      NetworkRow<float>& in = network_rows_[k];
      in.x_t = row->x.data();
      in.time = (*row->plan)[row->step].time;
      in.cell_type = row->cell_type;
      in.gene_readout = &row->gene_readout;
      in.out = x0_.data() + k * genes_;
      if (row->perturbation == nullptr) continue;
      in.control = row->control;
      in.knockout = row->perturbation->knockout;
      if (row->perturbation->molecule.empty()) continue;
      // Rows of a perturbation mostly stand together.
      if (k > 0 && rows[k - 1]->perturbation == row->perturbation) {
        in.molecule = network_rows_[k - 1].molecule;
        continue;
      }
      molecules_[k] = MoleculeOf(*row->perturbation);
      if (!molecules_[k].features.empty()) in.molecule = &molecules_[k];
    }
    network->Run(network_rows_);
    for (size_t k = 0; k < rows.size(); ++k) {
      AdvanceRow(absl::MakeConstSpan(network_rows_[k].out, genes_), rows[k]);
    }
  }

  std::shared_ptr<const bundle::Bundle> bundle_;
  EngineOptions options_;
  ContentCache latents_;
  ContentCache thresholds_;
  int64_t genes_;
  std::shared_ptr<CpuNetwork<float>> source_, target_, mask_;
  // Of one call; kept so that a step allocates nothing.
  std::vector<Row*> inverting_, decoding_;
  std::vector<NetworkRow<float>> network_rows_;
  std::vector<Molecule<float>> molecules_;
  std::vector<float> x0_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> MakeCpuEngine(std::shared_ptr<const bundle::Bundle> bundle,
                                                      const EngineOptions& options) {
  return std::unique_ptr<Engine>(new CpuEngine(std::move(bundle), options));
}

}  // namespace unlasting::predict
