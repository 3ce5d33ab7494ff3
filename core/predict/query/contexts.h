// ContextsOf says what a bundle's training saw of a perturbation in each cell type, and what of it
// a user should read. Stateless; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "core/bundle/bundle.h"
#include "core/predict/query/perturbation.h"

namespace unlasting::predict {

// One perturbation in one cell type. What the bundle does not record is absent.
struct TrainedContext {
  int32_t cell_type = 0;  // index into Manifest.cell_types
  bool condition_seen = false;
  std::optional<bool> context_seen;   // any perturbed cell of the type was trained on
  std::optional<bool> seen_together;  // cells of the type under this very perturbation were
};

// The cell types of which training cells say how they respond: those that had this perturbation,
// else those that had any, else all.
std::vector<int32_t> MeasuredIn(const bundle::Bundle& bundle, const Perturbation& perturbation);

// One entry per cell type of `cell_types`, in that order.
std::vector<TrainedContext> ContextsOf(const bundle::Bundle& bundle,
                                       const Perturbation& perturbation,
                                       absl::Span<const int32_t> cell_types);

// A sentence for each cell type that training never saw perturbed; they hold for every
// perturbation.
std::vector<std::string> UnseenContextNotes(const bundle::Bundle& bundle,
                                            absl::Span<const int32_t> cell_types);

// A sentence where training saw the perturbation, but not in some of the cell types that it saw
// perturbed otherwise; "" else.
std::string NotTogetherNote(const bundle::Bundle& bundle,
                            const std::vector<TrainedContext>& contexts);

}  // namespace unlasting::predict
