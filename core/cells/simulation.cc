#include "core/cells/simulation.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "core/base/status.h"
#include "core/cells/simulation_model.h"

namespace unlasting::cells {
namespace {

constexpr int64_t kBlockCells = 256;

// Quantile of the standard normal; Acklam's rational approximation, good to 1e-8.
double NormalQuantile(double p) {
  static constexpr double a[] = {-39.69683028665376, 220.9460984245205,  -275.9285104469687,
                                 138.357751867269,   -30.66479806614716, 2.506628277459239};
  static constexpr double b[] = {-54.47609879822406, 161.5858368580409, -155.6989798598866,
                                 66.80131188771972, -13.28068155288572};
  static constexpr double c[] = {-0.007784894002430293, -0.3223964580411365, -2.400758277161838,
                                 -2.549732539343734,    4.374664141464968,   2.938163982698783};
  static constexpr double d[] = {0.007784695709041462, 0.3224671290700398, 2.445134137142996,
                                 3.754408661907416};
  const double tail = std::min(p, 1 - p);
  double x = 0;
  if (tail < 0.02425) {
    const double q = std::sqrt(-2 * std::log(tail));
    x = (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
        ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
    return p < 0.5 ? x : -x;
  }
  const double q = p - 0.5, r = q * q;
  return (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
         (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
}

// The count that the uniform number picks from a Poisson distribution: monotone in both, so that a
// cell and its unperturbed twin differ only by their rates.
int64_t PoissonQuantile(double rate, double uniform) {
  if (rate > 50) {
    return std::max<int64_t>(0, std::llround(rate + std::sqrt(rate) * NormalQuantile(uniform)));
  }
  double term = std::exp(-rate), below = term;
  int64_t count = 0;
  while (uniform > below && count < 200) {
    term *= rate / static_cast<double>(++count);
    below += term;
  }
  return count;
}

struct Cell {
  int32_t condition = 0;
  int32_t cell_type = 0;
  bool responder = false;
  double program = 0;
  double library_size = 0;
};

// Rows of consecutive cells, joined in order at the end.
struct Block {
  CsrMatrix counts, unperturbed;
};

class Generator {
 public:
  Generator(const SimulationOptions& options, const SimulationModel& model)
      : options_(options), model_(model), cell_dice_(options.seed, 10) {}

  // Controls first in every stretch of cells, then the conditions in turn: any head of the file
  // holds some of all.
  Cell Describe(int64_t number) const {
    Cell cell;
    const auto conditions = static_cast<int64_t>(model_.conditions.size());
    cell.cell_type = static_cast<int32_t>(number % options_.cell_types);
    const int64_t turn = number / options_.cell_types;
    const auto controls = [&](int64_t turns) {
      return static_cast<int64_t>(std::ceil(options_.control_share * static_cast<double>(turns)));
    };
    const bool control = controls(turn + 1) > controls(turn);
    if (!control) {
      cell.condition = static_cast<int32_t>(1 + (turn - controls(turn)) % (conditions - 1));
    }
    cell.program = cell_dice_.Normal(number, 1);
    // The program decides, with a little chance.
    const double propensity = (cell.program + 0.3 * cell_dice_.Normal(number, 2)) / std::sqrt(1.09);
    cell.responder = !control && (options_.response_share >= 1 ||
                                  propensity > NormalQuantile(1 - options_.response_share));
    cell.library_size =
        model_.library_size * std::exp(options_.library_spread * cell_dice_.Normal(number, 3));
    return cell;
  }

  // Expected counts [genes] of a cell, or of its unperturbed twin.
  void Rates(int64_t number, const Cell& cell, bool perturbed, std::vector<float>* rates) const {
    const CounterRng noise(options_.seed, 20);
    rates->resize(options_.genes);
    for (int64_t g = 0; g < options_.genes; ++g) {
      (*rates)[g] = static_cast<float>(0.6 * noise.Normal(number, g));
    }
    const bool affected = perturbed && cell.responder;
    model_.Propagate(affected ? &model_.conditions[cell.condition] : nullptr,
                     model_.place[cell.cell_type], rates);
    double total = 0;
    for (int64_t g = 0; g < options_.genes; ++g) {
      float& rate = (*rates)[g];
      const auto program = static_cast<float>(cell.program);
      rate =
          std::exp(rate + program * model_.program_loading[g] + model_.base.At(cell.cell_type, g));
      total += rate;
    }
    const auto scale = static_cast<float>(cell.library_size / total);
    for (float& rate : *rates) rate *= scale;
  }

  void AppendCounts(int64_t number, const std::vector<float>& rates, CsrMatrix* counts) const {
    const CounterRng draw(options_.seed, 30), loss(options_.seed, 40);
    for (int64_t g = 0; g < options_.genes; ++g) {
      const double uniform = draw.Uniform(number, g);
      // Most entries: exp(-rate) >= 1 - rate already covers the draw.
      if (uniform <= 1 - rates[g]) continue;
      const int64_t count = PoissonQuantile(rates[g], uniform);
      if (count == 0 || loss.Uniform(number, g) < options_.dropout * std::exp(-rates[g])) continue;
      counts->indices.push_back(static_cast<int32_t>(g));
      counts->values.push_back(static_cast<float>(count));
    }
    counts->indptr.push_back(static_cast<int64_t>(counts->indices.size()));
    ++counts->rows;
  }

 private:
  const SimulationOptions& options_;
  const SimulationModel& model_;
  CounterRng cell_dice_;
};

// The library size at which some unperturbed cells express the wanted share of genes.
double LibrarySizeFor(const SimulationOptions& options, const SimulationModel& unit) {
  constexpr int64_t kSample = 64;
  const Generator generator(options, unit);
  std::vector<float> rates, sample;
  for (int64_t number = 0; number < std::min(options.cells, kSample); ++number) {
    generator.Rates(number, generator.Describe(number), false, &rates);
    sample.insert(sample.end(), rates.begin(), rates.end());
  }
  double low = 1e-3, high = 1e9;
  for (int step = 0; step < 60; ++step) {
    const double middle = std::sqrt(low * high);
    double expressed = 0;
    for (const float rate : sample) expressed += 1 - std::exp(-middle * rate);
    (expressed < options.density * static_cast<double>(sample.size()) ? low : high) = middle;
  }
  return std::sqrt(low * high);
}

void Join(CsrMatrix* block, CsrMatrix* whole) {
  const int64_t before = whole->indptr.back();
  whole->indices.insert(whole->indices.end(), block->indices.begin(), block->indices.end());
  whole->values.insert(whole->values.end(), block->values.begin(), block->values.end());
  for (int64_t r = 1; r <= block->rows; ++r) whole->indptr.push_back(before + block->indptr[r]);
  whole->rows += block->rows;
  *block = CsrMatrix();
}

void Annotate(const SimulationOptions& options, const SimulationModel& model,
              const std::vector<Cell>& cells, anndata::AnnData* data) {
  std::vector<std::string> names, conditions, smiles, types, units;
  std::vector<double> doses, programs, sizes;
  std::vector<bool> responders;
  for (size_t k = 0; k < cells.size(); ++k) {
    const SimulatedCondition& condition = model.conditions[cells[k].condition];
    data->obs.index.push_back(absl::StrCat("cell", k));
    conditions.push_back(condition.name);
    types.push_back(absl::StrCat("type", cells[k].cell_type));
    smiles.push_back(condition.smiles);
    doses.push_back(condition.dose_um);
    programs.push_back(cells[k].program);
    sizes.push_back(cells[k].library_size);
    responders.push_back(cells[k].responder);
  }
  data->var.index = model.genes;
  data->obs.Set("condition", std::move(conditions));
  data->obs.Set("cell_type", std::move(types));
  if (options.molecules > 0) {
    data->obs.Set("SMILES", std::move(smiles));
    data->obs.Set("dose_val", std::move(doses));
    data->obs.Set("dose_unit", std::vector<std::string>(cells.size(), "uM"));
  }
  data->obs.Set("responder", std::move(responders));
  data->obs.Set("program", std::move(programs));
  data->obs.Set("library_size", std::move(sizes));
}

void StoreTruth(const SimulationOptions& o, const SimulationModel& model, anndata::AnnData* data) {
  DenseMatrix effects(o.genes, static_cast<int64_t>(model.conditions.size()));
  std::vector<std::string> names;
  std::vector<double> doses;
  for (size_t c = 0; c < model.conditions.size(); ++c) {
    std::vector<float> deviation(o.genes, 0.0f);
    model.Propagate(&model.conditions[c], /*place=*/0, &deviation);
    for (int64_t g = 0; g < o.genes; ++g) effects.At(g, static_cast<int64_t>(c)) = deviation[g];
    names.push_back(model.conditions[c].name);
    doses.push_back(model.conditions[c].dose_um);
  }
  data->varm["effects"] = std::move(effects);
  data->varp["network"] = model.network;
  data->uns["simulation"] = {{"conditions", names},
                             {"doses_um", doses},
                             {"cells", o.cells},
                             {"genes", o.genes},
                             {"perturbations", o.perturbations},
                             {"doubles", o.doubles},
                             {"molecules", o.molecules},
                             {"cell_types", o.cell_types},
                             {"contexts", o.contexts},
                             {"places", model.place},
                             {"control_share", o.control_share},
                             {"response_share", o.response_share},
                             {"density", o.density},
                             {"dropout", o.dropout},
                             {"library_spread", o.library_spread},
                             {"in_degree", o.in_degree},
                             {"seed", o.seed}};
}

}  // namespace

absl::StatusOr<anndata::AnnData> Simulate(const SimulationOptions& asked,
                                          const std::function<void(int64_t, int64_t)>& progress) {
  UNLASTING_ASSIGN_OR_RETURN(const SimulationOptions options, WithTypes(asked));
  UNLASTING_ASSIGN_OR_RETURN(SimulationModel model, MakeSimulationModel(options));
  model.library_size = LibrarySizeFor(options, model);
  if (options.expected && options.cells * options.genes > (int64_t{1} << 30)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--expected: found ", options.cells, " x ", options.genes,
                     " values, expected at most 2^30: these layers are dense"));
  }
  const Generator generator(options, model);
  std::vector<Cell> cells(options.cells);
  std::vector<Block> blocks((options.cells + kBlockCells - 1) / kBlockCells);
  DenseMatrix expected, expected_unperturbed;
  if (options.expected) {
    expected = expected_unperturbed = DenseMatrix(options.cells, options.genes);
  }
  std::atomic<int64_t> next{0}, done{0};
  const auto work = [&](bool reports) {
    std::vector<float> rates;
    for (int64_t b = next++; b < static_cast<int64_t>(blocks.size()); b = next++) {
      const int64_t end = std::min(options.cells, (b + 1) * kBlockCells);
      for (int64_t number = b * kBlockCells; number < end; ++number) {
        Cell& cell = cells[number] = generator.Describe(number);
        for (const bool perturbed : {false, true}) {
          // The twin of a cell that nothing happened to is the cell.
          if (!perturbed || cell.responder) generator.Rates(number, cell, perturbed, &rates);
          generator.AppendCounts(number, rates,
                                 perturbed ? &blocks[b].counts : &blocks[b].unperturbed);
          if (!options.expected) continue;
          auto row = (perturbed ? expected : expected_unperturbed).Row(number);
          for (size_t g = 0; g < rates.size(); ++g) row[g] = std::log1p(rates[g]);
        }
      }
      done += end - b * kBlockCells;
      if (reports && progress && done < options.cells) progress(done, options.cells);
    }
  };
  std::vector<std::thread> helpers;
  for (int k = 1; k < options.threads; ++k) helpers.emplace_back(work, false);
  work(true);
  for (auto& helper : helpers) helper.join();
  if (progress) progress(options.cells, options.cells);
  anndata::AnnData data;
  CsrMatrix counts, unperturbed;
  counts.cols = unperturbed.cols = options.genes;
  for (Block& block : blocks) {
    Join(&block.counts, &counts);
    Join(&block.unperturbed, &unperturbed);
  }
  data.x = std::move(counts);
  data.layers["unperturbed"] = std::move(unperturbed);
  if (options.expected) {
    data.layers["expected"] = std::move(expected);
    data.layers["expected_unperturbed"] = std::move(expected_unperturbed);
  }
  Annotate(options, model, cells, &data);
  StoreTruth(options, model, &data);
  return data;
}

}  // namespace unlasting::cells
