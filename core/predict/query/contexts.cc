#include "core/predict/query/contexts.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace unlasting::predict {
namespace {

// A cell type that training never saw comes after all that it did; controls.h notes it.
bool IsNew(const bundle::Bundle& bundle, int32_t type) {
  return type >= static_cast<int32_t>(bundle.manifest().cell_types.size());
}

bool SeenTogether(const bundle::TrainedContexts& trained, int32_t type,
                  const Perturbation& perturbation, const std::set<int32_t>& nodes) {
  if (!perturbation.seen_in_training) return false;
  if (perturbation.kind == Perturbation::Kind::kGene) return trained.Seen(type, nodes);
  return trained.Seen(type, perturbation.label) || trained.Seen(type, perturbation.condition);
}

}  // namespace

std::vector<int32_t> MeasuredIn(const bundle::Bundle& bundle, const Perturbation& perturbation) {
  const bundle::TrainedContexts& trained = bundle.trained_contexts();
  const std::set<int32_t> nodes(perturbation.knockout.begin(), perturbation.knockout.end());
  std::vector<int32_t> together, perturbed, all;
  const auto types = static_cast<int32_t>(bundle.manifest().cell_types.size());
  for (int32_t type = 0; type < types; ++type) {
    all.push_back(type);
    if (trained.Seen(type)) perturbed.push_back(type);
    if (SeenTogether(trained, type, perturbation, nodes)) together.push_back(type);
  }
  return !together.empty() ? together : !perturbed.empty() ? perturbed : all;
}

std::vector<TrainedContext> ContextsOf(const bundle::Bundle& bundle,
                                       const Perturbation& perturbation,
                                       absl::Span<const int32_t> cell_types) {
  const bundle::TrainedContexts& trained = bundle.trained_contexts();
  const std::set<int32_t> nodes(perturbation.knockout.begin(), perturbation.knockout.end());
  std::vector<TrainedContext> contexts;
  for (const int32_t type : cell_types) {
    TrainedContext context{type, perturbation.seen_in_training, {}, {}};
    if (IsNew(bundle, type)) {
      context.context_seen = context.seen_together = false;
    } else if (trained.recorded()) {
      context.context_seen = trained.Seen(type);
      context.seen_together = SeenTogether(trained, type, perturbation, nodes);
    }
    contexts.push_back(context);
  }
  return contexts;
}

std::vector<std::string> UnseenContextNotes(const bundle::Bundle& bundle,
                                            absl::Span<const int32_t> cell_types) {
  std::vector<std::string> notes;
  if (!bundle.trained_contexts().recorded()) return notes;
  for (const int32_t type : cell_types) {
    if (IsNew(bundle, type) || bundle.trained_contexts().Seen(type)) continue;
    notes.push_back(absl::StrCat("cell type ", bundle.manifest().cell_types[type],
                                 " was never perturbed in training: how its cells respond is "
                                 "inferred from other cell types"));
  }
  return notes;
}

std::string NotTogetherNote(const bundle::Bundle& bundle,
                            const std::vector<TrainedContext>& contexts) {
  std::vector<std::string> types;
  for (const TrainedContext& context : contexts) {
    if (context.condition_seen && context.context_seen.value_or(false) &&
        !context.seen_together.value_or(true)) {
      types.push_back(bundle.manifest().cell_types[context.cell_type]);
    }
  }
  if (types.empty()) return "";
  return absl::StrCat("training had this perturbation, but not in cells of type ",
                      absl::StrJoin(types, ", "));
}

}  // namespace unlasting::predict
