// What the precisions of the engine for a device do to the predictions of a real bundle: panel
// cells under knocked-out genes or molecules, in float32 on the CPU and in each precision on a
// device, or, in a build without CUDA, on this processor, which rounds as a device does (slowly:
// minutes).
#include <cmath>
#include <cstdio>
#include <memory>

#include "CLI/CLI.hpp"
#include "core/predict/engine/cuda_engine.h"
#include "core/predict/engine/engine_factory.h"
#include "core/predict/job/job.h"

namespace unlasting::predict {
namespace {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "precision_bench: %s\n", std::string(status.message()).c_str());
  return 1;
}

std::vector<double> MeanOf(const DenseMatrix& values) {
  std::vector<double> mean(values.cols, 0.0);
  for (int64_t r = 0; r < values.rows; ++r) {
    for (int64_t g = 0; g < values.cols; ++g) mean[g] += values.At(r, g) / values.rows;
  }
  return mean;
}

// Sums over genes, or over cells and genes, of squares; and what was silenced on one side alone.
struct Sums {
  double change = 0, mean_error = 0, cell_error = 0, cell_values = 0, silenced = 0, values = 0;
};

void Add(const DenseMatrix& expected, const DenseMatrix& found, const std::vector<double>& control,
         Sums* sums) {
  const std::vector<double> mean = MeanOf(expected), other = MeanOf(found);
  for (size_t g = 0; g < mean.size(); ++g) {
    sums->change += std::pow(mean[g] - control[g], 2);
    sums->mean_error += std::pow(other[g] - mean[g], 2);
  }
  for (size_t k = 0; k < expected.values.size(); ++k) {
    const double one = expected.values[k], two = found.values[k];
    sums->cell_error += (one - two) * (one - two);
    sums->cell_values += one * one;
    sums->silenced += (one > 0) != (two > 0) ? 1 : 0;
    sums->values += 1;
  }
}

int Run(const std::string& path, const std::string& cell_type,
        const std::vector<PerturbationQuery>& queries, int64_t cells) {
  auto bundle = bundle::Bundle::Load(path);
  if (!bundle.ok()) return Fail(bundle.status());
  EngineOptions options;
  auto cpu = CreateEngine(*bundle, options);
  if (!cpu.ok()) return Fail(cpu.status());
  auto controls = PanelControls(**bundle, cell_type, cells, 0);
  if (!controls.ok()) return Fail(controls.status());
  const auto set = std::make_shared<const ControlSet>(*std::move(controls));
  PredictionTask task{set, {}, DefaultOptions(**bundle)};
  for (const PerturbationQuery& query : queries) {
    auto perturbation = ResolvePerturbation(**bundle, query);
    if (!perturbation.ok()) return Fail(perturbation.status());
    task.perturbations.push_back(*std::move(perturbation));
  }
  const auto expected = PredictAll(cpu->get(), task);
  if (!expected.ok()) return Fail(expected.status());
  std::vector<double> control((*bundle)->manifest().genes.size(), 0.0);
  for (int64_t r = 0; r < set->values.rows; ++r) {
    const auto at = set->values.RowIndices(r);
    const auto row = set->values.RowValues(r);
    for (size_t k = 0; k < at.size(); ++k) control[at[k]] += row[k] / set->values.rows;
  }
  std::printf("%-8s %12s %12s %12s\n", "", "mean", "cells", "silenced");
  for (const char* precision : {"float32", "tf32", "bf16"}) {
    options.device = "cuda";
    options.precision = precision;
    auto engine = MakeCudaEngine(*bundle, options);
    if (!engine.ok()) return Fail(engine.status());
    const auto found = PredictAll(engine->get(), task);
    if (!found.ok()) return Fail(found.status());
    Sums sums;
    for (size_t p = 0; p < found->size(); ++p) {
      Add((*expected)[p].values, (*found)[p].values, control, &sums);
    }
    std::printf("%-8s %12.2e %12.2e %12.2e\n", precision, std::sqrt(sums.mean_error / sums.change),
                std::sqrt(sums.cell_error / sums.cell_values), sums.silenced / sums.values);
    std::fflush(stdout);
  }
  std::printf(
      "mean: root mean square error of the predicted mean, over that of the predicted change\n"
      "cells: of the cells' values, over that of the values\n"
      "silenced: share of values that one side alone silences\n");
  return 0;
}

}  // namespace
}  // namespace unlasting::predict

int main(int argc, char** argv) {
  CLI::App app("What the precisions of the engine for a device do to a bundle's predictions");
  std::string bundle, cell_type;
  std::vector<std::string> genes, molecules;
  double dose = 1;
  int64_t cells = 64;
  app.add_option("--bundle", bundle)->required();
  app.add_option("--cell-type", cell_type)->required();
  app.add_option("--gene", genes, "Knocked-out gene, repeatable");
  app.add_option("--smiles", molecules, "Molecule, repeatable");
  app.add_option("--dose", dose, "Of the molecules, in the bundle's unit");
  app.add_option("--cells", cells, "Panel cells");
  CLI11_PARSE(app, argc, argv);
  std::vector<unlasting::predict::PerturbationQuery> queries;
  for (const std::string& gene : genes) queries.push_back({{gene}, "", "", {}, 0});
  for (const std::string& smiles : molecules) queries.push_back({{}, "", smiles, {}, dose});
  return unlasting::predict::Run(bundle, cell_type, queries, cells);
}
