// What a job holds; what job.cc, job_paths.cc and job_mask.cc share and nobody else sees.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/predict/job/job.h"
#include "core/predict/job/trajectory.h"

namespace unlasting::predict {

struct Job::State {
  struct Target {
    std::deque<int> ready_cells;        // cells whose latent is known, not yet started
    std::vector<std::vector<float>> x;  // [cells][N], filled as rows finish
    int64_t rows_left = 0;
    // Of the panel, finished; others find them here until the thresholds are made of them.
    std::vector<std::shared_ptr<Trajectory>> panel;
    bool collected = false;
  };

  ~State();

  Engine* engine = nullptr;
  InFlightTrajectories* in_flight = nullptr;
  std::shared_ptr<const ControlSet> controls;
  std::vector<std::shared_ptr<const Perturbation>> perturbations;
  PredictOptions options;
  std::shared_ptr<const diffusion::BridgePlan> plan;
  absl::Status status;

  // Cells of the request, then those of the panel that lend their thresholds.
  int64_t request_cells = 0;
  std::shared_ptr<const DenseMatrix> control_units;  // [cells, N], log1p / x_max
  std::vector<int32_t> cell_type;
  std::vector<std::vector<float>> latent;  // [cells][N]; empty until inverted
  std::vector<std::string> latent_key;     // of the engine's cache; empty without one
  std::vector<std::string> noise_name;  // [cells]: what a cell's noise goes by; empty without eta
  std::vector<Target> targets;
  // By cell type of which there are few, then by perturbation: thresholds that the panel lends;
  // empty where its cells have to be asked.
  std::map<int32_t, std::vector<std::vector<float>>> panel_thresholds;
  // Those that another job made while this one was under way, by perturbation and cell type.
  std::map<std::pair<int, int32_t>, std::vector<float>> late_thresholds;

  std::deque<int> to_invert;
  // Targets before this one have nothing to start; over all targets, rows that have not started.
  int first_ready_target = 0;
  int64_t ready_cells = 0;
  std::deque<int> complete;  // targets whose rows are all finished, not yet named
  // Begun and unfinished; those of them that are not handed out by this job stand in
  // `idle_trajectories`, as may some that have finished since.
  std::unordered_map<Trajectory*, std::shared_ptr<Trajectory>> trajectories;
  std::deque<std::shared_ptr<Trajectory>> idle_trajectories;
  int64_t taken = 0;
  int64_t evaluations_left = 0;
  int64_t evaluations_total = 0;
  int64_t collected = 0;

  int64_t cells() const { return control_units->rows; }

  // job.cc
  void AddPanelCells();
  void MakeTargets();
  // Reported by the first Finish; nothing runs.
  void Fail(const absl::Status& why);

  // job_paths.cc
  void StartLatents();
  bool TakeCachedLatent(int cell, ContentCache::Look look);
  void LatentReady(int cell);
  // Null where the latent turned up meanwhile.
  std::shared_ptr<Trajectory> StartInversion();
  // Null where the panel's cell is no longer needed, or was decoded by another job.
  std::shared_ptr<Trajectory> StartDecode(int perturbation);
  // The trajectory of this key, which another job may have begun, else a new one at its start.
  std::shared_ptr<Trajectory> JoinOrBegin(const std::string& key, const Trajectory::Waiter& waiter);
  void Take(const std::shared_ptr<Trajectory>& trajectory, std::vector<Row*>* rows);
  void Return(Trajectory* trajectory);
  void OnTrajectoryFinished(const Trajectory::Waiter& waiter,
                            const std::shared_ptr<Trajectory>& trajectory);
  // One of a target's rows is there, or not needed.
  void MarkRowDone(int perturbation);

  // job_noise.cc
  void NameNoise();
  uint64_t NoiseKey(int perturbation, int cell) const;
  std::string PerturbationKey(int perturbation) const;

  // job_mask.cc
  // Whether a cell of the request, or of the panel whose thresholds this perturbation needs.
  bool Decodes(int cell, int perturbation) const;
  // Where the panel's thresholds are kept for one type of cell under one perturbation.
  std::string ThresholdKey(int perturbation, int32_t type) const;
  ContentCache* KeptThresholds() const;
  // Takes those that are kept.
  void TakeKeptThresholds(int32_t type);
  // Whether another job has made those of this type meanwhile; if so the panel's cells that are not
  // yet decoded need not be.
  bool TakeLateThresholds(int perturbation, int32_t type);
  absl::StatusOr<std::vector<float>> PanelThresholds(int perturbation, int32_t type);
  // `values` [request_cells, N] in model units; fills the shares and the deviation of `profiles`.
  absl::Status Mask(int perturbation, DenseMatrix* values, Profiles* profiles);
};

}  // namespace unlasting::predict
