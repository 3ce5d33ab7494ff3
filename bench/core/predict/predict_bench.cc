// Cells per second of the step engine on a bundle, without a server: the ceiling of what
// `unlasting load` can measure through one. Requests of `--cells` panel cells under one knocked-out
// gene, `--jobs` of them at once, share steps as the scheduler's do.
#include <chrono>
#include <cstdio>
#include <memory>

#include "CLI/CLI.hpp"
#include "core/predict/engine/engine_factory.h"
#include "core/predict/job/job.h"
#include "server/torch/torchscript_engine.h"

namespace unlasting::predict {
namespace {

using Clock = std::chrono::steady_clock;

struct Flags {
  std::string bundle, cell_type;
  std::vector<std::string> genes;
  int64_t cells = 64;
  int jobs = 4;
  int threads = 2;
  int64_t max_batch = 64;
  double seconds = 10;
  bool cached_latents = false;
  std::string evaluator = "fused";
};

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "predict_bench: %s\n", std::string(status.message()).c_str());
  return 1;
}

int Run(const Flags& flags) {
  auto bundle = bundle::Bundle::Load(flags.bundle);
  if (!bundle.ok()) return Fail(bundle.status());
  EngineOptions options;
  options.device = "cpu";
  options.threads = flags.threads;
  options.max_batch = flags.max_batch;
  if (!flags.cached_latents) options.latent_cache_bytes = 0;
  auto engine = flags.evaluator == "torchscript"
                    ? server::MakeTorchScriptEngine(*bundle, options, model::Attention::kPlain)
                    : CreateEngine(*bundle, options);
  if (!engine.ok()) return Fail(engine.status());
  auto controls = PanelControls(**bundle, flags.cell_type, flags.cells, 0);
  if (!controls.ok()) return Fail(controls.status());
  const auto set = std::make_shared<const ControlSet>(*std::move(controls));
  std::vector<std::shared_ptr<const Perturbation>> perturbations;
  for (const auto& gene : flags.genes) {
    auto perturbation = ResolvePerturbation(**bundle, {{gene}, "", "", {}, 0});
    if (!perturbation.ok()) return Fail(perturbation.status());
    perturbations.push_back(*std::move(perturbation));
  }

  InFlightTrajectories in_flight;
  std::vector<std::unique_ptr<Job>> jobs(flags.jobs);
  size_t next = 0;
  int64_t cells = 0, answers = 0;
  std::vector<Row*> rows;
  const auto start = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  while (elapsed() < flags.seconds) {
    std::vector<std::vector<Row*>> taken(jobs.size());
    rows.clear();
    for (size_t j = 0; j < jobs.size(); ++j) {
      if (jobs[j] == nullptr || jobs[j]->done()) {
        jobs[j] = std::make_unique<Job>(
            engine->get(), &in_flight,
            PredictionTask{
                set, {perturbations[next++ % perturbations.size()]}, DefaultOptions(**bundle)});
      }
      jobs[j]->TakeRunnable(flags.max_batch / static_cast<int64_t>(jobs.size()), &taken[j]);
      rows.insert(rows.end(), taken[j].begin(), taken[j].end());
    }
    const absl::Status status = (*engine)->StepAndCollect(rows);
    if (!status.ok()) return Fail(status);
    for (size_t j = 0; j < jobs.size(); ++j) {
      jobs[j]->Return(taken[j]);
      while (const auto index = jobs[j]->NextComplete()) {
        auto profiles = jobs[j]->Finish(*index);
        if (!profiles.ok()) return Fail(profiles.status());
        cells += profiles->values.rows;
        ++answers;
      }
    }
  }
  std::printf("{\"cells_per_s\": %.1f, \"answers_per_s\": %.2f, \"seconds\": %.1f}\n",
              cells / elapsed(), answers / elapsed(), elapsed());
  return 0;
}

}  // namespace
}  // namespace unlasting::predict

int main(int argc, char** argv) {
  unlasting::predict::Flags flags;
  CLI::App app("Cells per second of the step engine on a bundle.");
  app.add_option("--bundle", flags.bundle)->required();
  app.add_option("--cell-type", flags.cell_type, "whose panel cells are the controls")->required();
  app.add_option("--gene", flags.genes, "knocked out, one a request, in turn")->required();
  app.add_option("--cells", flags.cells, "a request")->capture_default_str();
  app.add_option("--jobs", flags.jobs, "requests at once")->capture_default_str();
  app.add_option("--threads", flags.threads)->capture_default_str();
  app.add_option("--max-batch", flags.max_batch)->capture_default_str();
  app.add_option("--seconds", flags.seconds)->capture_default_str();
  app.add_option("--evaluator", flags.evaluator, "fused or torchscript")->capture_default_str();
  app.add_flag("--cached-latents", flags.cached_latents, "as in a screen");
  CLI11_PARSE(app, argc, argv);
  return unlasting::predict::Run(flags);
}
