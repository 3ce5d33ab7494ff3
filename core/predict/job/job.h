// The work of one request, cut into rows: every control cell is inverted once (or its latent found
// in the engine's cache), then decoded under each perturbation. Knows nothing of threads and
// queues; a scheduler asks it for rows, has an engine step them, and collects the perturbations
// that are complete. Rows that two jobs of an engine need are made once, by whichever is asked
// first: a row handed out by one may so complete the other.
//
//   Job job(engine, &in_flight, controls, perturbations, options);
//   std::vector<Row*> rows;
//   while (!job.done()) {
//     rows.clear();
//     job.TakeRunnable(64, &rows);               // rows that may run now
//     status = engine->Step(rows);
//     job.Return(rows);                          // finished rows move on
//     while (auto index = job.NextComplete()) {  // masked, rescaled, clipped
//       status_or_profiles = job.Finish(*index);
//     }
//   }
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "core/predict/engine/engine.h"
#include "core/predict/job/in_flight_trajectories.h"
#include "core/predict/query/query.h"

namespace unlasting::predict {

// One perturbation's answer. Row k belongs to control cell k of the request.
struct Profiles {
  int perturbation = 0;             // index in the request
  DenseMatrix values;               // [control cells, N], log1p: max(0, mask * x') * x_max (eq 15)
  std::vector<float> active_share;  // [N]: mean predicted probability that the gene is active
  // [N]: deviation of the mean over the control cells between seeds of the mask, log1p; empty where
  // the mask draws nothing.
  std::vector<float> mask_deviation;
};

class Job {
 public:
  // `controls` and `perturbations` must not be empty. The engine and `in_flight` outlive the job.
  // Jobs that are given the same `in_flight`, all of one engine, share what they compute; they are
  // used on one thread.
  Job(Engine* engine, InFlightTrajectories* in_flight, std::shared_ptr<const ControlSet> controls,
      std::vector<std::shared_ptr<const Perturbation>> perturbations, PredictOptions options);
  ~Job();

  // Evaluations still to be made, for progress and admission: sum over rows of steps left.
  int64_t evaluations_left() const;
  int64_t evaluations_total() const;
  // Rows that TakeRunnable could hand out, where no other job hands them out to the same step.
  int64_t runnable() const;
  // True when every perturbation has been collected by Finish.
  bool done() const;

  // Hands out at most `limit` rows, earliest perturbation first. A row handed out is not handed out
  // again before Return.
  void TakeRunnable(int64_t limit, std::vector<Row*>* rows);
  // Takes back rows that were stepped. A job that ends with rows handed out fails those that wait
  // for the same.
  void Return(absl::Span<Row* const> rows);

  // Whether NextComplete has something to say.
  bool HasComplete() const;
  // A perturbation all of whose rows are finished and that has not been named before.
  std::optional<int> NextComplete();
  // Mask (one evaluation of the mask model per control cell), clip, rescale. Frees its rows.
  absl::StatusOr<Profiles> Finish(int perturbation);

 private:
  friend struct Trajectory;
  struct State;
  std::unique_ptr<State> state_;
};

// Runs a job to its end on the calling thread; answers in the order of the perturbations.
absl::StatusOr<std::vector<Profiles>> PredictAll(
    Engine* engine, std::shared_ptr<const ControlSet> controls,
    std::vector<std::shared_ptr<const Perturbation>> perturbations, const PredictOptions& options);

}  // namespace unlasting::predict
