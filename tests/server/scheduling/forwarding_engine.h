// ForwardingEngine hands every call to an engine that it owns. Tests derive from it and change the
// calls that they are about.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "core/predict/engine/engine.h"

namespace unlasting::server {

class ForwardingEngine : public predict::Engine {
 public:
  explicit ForwardingEngine(std::unique_ptr<predict::Engine> inner) : inner_(std::move(inner)) {}

  const bundle::Bundle& bundle() const override { return inner_->bundle(); }
  const predict::EngineOptions& options() const override { return inner_->options(); }
  absl::Status Step(absl::Span<predict::Row* const> rows) override { return inner_->Step(rows); }
  absl::StatusOr<DenseMatrix> MaskProbability(const DenseMatrix& controls,
                                              absl::Span<const int32_t> cell_type,
                                              const model::NewContext* context,
                                              const predict::Perturbation& perturbation) override {
    return inner_->MaskProbability(controls, cell_type, context, perturbation);
  }
  absl::StatusOr<std::vector<float>> ExpectedMeanChange(
      int32_t cell_type, const model::NewContext* context,
      const predict::Perturbation& perturbation) override {
    return inner_->ExpectedMeanChange(cell_type, context, perturbation);
  }
  bool FromControl(int32_t cell_type, const predict::Perturbation& perturbation) override {
    return inner_->FromControl(cell_type, perturbation);
  }

 private:
  const std::unique_ptr<predict::Engine> inner_;
};

}  // namespace unlasting::server
