// unlasting-train fit: trains a bundle from cells, alone or as one of several ranks.
// Long because the steps of a run share its state, and their order is the run.
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "absl/strings/str_format.h"
#include "core/base/status.h"
#include "core/bundle/torch/write.h"
#include "core/cells/preprocess.h"
#include "core/cli/interrupt.h"
#include "core/cli/progress.h"
#include "core/predict/engine/engine.h"
#include "core/predict/engine/engine_factory.h"
#include "core/predict/query/query.h"
#include "trainer/commands/command.h"
#include "trainer/commands/data_flags.h"
#include "trainer/data/data_options.h"
#include "trainer/data/training_data.h"
#include "trainer/data/training_grn.h"
#include "trainer/ranks/local_ranks.h"
#include "trainer/response/count_model.h"
#include "trainer/response/error_fit.h"
#include "trainer/scoring/predict_groups.h"
#include "trainer/settings/settings.h"
#include "trainer/training/device.h"
#include "trainer/training/manifest_builder.h"
#include "trainer/training/model_card.h"
#include "trainer/training/network_statistics.h"
#include "trainer/training/run_directory.h"
#include "trainer/training/training.h"
#include "trainer/training/validation.h"

namespace unlasting::trainer {
namespace {

namespace fs = std::filesystem;
using model::Network;
using model::NetworkKind;

struct FitFlags {
  DataFlags data;
  std::string out;
  bool resume = false;
  bool force = false;
  int ranks = 1;
  std::string device = "auto";
  bool cuda_graph = false;
};

// Scores of the held-out groups for the model card, predicted with the bundle just written.
absl::StatusOr<evaluate::Scorecard> ScoreBundle(const std::string& directory,
                                                const std::string& data_path, int threads,
                                                const std::string& device) {
  UNLASTING_ASSIGN_OR_RETURN(auto bundle, bundle::Bundle::Load(directory));
  constexpr int64_t kMaxCells = 300;  // of a group
  UNLASTING_ASSIGN_OR_RETURN(const auto held_out,
                             LoadHeldOut(bundle->manifest(), data_path, "test", kMaxCells));
  predict::EngineOptions engine_options;
  engine_options.threads = threads;
  engine_options.device = device;
  UNLASTING_ASSIGN_OR_RETURN(auto engine, predict::CreateEngine(bundle, engine_options));
  PredictGroupsOptions options;
  options.predict = predict::DefaultOptions(*bundle);
  options.interrupted = &cli::InterruptFlag();
  evaluate::Scorer scorer({threads, 0});
  UNLASTING_RETURN_IF_ERROR(
      PredictGroups(engine.get(), held_out, options,
                    [&scorer](const evaluate::Group& group) { return scorer.Add(group); }));
  return scorer.Finish();
}

class Fit {
 public:
  explicit Fit(const FitFlags& flags) : flags_(flags), run_directory_(flags.out) {}

  absl::Status Run() {
    const auto start = std::chrono::steady_clock::now();
    UNLASTING_ASSIGN_OR_RETURN(config_, ResolveDataConfig(flags_.data));
    UNLASTING_ASSIGN_OR_RETURN(style_, cli::ParseProgressStyle(flags_.data.progress));
    UNLASTING_RETURN_IF_ERROR(FindRank());
    UNLASTING_RETURN_IF_ERROR(ChooseDevice());
    if (!leads()) style_ = cli::ProgressStyle::kNone;
    if (leads() && fs::exists(flags_.out) && !flags_.force) {
      return absl::AlreadyExistsError(
          absl::StrCat("--out: ", flags_.out, " exists; replace it with --force"));
    }
    UNLASTING_ASSIGN_OR_RETURN(const auto prepared,
                               PrepareCells(flags_.data.data, config_, style_));
    UNLASTING_ASSIGN_OR_RETURN(const auto data,
                               TrainingData::Create(prepared, TrainingDataOptionsOf(config_)));
    UNLASTING_ASSIGN_OR_RETURN(
        const auto graph,
        BuildTrainingGrn(prepared, config_.grn(), static_cast<int>(config_.threads())));
    Note(absl::StrFormat("gene network: %d nodes (%d without expression), %d edges", graph.nodes(),
                         data.nodes() - data.genes(), graph.edges() - graph.nodes()));
    if (leads()) UNLASTING_RETURN_IF_ERROR(run_directory_.Prepare(flags_.resume, config_));
    UNLASTING_RETURN_IF_ERROR(JoinRanks());

    if (!device_.is_cpu()) {
      Note(absl::StrCat("training on ", device_.str(), " in ", config_.precision()));
    }

    const diffusion::Schedule schedule;
    const auto [statistics, response] = MakeNetworkStatistics(data, graph, config_);
    const model::ModelConfig model_config = ModelConfigOf(config_, data, schedule, response);
    const double damping = DampingOf(statistics);
    if (data.any_gene() && FollowsGrn(config_)) NoteDamping(damping);
    UNLASTING_ASSIGN_OR_RETURN(
        auto denoiser, Network::Create(NetworkKind::kDenoiser, model_config, schedule, statistics,
                                       config_.seed(), AttentionOn(device_)));
    UNLASTING_ASSIGN_OR_RETURN(
        auto mask, Network::Create(NetworkKind::kMask, model_config, schedule, statistics,
                                   config_.seed() + 1, AttentionOn(device_)));
    UNLASTING_RETURN_IF_ERROR(TrainBoth(data, schedule, &denoiser, &mask));
    if (!leads()) return absl::OkStatus();

    bundle::BundleParts parts;
    parts.manifest = MakeManifest(config_, flags_.out, data, graph, schedule, model_config);
    parts.manifest.grn["damping"] = damping;
    parts.manifest.response = response.record;
    parts.manifest.meet_means = response.finish.meet_means;
    if (HasExpectedResponse(config_)) {
      parts.manifest.prediction_error = PredictionErrors(data, response, graph);
    }
    parts.manifest.counts = FitCountModel(data, config_.seed());
    parts.manifest.training = training_;
    parts.manifest.training["seconds"] =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    parts.reference = MakeReference(config_, data, graph);
    parts.training = run_directory_.LogText();
    return WriteWithCard(std::move(parts), denoiser, mask);
  }

 private:
  bool leads() const { return rank_info_.rank == 0; }

  void Note(const std::string& text) const {
    if (style_ != cli::ProgressStyle::kNone) std::fprintf(stderr, "%s\n", text.c_str());
  }

  static double DampingOf(const model::NetworkStatistics& statistics) {
    const bool used =
        statistics.expected_response.has_value() && statistics.expected_response->grn.has_value();
    return used ? statistics.expected_response->grn->damping : 0.0;
  }

  void NoteDamping(double damping) const {
    Note(
        damping > 0
            ? absl::StrFormat("genes never perturbed in training: their effect is propagated along "
                              "the gene network with damping %.2f",
                              damping)
            : "genes never perturbed in training: their expected response is the mean of the "
              "trained genes', because the gene network does not predict left-out trained genes "
              "better");
  }

  // A rank given by the environment takes precedence over --ranks: the copies of this process that
  // --ranks starts find theirs there too.
  absl::Status FindRank() {
    UNLASTING_ASSIGN_OR_RETURN(const auto given, RankInfoFromEnvironment());
    if (given.has_value()) {
      rank_info_ = *given;
      return absl::OkStatus();
    }
    if (flags_.ranks < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("--ranks: found ", flags_.ranks, ", expected 1 or more"));
    }
    launches_ = flags_.ranks > 1;
    if (launches_) {
      rank_info_.size = flags_.ranks;
      rank_info_.host = "127.0.0.1";
      rank_info_.interface = "lo";
    }
    return absl::OkStatus();
  }

  absl::Status ChooseDevice() {
    UNLASTING_ASSIGN_OR_RETURN(device_, FindDevice(flags_.device, rank_info_.local_rank));
    UNLASTING_RETURN_IF_ERROR(CheckPrecision(config_.precision(), device_));
    if (flags_.cuda_graph && device_.is_cpu()) {
      return absl::InvalidArgumentError(
          "--cuda-graph: found a run on the CPU, expected --device cuda");
    }
    PrepareDevice(device_, config_.precision());
    if (device_.is_cuda()) rank_info_.device = device_.index();
    return absl::OkStatus();
  }

  // Called after files and settings are checked, so that a mistake in them is reported once.
  absl::Status JoinRanks() {
    if (rank_info_.size == 1) return absl::OkStatus();
    RankGroup::Hooks hooks;
    if (launches_) {
      hooks.listening = [this](int port) { return local_ranks_.Start(rank_info_.size, port); };
      hooks.ended = [this](int rank) { return local_ranks_.Ended(rank); };
    }
    UNLASTING_ASSIGN_OR_RETURN(ranks_, RankGroup::Join(rank_info_, hooks));
    if (leads()) {
      Note(absl::StrCat("training on ", rank_info_.size, " ranks",
                        ranks_->sums_on_devices() ? ", which sum from device to device" : ""));
    }
    return absl::OkStatus();
  }

  absl::Status TrainBoth(const TrainingData& data, const diffusion::Schedule& schedule,
                         Network* denoiser, Network* mask) {
    TrainingTask task;
    task.config = &config_;
    task.data = &data;
    task.schedule = &schedule;
    task.device = device_;
    task.products = ProductsOf(config_.precision());
    if (flags_.cuda_graph) task.record = model::CudaRecorder(device_);
    task.resume = flags_.resume;
    task.ranks = ranks_.get();
    task.interrupted = &cli::InterruptFlag();
    if (leads()) task.log = [this](const nlohmann::json& line) { run_directory_.Log(line); };

    task.kind = NetworkKind::kDenoiser;
    task.steps = config_.steps();
    task.checkpoint_path = run_directory_.At("denoiser.checkpoint");
    task.resumed = [this](int64_t step) {
      for (const char* key : {"loss", "validation_e_distance"})
        run_directory_.ForgetAfter(step, key);
      // A run that starts anew scores step 0 again.
      run_directory_.ForgetAfter(step > 0 ? step : -1, "held_out_e_distance");
      for (const char* key : {"mask_loss", "latent_mean"}) run_directory_.ForgetAfter(-1, key);
    };
    UNLASTING_RETURN_IF_ERROR(TrainOne("denoiser", &task, denoiser));
    if (leads()) UNLASTING_RETURN_IF_ERROR(NoteLatents(task, *denoiser));

    task.kind = NetworkKind::kMask;
    task.steps = config_.mask_steps();
    task.checkpoint_path = run_directory_.At("mask.checkpoint");
    task.resumed = [this](int64_t step) { run_directory_.ForgetAfter(step, "mask_loss"); };
    return TrainOne("mask", &task, mask);
  }

  // How far answers are expected to be from the truth, and a line that says what of it is known.
  bundle::ErrorModel PredictionErrors(const TrainingData& data, const ResponseChoice& response,
                                      const grn::Graph& graph) const {
    LeaveOutOptions options;
    options.follows_grn = FollowsGrn(config_);
    options.seed = config_.seed();
    options.threads = static_cast<int>(config_.threads());
    bundle::ErrorModel errors = MakeErrorModel(data, response, graph, options);
    for (const auto& [name, kind] : errors.kinds) {
      Note(absl::StrFormat("predicted error, %s: %d left out%s", name, kind.left_out,
                           kind.calibrated() ? "" : ", not calibrated"));
    }
    return errors;
  }

  absl::Status NoteLatents(const TrainingTask& task, const Network& denoiser) {
    UNLASTING_ASSIGN_OR_RETURN(
        const auto latents,
        MeasureLatents(*task.data, *task.schedule, denoiser, config_.seed() + 1, 128));
    task.log({{"step", task.steps},
              {"latent_mean", latents.mean},
              {"latent_deviation", latents.deviation}});
    Note(absl::StrFormat(
        "latents of control cells: mean %.3f, standard deviation %.3f (expected: 0 and 1)",
        latents.mean, latents.deviation));
    training_["latent_mean"] = latents.mean;
    training_["latent_deviation"] = latents.deviation;
    return absl::OkStatus();
  }

  absl::Status TrainOne(const char* name, TrainingTask* task, Network* network) {
    cli::Progress progress(name, "steps", style_);
    double last_loss = 0;
    nlohmann::json summary = {{"steps", task->steps}};
    task->progress = [&](int64_t step, int64_t steps, double loss) {
      last_loss = loss;
      progress.Update(step, steps, absl::StrFormat("loss %.4f", loss));
    };
    task->stopped = [&](int64_t step, double distance) {
      summary["steps"] = step;
      summary["validation_e_distance"] = distance;
      Note(absl::StrFormat(
          "%s: stopped early at step %d; least E-distance of the validation cells %.4f", name, step,
          distance));
    };
    UNLASTING_RETURN_IF_ERROR(Train(*task, network));
    summary["last_loss"] = last_loss;
    training_[name] = summary;
    return absl::OkStatus();
  }

  // The model card holds scores, and scores need a bundle: the bundle is written to the run
  // directory, scored, then written again with its card to --out.
  absl::Status WriteWithCard(bundle::BundleParts parts, const Network& denoiser,
                             const Network& mask) {
    const std::string draft = run_directory_.At("draft");
    UNLASTING_RETURN_IF_ERROR(bundle::WriteBundle(parts, denoiser, mask, draft));
    const auto scores =
        ScoreBundle(draft, flags_.data.data, static_cast<int>(config_.threads()), device_.str());
    if (absl::IsCancelled(scores.status())) {
      return absl::CancelledError(absl::StrCat(
          "interrupted while the held-out cells were scored; the trained networks are kept in ",
          flags_.out, ".training; finish with --resume"));
    }
    UNLASTING_RETURN_IF_ERROR(scores.status());
    const evaluate::Scorecard& scorecard = *scores;
    parts.manifest.training["evaluation"] = {{"mean", scorecard.mean},
                                             {"baselines", scorecard.baselines}};
    parts.card = RenderCard(parts.manifest, scorecard);
    UNLASTING_RETURN_IF_ERROR(bundle::WriteBundle(parts, denoiser, mask, flags_.out));
    run_directory_.Remove();
    Note(absl::StrCat("wrote ", flags_.out));
    if (!scorecard.groups.empty()) std::printf("%s\n", scorecard.ToTable().c_str());
    return absl::OkStatus();
  }

  FitFlags flags_;
  RunDirectory run_directory_;
  TrainConfig config_;
  cli::ProgressStyle style_ = cli::ProgressStyle::kNone;
  RankInfo rank_info_;
  torch::Device device_ = torch::kCPU;
  bool launches_ = false;
  // Declared before local_ranks_: their processes must end before the group is destroyed.
  std::unique_ptr<RankGroup> ranks_;
  LocalRanks local_ranks_;
  nlohmann::json training_ = nlohmann::json::object();
};

}  // namespace

Command AddFitCommand(CLI::App& root) {
  auto flags = std::make_shared<FitFlags>();
  CLI::App* app = root.add_subcommand("fit", "Trains a bundle from an .h5ad file");
  AddDataFlags(app, &flags->data);
  app->add_option("--out", flags->out, "Folder of the bundle to write")->required();
  app->add_flag("--resume", flags->resume, "Continue from the checkpoint beside --out");
  app->add_flag("--force", flags->force, "Replace an existing bundle");
  app->add_option("--ranks", flags->ranks,
                  "Processes on this machine among which every batch is divided");
  app->add_option("--device", flags->device,
                  "Where the networks train: auto, cpu, cuda or cuda:NUMBER")
      ->capture_default_str();
  app->add_flag(
      "--cuda-graph", flags->cuda_graph,
      "On a CUDA device: record a step once and launch it whole; takes the memory of a step "
      "once more");
  app->footer(
      DescribeSettings() +
      "\nExample:\n  unlasting-train fit --data cells.h5ad --out models/k562 --set "
      "split=covariates --set hold_out=cell_type=PW036\n"
      "  unlasting-train fit --data cells.h5ad --out models/k562 --ranks 4 --set threads=2\n"
      "\nWith RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT set, as torchrun and Kubeflow "
      "set them, the\nprocess is one rank of that group and --ranks is ignored; rank 0 writes the "
      "bundle.");
  return {app, [flags] { return Fit(*flags).Run(); }};
}

}  // namespace unlasting::trainer
