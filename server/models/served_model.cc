#include "server/models/served_model.h"

#include <utility>

namespace unlasting::server {

ServedModel::ServedModel(std::string name, std::string card,
                         std::shared_ptr<const bundle::Bundle> bundle,
                         std::unique_ptr<StepObserver> observer,
                         std::unique_ptr<Scheduler> scheduler)
    : name_(std::move(name)),
      card_(std::move(card)),
      bundle_(std::move(bundle)),
      genes_(bundle_->manifest().genes, bundle_->manifest().gene_symbols),
      observer_(std::move(observer)),
      executor_(std::move(scheduler)) {}

}  // namespace unlasting::server
