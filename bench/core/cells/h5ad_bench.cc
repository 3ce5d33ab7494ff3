// From a file to a gene network: read, normalise, select genes, co-expression, with the time of
// each and the peak memory, as JSON. Makes the file where it is absent (unlasting-train simulate).
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>

#include "CLI/CLI.hpp"
#include "core/anndata/reader.h"
#include "core/anndata/writer.h"
#include "core/base/status.h"
#include "core/cells/preprocess.h"
#include "core/cells/simulation.h"
#include "core/grn/graph.h"
#include "nlohmann/json.hpp"

namespace unlasting {
namespace {

struct Flags {
  std::string file;
  int64_t cells = 100000;
  int64_t genes = 5000;
  double density = 0.1;
  int64_t keep = 2000;
  int threads = 2;
  bool all_cells = false;
};

class Clock {
 public:
  // Seconds since the last call.
  double Lap() {
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    return seconds;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

double PeakGigabytes() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / (1 << 20);
}

absl::Status MakeFile(const Flags& flags) {
  cells::SimulationOptions options;
  options.cells = flags.cells;
  options.genes = flags.genes;
  options.density = flags.density;
  options.dropout = 0;
  options.perturbations = 100;
  options.threads = flags.threads;
  UNLASTING_ASSIGN_OR_RETURN(auto data, cells::Simulate(options));
  data.layers.clear();
  return anndata::WriteAnnData(data, flags.file);
}

absl::Status Measure(const Flags& flags) {
  nlohmann::json result = {{"threads", flags.threads}, {"genes_kept", flags.keep}};
  cells::PreprocessOptions options;
  options.genes = flags.keep;
  options.split.kind = "cells";
  Clock clock;
  // Two passes over the file: statistics, then normalised values of the selected genes.
  UNLASTING_ASSIGN_OR_RETURN(const auto prepared,
                             cells::PreprocessFile(flags.file, cells::LoadOptions(), options));
  result["seconds"]["read_normalise_select"] = clock.Lap();
  std::vector<int64_t> rows;
  for (int64_t cell = 0; cell < prepared.data.n_cells(); ++cell) {
    const bool control = prepared.data.conditions[prepared.data.condition[cell]].control;
    if (control || flags.all_cells) rows.push_back(cell);
  }
  const CsrMatrix chosen = SelectRows(prepared.data.values, rows);
  const auto edges = grn::CoExpressionEdges(chosen, 0.3, flags.threads);
  result["seconds"]["co_expression"] = clock.Lap();
  result["co_expression_cells"] = rows.size();
  result["edges"] = edges.size();
  result["cells"] = prepared.data.n_cells();
  result["density"] = static_cast<double>(prepared.data.values.values.size()) /
                      static_cast<double>(prepared.data.n_cells() * prepared.data.n_genes());
  result["peak_gigabytes"] = PeakGigabytes();
  std::printf("%s\n", result.dump(2).c_str());
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Times reading, normalisation, gene selection and co-expression of an .h5ad file.",
               "h5ad_bench");
  app.add_option("--file", flags.file, "The .h5ad file; made where it is absent")->required();
  app.add_option("--cells", flags.cells, "of a new file")->capture_default_str();
  app.add_option("--genes", flags.genes, "of a new file")->capture_default_str();
  app.add_option("--density", flags.density, "of a new file")->capture_default_str();
  app.add_option("--keep", flags.keep, "highly variable genes; 0: all")->capture_default_str();
  app.add_option("--threads", flags.threads, "of co-expression")->capture_default_str();
  app.add_flag("--all-cells", flags.all_cells, "Co-expression over all cells, not the controls");
  CLI11_PARSE(app, argc, argv);
  absl::Status status;
  // In a run of its own, whose memory would be counted.
  if (!std::filesystem::exists(flags.file)) {
    status = MakeFile(flags);
    if (status.ok()) std::fprintf(stderr, "made %s; run again to measure\n", flags.file.c_str());
  } else {
    status = Measure(flags);
  }
  if (!status.ok()) std::fprintf(stderr, "h5ad_bench: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace unlasting

int main(int argc, char** argv) { return unlasting::Main(argc, argv); }
