// JobState holds everything a Job knows, and does its parts of the work, for job.cc, which owns it;
// nobody outside this room includes it. Used on the thread that steps the engine.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/predict/engine/engine.h"
#include "core/predict/job/in_flight_trajectories.h"
#include "core/predict/job/prediction_task.h"
#include "core/predict/job/profiles.h"
#include "core/predict/job/trajectory.h"

namespace unlasting::predict {

struct JobState : public TrajectoryWaiter {
  struct Target {
    int next_ready = 0;                 // into cells_with_latent: decoding them has not begun
    std::vector<std::vector<float>> x;  // [cells][N], filled as rows finish; empty before the first
    int64_t rows_left = 0;
    // Finished trajectories of the panel's cells, which keep other jobs from computing them again
    // until this target's thresholds are made of them.
    std::vector<std::shared_ptr<Trajectory>> panel;
    bool collected = false;
  };

  ~JobState() override;

  Engine* engine = nullptr;
  InFlightTrajectories* in_flight = nullptr;
  std::shared_ptr<const ControlSet> controls;  // null once control_units are made
  std::vector<std::shared_ptr<const Perturbation>> perturbations;
  PredictOptions options;
  std::shared_ptr<const diffusion::BridgePlan> plan;
  absl::Status status;

  // Cells of the task come first, then the panel's cells that thresholds are computed from.
  int64_t request_cells = 0;
  std::shared_ptr<const DenseMatrix> control_units;  // [cells, N], log1p / x_max
  std::vector<int32_t> cell_type;  // as in ControlSet: the context's cells come after all types
  std::shared_ptr<const model::NewContext> new_context;  // null where there is none
  std::vector<std::vector<float>> latent;                // [cells][N]; empty until inverted
  std::vector<std::string> latent_key;  // keys of the engine's cache; empty without a cache
  std::vector<std::string> noise_name;  // [cells]: names a cell's noise; empty without eta
  // [request_cells]: names a cell's counts, and their number; empty where none are drawn.
  std::vector<std::string> count_name;
  std::vector<double> count_depth;
  std::vector<Target> targets;
  // Thresholds that were found in the engine's cache, by cell type with fewer cells than
  // kMinRankedCells, then by perturbation; empty where the panel's cells have to be decoded.
  std::map<int32_t, std::vector<std::vector<float>>> panel_thresholds;
  // Thresholds that another job cached after this one began, by perturbation and cell type.
  std::map<std::pair<int, int32_t>, std::vector<float>> late_thresholds;

  std::deque<int> to_invert;
  int first_ready_target = 0;  // targets before this one have no ready cells
  // In the order in which their latents were found. Targets do not have lists of their own: a task
  // may have thousands of them, of which a few are under way at a time.
  std::vector<int> cells_with_latent;
  int64_t ready_cells = 0;   // over all targets
  std::deque<int> complete;  // targets whose rows are all finished and that were not named yet
  // Trajectories that have begun and are not finished. Those that this job has not handed out are
  // in `idle_trajectories` too, as may be some that another job has finished since.
  std::unordered_map<Trajectory*, std::shared_ptr<Trajectory>> trajectories;
  std::deque<std::shared_ptr<Trajectory>> idle_trajectories;
  int64_t taken = 0;  // rows handed out by this job
  int64_t evaluations_left = 0;
  int64_t evaluations_total = 0;
  int64_t collected = 0;

  int64_t cells() const { return control_units->rows; }
  // The context that cells of this type are of; null for the training's types.
  const model::NewContext* ContextOf(int32_t type) const {
    return type < engine->bundle().config().cell_types ? nullptr : new_context.get();
  }
  // The training's type that an engine is told of.
  int32_t TrainedType(int32_t type) const {
    const model::NewContext* const context = ContextOf(type);
    return context == nullptr ? type : context->nearest;
  }
  std::string LatentKey(int64_t cell) const;
  // Of cells of one type.
  absl::StatusOr<DenseMatrix> MaskProbability(int perturbation, int32_t type,
                                              absl::Span<const int64_t> cells);

  // job_state.cc
  // Rows of the bundle's panel that must be decoded, because the rank mask has too few cells of
  // their type and the engine's cache lacks their thresholds; fills panel_thresholds.
  std::vector<int64_t> PanelRowsToDecode();
  // Writes the task's cells and the panel's into control_units, each value once.
  void MakeControlUnits();
  void MakeTargets();
  // Stops all work; the next Finish reports `why`.
  void Fail(const absl::Status& why);

  // job_trajectories.cc
  void StartLatents();
  bool TakeCachedLatent(int cell, ContentCache::Look look);
  void LatentReady(int cell);
  // A cell whose latent is known and whose decoding for this perturbation has not begun; -1 where
  // there is none.
  int ReadyCell(int perturbation);
  // Null where another job has cached the latent since this one began.
  std::shared_ptr<Trajectory> StartInversion();
  // Null where the panel's cell is no longer needed, or another job has decoded it.
  std::shared_ptr<Trajectory> StartDecode(int perturbation);
  // Joins the trajectory of this key where another job has begun it, else begins a new one.
  std::shared_ptr<Trajectory> JoinOrBegin(const std::string& key, const Trajectory::Waiter& waiter);
  void Take(const std::shared_ptr<Trajectory>& trajectory, std::vector<Row*>* rows);
  void Return(Trajectory* trajectory);
  void OnStep() override { --evaluations_left; }
  void OnTrajectoryFinished(int cell, int perturbation_index,
                            const std::shared_ptr<Trajectory>& trajectory) override;
  void OnTrajectoryLost(Trajectory* trajectory, const absl::Status& why) override;
  // Counts a row of a target that is finished or no longer needed.
  void MarkRowDone(int perturbation);

  // job_noise.cc
  void NameNoise();
  // Fills count_name and count_depth; `library_size` is of the request's cells.
  void NameCounts(const std::vector<double>& library_size);
  // The name of each of the first `count` cells.
  std::vector<std::string> CellNames(int64_t count) const;
  uint64_t NoiseKey(int perturbation, int cell) const;
  // What the counts of each of the request's cells are drawn by.
  std::vector<CountDraw> CountDraws(int perturbation) const;
  std::string PerturbationKey(int perturbation) const;

  // job_mask.cc
  // Whether a cell is decoded under a perturbation: all of the task's cells are, and the panel's
  // where the thresholds of their type are unknown.
  bool Decodes(int cell, int perturbation) const;
  // The cache key of the panel's thresholds for one cell type under one perturbation.
  std::string ThresholdKey(int perturbation, int32_t type) const;
  // The engine's cache of thresholds; null where there is none, or where noise makes thresholds
  // differ by seed.
  ContentCache* KeptThresholds() const;
  // Fills panel_thresholds of a cell type from the cache.
  void TakeKeptThresholds(int32_t type);
  // Whether another job has cached the thresholds of this type since this one began; if so, the
  // panel's cells that are not yet decoded need not be.
  bool TakeLateThresholds(int perturbation, int32_t type);
  // Whether profiles have the expected means after the rank mask.
  bool MeetsMeans(int perturbation, int32_t type);
  // Whether the means of profiles are brought to wanted ones: to the expected means, or to those
  // that the mask leaves of control cells moved by the expected response. The latter where the
  // network has not learnt where means go: in a cell type of which training had no perturbed cell,
  // and for genes perturbed together where training had none so. That such cells need not meet the
  // expected means was found without a network (trainer/response/left_out.h).
  bool FinishesMeans(int perturbation, int32_t type);
  // The means that the profiles of these control cells of one type are brought to, where genes are
  // active in `share` [N] of them; [N], in model units.
  absl::StatusOr<std::vector<float>> ExpectedMean(int perturbation, int32_t type,
                                                  absl::Span<const int64_t> cells,
                                                  absl::Span<const double> share);
  // The rank mask of the cells of one type, `rows` of the request, and their finish.
  absl::Status KeepByRank(int perturbation, int32_t type, const std::vector<int64_t>& rows,
                          const DenseMatrix& probability, DenseMatrix* group);
  // [N], in model units; where means are to be met, the factors of the means follow, [2 N] in all.
  absl::StatusOr<std::vector<float>> PanelThresholds(int perturbation, int32_t type);
  // `values` [request_cells, N] in model units; fills active_share and mask_deviation of
  // `profiles`.
  absl::Status Mask(int perturbation, DenseMatrix* values, Profiles* profiles);
};

}  // namespace unlasting::predict
