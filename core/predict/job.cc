#include "core/predict/job.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/predict/mask.h"

namespace unlasting::predict {
namespace {

constexpr int kInversion = -1;

// A row with its place in the job.
struct Slot : public Row {
  int cell = 0;
  int perturbation_index = kInversion;
};

struct Target {
  std::deque<int> startable;          // cells whose latent is known, not yet started
  std::vector<std::vector<float>> x;  // [cells][N], filled as rows finish
  int64_t rows_left = 0;
  bool collected = false;
};

}  // namespace

struct Job::State {
  Engine* engine = nullptr;
  std::shared_ptr<const ControlSet> controls;
  std::vector<std::shared_ptr<const Perturbation>> perturbations;
  PredictOptions options;
  diffusion::BridgePlan plan;
  absl::Status status;

  // Cells of the request, then those of the panel that lend their thresholds.
  int64_t visible = 0;
  DenseMatrix control_units;  // [cells, N], log1p / x_max
  std::vector<int32_t> cell_type;
  std::vector<std::vector<float>> latent;  // [cells][N]; empty until inverted
  std::vector<std::string> latent_key;     // of the engine's cache; empty without one
  std::vector<std::string> noise_name;  // [cells]: what a cell's noise goes by; empty without eta
  std::vector<Target> targets;
  // By cell type, then perturbation: thresholds that an earlier job's panel cells gave.
  std::map<int32_t, std::vector<std::vector<float>>> lent;

  std::deque<int> to_invert;
  // Targets before this one have nothing to start; over all targets, rows that have not started.
  int first_startable = 0;
  int64_t startable = 0;
  std::deque<int> complete;   // targets whose rows are all finished, not yet named
  std::deque<Slot*> resting;  // started, not handed out
  std::map<Slot*, std::unique_ptr<Slot>> slots;
  int64_t evaluations_left = 0;
  int64_t evaluations_total = 0;
  int64_t collected = 0;

  int64_t cells() const { return control_units.rows; }

  void AddPanelCells();
  void StartLatents();
  void NameNoise();
  uint64_t NoiseKey(int perturbation, int cell) const;
  bool TakeCachedLatent(int cell);
  Slot* StartDecode(int perturbation);
  Slot* StartInversion();
  void FinishRow(Slot* slot);
  void LatentReady(int cell);
  // Where the panel's thresholds are kept for one type of cell under one perturbation.
  std::string ThresholdKey(int perturbation, int32_t type) const;
  std::string PerturbationKey(int perturbation) const;
  ContentCache* KeptThresholds() const;
  // Takes the thresholds of every perturbation, if all are there.
  bool TakeKeptThresholds(int32_t type);
  absl::Status Mask(int perturbation, DenseMatrix* values, Profiles* profiles);
};

std::string Job::State::PerturbationKey(int perturbation) const {
  const Perturbation& asked = *perturbations[perturbation];
  return absl::StrCat(absl::StrJoin(asked.knockout, "+"), "/",
                      asked.molecule_key.empty() ? MoleculeKey(asked) : asked.molecule_key);
}

std::string Job::State::ThresholdKey(int perturbation, int32_t type) const {
  return absl::StrCat(diffusion::SolverName(options.solver), "/", options.solver_steps, "/", type,
                      "/", PerturbationKey(perturbation));
}

// By content, so that a cell's noise under a perturbation is the same in any request; equal cells
// of one request differ by their count, or a cell could not be drawn twice.
void Job::State::NameNoise() {
  std::map<std::string, int> count;
  for (int cell = 0; cell < cells(); ++cell) {
    // Panel cells are counted by themselves: the request may hold them too.
    if (cell == visible) count.clear();
    const std::string content = ContentCache::LatentKey(options.solver, options.solver_steps,
                                                        cell_type[cell], control_units.Row(cell));
    noise_name.push_back(absl::StrCat(content, "#", count[content]++));
  }
}

uint64_t Job::State::NoiseKey(int perturbation, int cell) const {
  const std::string digest =
      Sha256(absl::StrCat(options.seed, "/", PerturbationKey(perturbation), "/", noise_name[cell]));
  return std::stoull(digest.substr(0, 16), nullptr, 16);
}

ContentCache* Job::State::KeptThresholds() const {
  // Noise makes thresholds of its own, by seed.
  const bool drawn = options.random_latent || options.eta > 0;
  ContentCache* kept = drawn ? nullptr : engine->thresholds();
  return kept != nullptr && kept->enabled() ? kept : nullptr;
}

bool Job::State::TakeKeptThresholds(int32_t type) {
  ContentCache* kept = KeptThresholds();
  if (kept == nullptr) return false;
  std::vector<std::vector<float>> found;
  for (int p = 0; p < static_cast<int>(perturbations.size()); ++p) {
    auto thresholds = kept->Find(ThresholdKey(p, type));
    if (!thresholds.has_value()) return false;
    found.push_back(*std::move(thresholds));
  }
  lent[type] = std::move(found);
  return true;
}

void Job::State::AddPanelCells() {
  const auto& bundle = engine->bundle();
  const auto& reference = bundle.reference();
  std::map<int32_t, int64_t> count;
  for (const int32_t type : controls->cell_type) ++count[type];
  std::vector<int64_t> panel;
  if (options.mask == MaskMode::kRank) {
    for (const auto& [type, cells] : count) {
      if (cells >= kFewestRankedCells || TakeKeptThresholds(type)) continue;
      for (const int64_t row : reference.PanelRows(type)) panel.push_back(row);
    }
  }
  visible = controls->values.rows;
  control_units = DenseMatrix(visible + static_cast<int64_t>(panel.size()), controls->values.cols);
  std::copy(controls->values.values.begin(), controls->values.values.end(),
            control_units.values.begin());
  cell_type = controls->cell_type;
  for (size_t k = 0; k < panel.size(); ++k) {
    const auto row = reference.panel.Row(panel[k]);
    std::copy(row.begin(), row.end(), control_units.Row(visible + static_cast<int64_t>(k)).begin());
    cell_type.push_back(reference.panel_cell_type[panel[k]]);
  }
  const auto scale = static_cast<float>(1.0 / bundle.manifest().normalisation.x_max);
  for (float& value : control_units.values) value *= scale;
}

void Job::State::StartLatents() {
  latent.resize(cells());
  for (int cell = 0; cell < cells(); ++cell) {
    if (!options.random_latent) {
      if (TakeCachedLatent(cell)) continue;
      to_invert.push_back(cell);
      continue;
    }
    std::mt19937_64 random(options.seed * 1000003 + cell);
    std::normal_distribution<float> normal;
    latent[cell].resize(control_units.cols);
    for (float& value : latent[cell]) value = normal(random);
    LatentReady(cell);
  }
}

bool Job::State::TakeCachedLatent(int cell) {
  ContentCache* cache = engine->latents();
  if (cache == nullptr || !cache->enabled()) return false;
  latent_key.resize(cells());
  latent_key[cell] = ContentCache::LatentKey(options.solver, options.solver_steps, cell_type[cell],
                                             control_units.Row(cell));
  auto found = cache->Find(latent_key[cell]);
  if (!found.has_value()) return false;
  latent[cell] = *std::move(found);
  const auto saved = static_cast<int64_t>(plan.invert.size());
  evaluations_total -= saved;
  evaluations_left -= saved;
  LatentReady(cell);
  return true;
}

void Job::State::LatentReady(int cell) {
  for (auto& target : targets) target.startable.push_back(cell);
  startable += static_cast<int64_t>(targets.size());
  first_startable = 0;
}

Slot* Job::State::StartInversion() {
  auto slot = std::make_unique<Slot>();
  slot->cell = to_invert.front();
  to_invert.pop_front();
  slot->plan = &plan.invert;
  slot->cell_type = cell_type[slot->cell];
  const auto row = control_units.Row(slot->cell);
  slot->x.assign(row.begin(), row.end());
  Slot* raw = slot.get();
  slots.emplace(raw, std::move(slot));
  return raw;
}

Slot* Job::State::StartDecode(int perturbation) {
  Target& target = targets[perturbation];
  auto slot = std::make_unique<Slot>();
  slot->cell = target.startable.front();
  target.startable.pop_front();
  --startable;
  slot->perturbation_index = perturbation;
  slot->plan = &plan.decode;
  slot->cell_type = cell_type[slot->cell];
  slot->perturbation = perturbations[perturbation].get();
  slot->control = control_units.Row(slot->cell).data();
  slot->x = latent[slot->cell];
  if (!noise_name.empty()) slot->noise_key = NoiseKey(perturbation, slot->cell);
  Slot* raw = slot.get();
  slots.emplace(raw, std::move(slot));
  return raw;
}

void Job::State::FinishRow(Slot* slot) {
  if (slot->perturbation_index == kInversion) {
    latent[slot->cell] = std::move(slot->x);
    if (!latent_key.empty()) engine->latents()->Insert(latent_key[slot->cell], latent[slot->cell]);
    LatentReady(slot->cell);
  } else {
    Target& target = targets[slot->perturbation_index];
    target.x[slot->cell] = std::move(slot->x);
    if (--target.rows_left == 0) complete.push_back(slot->perturbation_index);
  }
  slots.erase(slot);
}

absl::Status Job::State::Mask(int perturbation, DenseMatrix* values, Profiles* profiles) {
  // Company means cells of the same type: each type is masked by itself.
  std::map<int32_t, std::vector<int64_t>> rows_of_type;
  for (int64_t row = 0; row < cells(); ++row) rows_of_type[cell_type[row]].push_back(row);
  std::vector<float>& active_share = profiles->active_share;
  active_share.assign(values->cols, 0.0f);
  std::vector<double> mask_variance(options.mask == MaskMode::kSample ? values->cols : 0, 0.0);
  for (const auto& [type, rows] : rows_of_type) {
    DenseMatrix probability(0, values->cols);
    UNLASTING_ASSIGN_OR_RETURN(probability,
                               engine->MaskProbability(SelectRows(control_units, rows),
                                                       std::vector<int32_t>(rows.size(), type),
                                                       *perturbations[perturbation]));
    DenseMatrix group = SelectRows(*values, rows);
    const auto shown =
        std::count_if(rows.begin(), rows.end(), [&](int64_t row) { return row < visible; });
    for (int64_t k = 0; k < shown; ++k) {
      for (int64_t g = 0; g < values->cols; ++g) {
        active_share[g] += probability.At(k, g) / static_cast<float>(visible);
      }
    }
    if (options.mask == MaskMode::kRank) {
      const auto kept = lent.find(type);
      if (kept != lent.end()) {
        KeepAbove(kept->second[perturbation], &group);
      } else if (shown == static_cast<int64_t>(rows.size())) {
        KeepTopShare(MeanProbability(probability), &group);
      } else {
        // Rows ascend, so the panel's stand behind the request's.
        std::vector<int64_t> panel;
        for (int64_t k = shown; k < static_cast<int64_t>(rows.size()); ++k) panel.push_back(k);
        const std::vector<float> thresholds = TopShareThresholds(
            SelectRows(group, panel), MeanProbability(SelectRows(probability, panel)));
        if (ContentCache* cache = KeptThresholds()) {
          cache->Insert(ThresholdKey(perturbation, type), thresholds);
        }
        KeepAbove(thresholds, &group);
      }
    } else if (options.mask != MaskMode::kNone) {
      if (!mask_variance.empty()) {
        // Each value stays with probability p, whatever becomes of the others.
        const auto active = PredictedActive(probability, options.mask_threshold);
        for (int64_t k = 0; k < shown; ++k) {
          for (int64_t g = 0; g < values->cols; ++g) {
            const double kept = std::max(0.0f, group.At(k, g));
            mask_variance[g] += kept * kept * active[g] * (1 - active[g]);
          }
        }
      }
      ApplyMask(options.mask, options.mask_threshold, options.seed,
                static_cast<uint64_t>(perturbation) * 1000003 + static_cast<uint64_t>(type),
                probability, &group);
    }
    for (size_t k = 0; k < rows.size(); ++k) {
      const auto row = group.Row(static_cast<int64_t>(k));
      std::copy(row.begin(), row.end(), values->Row(rows[k]).begin());
    }
  }
  const double x_max = engine->bundle().manifest().normalisation.x_max;
  for (const double variance : mask_variance) {
    profiles->mask_deviation.push_back(
        static_cast<float>(x_max * std::sqrt(variance) / static_cast<double>(visible)));
  }
  return absl::OkStatus();
}

Job::Job(Engine* engine, std::shared_ptr<const ControlSet> controls,
         std::vector<std::shared_ptr<const Perturbation>> perturbations, PredictOptions options)
    : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.engine = engine;
  s.controls = std::move(controls);
  s.perturbations = std::move(perturbations);
  s.options = options;
  const auto& manifest = engine->bundle().manifest();
  auto plan = diffusion::MakeBridgePlan(
      diffusion::Schedule(manifest.schedule_steps, manifest.beta_first, manifest.beta_last),
      options.solver, options.solver_steps, options.eta);
  s.AddPanelCells();
  if (options.eta > 0) s.NameNoise();
  s.targets.resize(s.perturbations.size());
  for (auto& target : s.targets) {
    target.x.resize(s.cells());
    target.rows_left = s.cells();
  }
  if (!plan.ok()) {
    // Reported by the first Finish; nothing runs.
    s.status = plan.status();
    for (size_t p = 0; p < s.targets.size(); ++p) {
      s.targets[p].rows_left = 0;
      s.complete.push_back(static_cast<int>(p));
    }
    return;
  }
  s.plan = *std::move(plan);
  const auto decode = static_cast<int64_t>(s.plan.decode.size() * s.perturbations.size());
  const auto invert =
      options.random_latent ? int64_t{0} : static_cast<int64_t>(s.plan.invert.size());
  s.evaluations_total = s.evaluations_left = s.cells() * (invert + decode);
  s.StartLatents();
}

Job::~Job() = default;

int64_t Job::evaluations_left() const { return state_->evaluations_left; }
int64_t Job::evaluations_total() const { return state_->evaluations_total; }

int64_t Job::runnable() const {
  return static_cast<int64_t>(state_->resting.size() + state_->to_invert.size()) +
         state_->startable;
}

bool Job::done() const { return state_->collected == static_cast<int64_t>(state_->targets.size()); }

void Job::TakeRunnable(int64_t limit, std::vector<Row*>* rows) {
  State& s = *state_;
  while (limit > 0 && !s.resting.empty()) {
    rows->push_back(s.resting.front());
    s.resting.pop_front();
    --limit;
  }
  while (limit > 0 && !s.to_invert.empty()) {
    rows->push_back(s.StartInversion());
    --limit;
  }
  const auto targets = static_cast<int>(s.targets.size());
  for (; s.first_startable < targets && limit > 0; ++s.first_startable) {
    while (limit > 0 && !s.targets[s.first_startable].startable.empty()) {
      rows->push_back(s.StartDecode(s.first_startable));
      --limit;
    }
    if (!s.targets[s.first_startable].startable.empty()) break;
  }
}

void Job::Return(absl::Span<Row* const> rows) {
  State& s = *state_;
  for (Row* row : rows) {
    Slot* slot = static_cast<Slot*>(row);
    --s.evaluations_left;
    if (slot->finished()) {
      s.FinishRow(slot);
    } else {
      s.resting.push_back(slot);
    }
  }
}

std::optional<int> Job::NextComplete() {
  if (state_->complete.empty()) return std::nullopt;
  const int perturbation = state_->complete.front();
  state_->complete.pop_front();
  return perturbation;
}

absl::StatusOr<Profiles> Job::Finish(int perturbation) {
  State& s = *state_;
  UNLASTING_RETURN_IF_ERROR(s.status);
  Target& target = s.targets[perturbation];
  DenseMatrix values(s.cells(), s.control_units.cols);
  for (int64_t cell = 0; cell < s.cells(); ++cell) {
    std::copy(target.x[cell].begin(), target.x[cell].end(), values.Row(cell).begin());
  }
  target.x.clear();
  if (!target.collected) {
    target.collected = true;
    ++s.collected;
  }
  Profiles profiles;
  profiles.perturbation = perturbation;
  UNLASTING_RETURN_IF_ERROR(s.Mask(perturbation, &values, &profiles));
  const auto x_max = static_cast<float>(s.engine->bundle().manifest().normalisation.x_max);
  values.rows = s.visible;
  values.values.resize(values.rows * values.cols);
  for (float& value : values.values) value = std::max(0.0f, value * x_max);
  profiles.values = std::move(values);
  return profiles;
}

absl::StatusOr<std::vector<Profiles>> PredictAll(
    Engine* engine, std::shared_ptr<const ControlSet> controls,
    std::vector<std::shared_ptr<const Perturbation>> perturbations, const PredictOptions& options) {
  Job job(engine, std::move(controls), std::move(perturbations), options);
  std::vector<Profiles> all;
  std::vector<Row*> rows;
  while (!job.done()) {
    rows.clear();
    job.TakeRunnable(engine->options().max_batch, &rows);
    UNLASTING_RETURN_IF_ERROR(engine->Step(rows));
    job.Return(rows);
    while (const auto index = job.NextComplete()) {
      UNLASTING_ASSIGN_OR_RETURN(auto profiles, job.Finish(*index));
      all.push_back(std::move(profiles));
    }
  }
  std::sort(all.begin(), all.end(),
            [](const Profiles& a, const Profiles& b) { return a.perturbation < b.perturbation; });
  return all;
}

}  // namespace unlasting::predict
