#include "trainer/training/recorded_steps.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace unlasting::trainer {
namespace {

using torch::Tensor;

// Each takes time to record and memory; nearly all batches of a run have one form.
constexpr size_t kMostRecordings = 4;

std::vector<const Tensor*> TensorsOf(const BatchRows& rows) {
  const model::Network::Inputs& in = rows.inputs;
  return {&rows.x_0,    &rows.x_t,    &rows.t,  &in.cell_type, &in.control,
          &in.knockout, &in.molecule, &in.dose, &in.hidden,    &in.anonymous};
}

// Which tensors there are, and their shapes.
std::string FormOf(const std::vector<BatchRows>& rows, int64_t total) {
  std::string form = absl::StrCat(total, "/");
  for (const BatchRows& each : rows) {
    for (const Tensor* tensor : TensorsOf(each)) {
      absl::StrAppend(&form, tensor->defined() ? absl::StrJoin(tensor->sizes(), "x") : "-", " ");
    }
    form += "/";
  }
  return form;
}

}  // namespace

StepResult RecordedSteps::Run(const std::vector<BatchRows>& rows, int64_t total,
                              const Compute& compute) {
  const std::string form = FormOf(rows, total);
  const auto found = steps_.find(form);
  if (found == steps_.end() && steps_.size() == kMostRecordings) {
    std::vector<BatchRows> there;
    for (const BatchRows& each : rows) there.push_back(each.On(device_));
    return compute(there, total);
  }
  if (found != steps_.end()) {
    Step& step = *found->second;
    for (size_t k = 0; k < rows.size(); ++k) {
      const auto to = TensorsOf(step.rows[k]), from = TensorsOf(rows[k]);
      for (size_t i = 0; i < to.size(); ++i) {
        if (to[i]->defined()) to[i]->copy_(*from[i], /*non_blocking=*/true);
      }
    }
    step.recording->Replay();
    return step.result;
  }
  auto step = std::make_unique<Step>();
  for (const BatchRows& each : rows) step->rows.push_back(each.Copied(device_));
  step->recording =
      record_([&step = *step, total, compute] { step.result = compute(step.rows, total); });
  step->recording->Replay();
  return (steps_[form] = std::move(step))->result;
}

}  // namespace unlasting::trainer
