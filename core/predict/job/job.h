// Job does one PredictionTask for whoever steps an engine: it cuts the task into rows, inverts each
// control cell once (or finds its latent in the engine's cache) and decodes it under each
// perturbation.
//
// A job knows nothing of threads and queues: its owner asks it for rows, has an engine step them,
// and collects the perturbations that are complete. Jobs that share an InFlightTrajectories make a
// row that two of them need once, in whichever is asked first, so that a row handed out by one job
// may complete another. One thread at a time. Errors of a step spoil the rows in it; errors of a
// job's own options are reported by its first Finish.
//
//   Job job(engine, &in_flight, task);
//   std::vector<Row*> rows;
//   while (!job.done()) {
//     rows.clear();
//     job.TakeRunnable(64, &rows);               // rows that may run now
//     status = engine->StepAndCollect(rows);
//     job.Return(rows);                          // finished rows move on
//     while (auto index = job.NextComplete()) {
//       status_or_profiles = job.Finish(*index);  // masked, rescaled, clipped
//     }
//   }
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "core/predict/engine/engine.h"
#include "core/predict/job/in_flight_trajectories.h"
#include "core/predict/job/prediction_task.h"
#include "core/predict/job/profiles.h"

namespace unlasting::predict {

struct JobState;  // core/predict/job/job_state.h

class Job {
 public:
  // The engine and `in_flight` outlive the job. Jobs that are given the same `in_flight`, all of
  // one engine, share what they compute; they are used on one thread.
  Job(Engine* engine, InFlightTrajectories* in_flight, const PredictionTask& task);
  ~Job();

  // Evaluations that are still to be made, for progress and admission: the steps left, summed over
  // rows.
  int64_t evaluations_left() const;
  int64_t evaluations_total() const;
  // Rows that TakeRunnable could hand out, where no other job hands them out to the same step.
  int64_t runnable() const;
  // True when every perturbation has been collected by Finish.
  bool done() const;

  // Hands out at most `limit` rows, those of the earliest perturbation first. A row that is handed
  // out is not handed out again before Return.
  void TakeRunnable(int64_t limit, std::vector<Row*>* rows);
  // Takes back rows that were stepped, the finished ones once the engine has collected them. A job
  // that is destroyed while rows are handed out fails the other jobs that wait for these rows.
  void Return(absl::Span<Row* const> rows);

  // Whether NextComplete has a perturbation to name.
  bool HasComplete() const;
  // A perturbation all of whose rows are finished and that has not been named before.
  std::optional<int> NextComplete();
  // Mask (one evaluation of the mask model per control cell), clip, rescale. Frees its rows.
  absl::StatusOr<Profiles> Finish(int perturbation);

 private:
  std::unique_ptr<JobState> state_;
};

// Removes from `rows` those that are finished, and returns them: of an engine that overlaps, they
// are to be collected once the next step is under way.
std::vector<Row*> TakeFinished(std::vector<Row*>* rows);

// Runs a job to completion on the calling thread; the results are in the order of the
// perturbations. CANCELLED once `interrupted` (null: never), which is looked at before every step,
// is true.
absl::StatusOr<std::vector<Profiles>> PredictAll(Engine* engine, const PredictionTask& task,
                                                 const std::atomic<bool>* interrupted = nullptr);

}  // namespace unlasting::predict
