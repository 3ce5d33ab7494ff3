// A ServedModel is one bundle in service: the bundle, the engine that evaluates it, and the thread
// that runs the engine.
#pragma once

#include <memory>
#include <string>

#include "core/bundle/bundle.h"
#include "core/cells/gene_index.h"
#include "server/scheduling/executor.h"

namespace unlasting::server {

// Stays alive while a call holds it. Must not be released on its own executor's thread, which the
// destructor joins. Any thread.
class ServedModel {
 public:
  // `observer` watches `scheduler` and may be null.
  ServedModel(std::string name, std::string card, std::shared_ptr<const bundle::Bundle> bundle,
              std::unique_ptr<StepObserver> observer, std::unique_ptr<Scheduler> scheduler);

  const std::string& name() const { return name_; }
  const std::string& version() const { return bundle_->manifest().version; }
  const std::string& card() const { return card_; }  // Markdown
  const std::shared_ptr<const bundle::Bundle>& bundle() const { return bundle_; }
  const cells::GeneIndex& genes() const { return genes_; }
  Scheduler& scheduler() { return executor_.scheduler(); }

 private:
  const std::string name_;
  const std::string card_;
  const std::shared_ptr<const bundle::Bundle> bundle_;
  const cells::GeneIndex genes_;
  const std::unique_ptr<StepObserver> observer_;  // outlives the scheduler, which calls it
  Executor executor_;
};

}  // namespace unlasting::server
