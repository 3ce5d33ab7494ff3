// The regressions of the response along the gene network (trainer/response/edge_weights.h) for
// several in-degrees: the edges of each network and the seconds it takes, as JSON. The data are
// those of unlasting-train simulate.
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "core/anndata/writer.h"
#include "core/base/status.h"
#include "core/cells/preprocess.h"
#include "core/cells/simulation.h"
#include "nlohmann/json.hpp"
#include "trainer/data/training_data.h"
#include "trainer/data/training_grn.h"
#include "trainer/response/edge_weights.h"
#include "trainer/settings/settings.h"

namespace unlasting::trainer {
namespace {

struct Flags {
  std::string file;
  cells::SimulationOptions simulation;
  std::vector<int> in_degrees = {5, 20, 64};
  int threads = 2;
};

// Of all threads: on a machine that does other work, it says more than the wall clock.
double ProcessorSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

absl::Status Measure(const Flags& flags) {
  UNLASTING_ASSIGN_OR_RETURN(auto simulated, cells::Simulate(flags.simulation));
  simulated.layers.clear();
  UNLASTING_RETURN_IF_ERROR(anndata::WriteAnnData(simulated, flags.file));
  cells::PreprocessOptions options;
  options.genes = 0;
  UNLASTING_ASSIGN_OR_RETURN(const auto prepared,
                             cells::PreprocessFile(flags.file, cells::LoadOptions(), options));
  UNLASTING_ASSIGN_OR_RETURN(const auto data, TrainingData::Create(prepared));
  const ConditionMoments moments(data);
  nlohmann::json networks = nlohmann::json::array();
  for (const int in_degree : flags.in_degrees) {
    // Without a threshold every gene has as many sources as it may.
    TrainConfig config = DefaultConfig();
    config.mutable_grn()->set_threshold(0);
    config.mutable_grn()->set_max_in_degree(in_degree);
    UNLASTING_ASSIGN_OR_RETURN(const auto graph,
                               BuildTrainingGrn(prepared, config.grn(), flags.threads));
    const auto start = std::chrono::steady_clock::now();
    const double processor = ProcessorSeconds();
    EstimateEdgeWeights(data, moments, graph, flags.threads);
    networks.push_back({{"in_degree", in_degree},
                        {"edges", graph.edges() - graph.nodes()},
                        {"seconds", SecondsSince(start)},
                        {"processor_seconds", ProcessorSeconds() - processor}});
    std::fprintf(stderr, "%s\n", networks.back().dump().c_str());
  }
  const nlohmann::json result = {{"genes", data.genes()},
                                 {"cells", prepared.data.n_cells()},
                                 {"training_cells", moments.cells().size()},
                                 {"threads", flags.threads},
                                 {"networks", networks}};
  std::printf("%s\n", result.dump(2).c_str());
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  Flags flags;
  flags.simulation.cells = 12000;
  flags.simulation.genes = 5000;
  flags.simulation.perturbations = 100;
  CLI::App app("Times the regressions that give the gene network's edges their weights.",
               "edge_weights_bench");
  app.add_option("--file", flags.file, "The .h5ad file that the simulated cells go through")
      ->required();
  app.add_option("--cells", flags.simulation.cells, "Cells to simulate")->capture_default_str();
  app.add_option("--genes", flags.simulation.genes, "Genes to simulate")->capture_default_str();
  app.add_option("--in-degrees", flags.in_degrees, "Sources of each gene, one network for each")
      ->delimiter(',');
  app.add_option("--threads", flags.threads, "CPU threads")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = Measure(flags);
  if (!status.ok()) std::fprintf(stderr, "edge_weights_bench: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace unlasting::trainer

int main(int argc, char** argv) { return unlasting::trainer::Main(argc, argv); }
