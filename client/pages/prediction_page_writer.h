// RenderPredictionPage makes the page of `unlasting predict --report` from what the server sent.
// Pure function of its arguments, so that the same answer gives the same bytes; any thread.
#pragma once

#include <string>
#include <vector>

#include "client/files/prediction_file.h"
#include "core/cells/control_matrix.h"
#include "core/report/page.h"
#include "unlasting/v1/model_service.pb.h"

namespace unlasting::client {

struct PageContext {
  v1::Model model;
  const cells::ControlMatrix* controls =
      nullptr;                        // null where the model's own cells were asked for
  std::string controls_from;          // in words, e.g. "thp1.h5ad"
  std::vector<std::string> warnings;  // of reading the files
};

// `collector` holds a complete result.
std::string RenderPredictionPage(const PredictionCollector& collector, const PageContext& context);

// What pages say of a model, of its split and of what its training saw of `perturbations`.
report::Facts ModelFacts(const v1::PredictHeader& header, const v1::Model& model);
// What pages say of how a prediction was made.
report::Facts AskedFacts(const v1::PredictHeader& header, const PageContext& context);
// "STAT1", "aspirin, 0.2 µM, hours 6".
std::string NameOf(const v1::ResolvedPerturbation& perturbation);
// What the training saw: "yes", "no", or "in other cells".
std::string SeenText(const v1::ResolvedPerturbation& perturbation);

}  // namespace unlasting::client
