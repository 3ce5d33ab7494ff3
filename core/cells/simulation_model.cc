#include "core/cells/simulation_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "absl/strings/str_format.h"
#include "core/base/status.h"

namespace unlasting::cells {
namespace {

constexpr float kKnockedOut = -3.0f;
constexpr double kExpectedResponse = 2.0;
// Of contexts: deviation of a gene's log rate from one end of the axis to its middle, share of an
// effect at the middle, what a condition's slope adds to it, and what an edge's adds to its weight.
constexpr double kAxis = 0.6;
constexpr double kEffectAtMiddle = 0.65, kEffectSlope = 0.35;
constexpr double kEdgeSlope = 0.5;

absl::Status Check(const SimulationOptions& o) {
  const auto between = [](const char* name, double value, double low, double high) -> absl::Status {
    if (value >= low && value <= high) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": found ", value, ", expected ", low, " to ", high));
  };
  UNLASTING_RETURN_IF_ERROR(between("--cells", o.cells, 2, 1e8));
  UNLASTING_RETURN_IF_ERROR(between("--genes", o.genes, 2, 1e6));
  UNLASTING_RETURN_IF_ERROR(between("--perturbations", o.perturbations, 0, o.genes));
  const double singles = o.perturbations;
  UNLASTING_RETURN_IF_ERROR(between("--doubles", o.doubles, 0, singles * (singles - 1) / 2));
  UNLASTING_RETURN_IF_ERROR(between("--molecules", o.molecules, 0, 100000));
  UNLASTING_RETURN_IF_ERROR(between("--cell-types", o.cell_types, 1, 1000));
  UNLASTING_RETURN_IF_ERROR(between("--contexts", o.contexts, 0, 1000));
  UNLASTING_RETURN_IF_ERROR(between("--in-degree", o.in_degree, 1, 100));
  UNLASTING_RETURN_IF_ERROR(between("--control-share", o.control_share, 0.01, 0.99));
  UNLASTING_RETURN_IF_ERROR(between("--response", o.response_share, 0.01, 1));
  UNLASTING_RETURN_IF_ERROR(between("--density", o.density, 0.001, 0.95));
  UNLASTING_RETURN_IF_ERROR(between("--dropout", o.dropout, 0, 0.99));
  UNLASTING_RETURN_IF_ERROR(between("--library-spread", o.library_spread, 0, 3));
  if (o.perturbations + o.molecules == 0) {
    return absl::InvalidArgumentError(
        "--perturbations: found 0 and no --molecules, expected some of either");
  }
  if (o.molecules > 0 && o.doses_um.empty()) {
    return absl::InvalidArgumentError("--doses: found none, expected some for the molecules");
  }
  for (const double dose : o.doses_um) {
    UNLASTING_RETURN_IF_ERROR(between("--doses", dose, 1e-9, 1e9));
  }
  return absl::OkStatus();
}

// Genes in an order that their numbers do not betray, so that a scrambled network is seen.
std::vector<int32_t> Shuffled(int64_t genes, const CounterRng& dice) {
  std::vector<int32_t> order(genes);
  std::iota(order.begin(), order.end(), 0);
  for (int64_t k = genes; k > 1; --k) std::swap(order[k - 1], order[dice.Bits(k) % k]);
  return order;
}

// The first tenth of the order, the perturbed genes at least, regulates what comes later.
void PlantNetwork(const SimulationOptions& o, const CounterRng& dice, SimulationModel* model) {
  const int64_t regulators =
      std::min(o.genes, std::max<int64_t>({o.perturbations, o.genes / 10, 2}));
  std::vector<std::vector<std::pair<int32_t, float>>> rows(o.genes);
  for (int64_t place = 1; place < o.genes; ++place) {
    const int64_t target = model->order[place];
    const auto degree =
        std::min<int64_t>(1 + dice.Bits(place, 1) % o.in_degree, std::min(place, regulators));
    std::set<int32_t> chosen;
    for (uint64_t draw = 0; static_cast<int64_t>(chosen.size()) < degree; ++draw) {
      chosen.insert(
          model->order[dice.Bits(place, 100 + draw) % std::min<int64_t>(place, regulators)]);
    }
    uint64_t k = 0;
    for (const int32_t source : chosen) {
      const double size = 0.5 + 0.5 * dice.Uniform(place, 1000 + k);
      const double sign = dice.Uniform(place, 2000 + k++) < 0.7 ? 1 : -1;
      rows[target].emplace_back(source, sign * size / std::sqrt(static_cast<double>(degree)));
    }
  }
  model->network.rows = model->network.cols = o.genes;
  for (const auto& row : rows) {
    for (const auto& [source, weight] : row) {
      model->network.indices.push_back(source);
      model->network.values.push_back(weight);
    }
    model->network.indptr.push_back(static_cast<int64_t>(model->network.indices.size()));
  }
}

// Places spread evenly over the axis, in an order that the contexts' numbers do not betray, and
// what changes along it.
void PlaceContexts(const SimulationOptions& o, const CounterRng& dice, SimulationModel* model) {
  model->place.assign(o.cell_types, 0.0);
  if (o.contexts == 0) return;
  const std::vector<int32_t> order = Shuffled(o.contexts, dice);
  for (int64_t k = 0; k < o.contexts; ++k) {
    model->place[order[k]] =
        o.contexts > 1 ? 2 * static_cast<double>(k) / static_cast<double>(o.contexts - 1) - 1 : 0;
  }
  for (size_t e = 0; e < model->network.values.size(); ++e) {
    model->edge_slope.push_back(static_cast<float>(kEdgeSlope * (2 * dice.Uniform(e, 1) - 1)));
  }
  for (int64_t g = 0; g < o.genes; ++g) {
    const double along = kAxis * dice.Normal(g, 2);
    for (int64_t type = 0; type < o.contexts; ++type) {
      model->base.At(type, g) += static_cast<float>(along * model->place[type]);
    }
  }
  for (size_t c = 1; c < model->conditions.size(); ++c) {
    model->conditions[c].slope = 2 * dice.Uniform(c, 3) - 1;
  }
}

void DrawBaseRates(const SimulationOptions& o, const CounterRng& dice, SimulationModel* model) {
  model->base = DenseMatrix(o.cell_types, o.genes);
  for (int64_t g = 0; g < o.genes; ++g) {
    const double common = 1.2 * dice.Normal(g, 1);
    for (int64_t type = 0; type < o.cell_types; ++type) {
      const bool differs = type > 0 && o.contexts == 0 && dice.Uniform(g, 2) < 0.3;
      model->base.At(type, g) =
          static_cast<float>(common + (differs ? 0.7 * dice.Normal(g, 10 + type) : 0.0));
    }
    const bool loaded = dice.Uniform(g, 3) < 0.1;
    model->program_loading.push_back(loaded ? 0.8f : 0.0f);
  }
}

// Molecules of one scaffold share their targets; the chain sets how strongly they bind.
struct Molecule {
  std::string smiles;
  int64_t scaffold = 0;
  double ec50_um = 1;
};

Molecule MakeMolecule(int64_t number) {
  static constexpr const char* kEnds[] = {"O", "N", "Cl", "OC(=O)"};
  static constexpr const char* kScaffolds[] = {"c1ccccc1",    "c1ccncc1",         "C1CCNCC1",
                                               "c1cccs1",     "c1ccc2[nH]ccc2c1", "C1COCCN1",
                                               "C1CCC(=O)N1", "c1cnc2ccccc2n1"};
  Molecule molecule;
  molecule.scaffold = number % 8;
  const int64_t chain = 1 + number / 32;
  molecule.smiles = kEnds[number / 8 % 4] + std::string(chain, 'C') + kScaffolds[molecule.scaffold];
  molecule.ec50_um = std::pow(10.0, 0.25 * static_cast<double>(number / 8 % 8) - 1);
  return molecule;
}

void ListConditions(const SimulationOptions& o, const CounterRng& dice, SimulationModel* model) {
  model->conditions.push_back({"ctrl"});
  for (int64_t p = 0; p < o.perturbations; ++p) {
    SimulatedCondition single;
    single.knocked_out = {model->order[p]};
    single.name = model->genes[model->order[p]] + "+ctrl";
    model->conditions.push_back(single);
  }
  std::set<std::pair<int32_t, int32_t>> pairs;
  for (uint64_t draw = 0; static_cast<int64_t>(pairs.size()) < o.doubles; ++draw) {
    auto a = static_cast<int32_t>(dice.Bits(1, draw) % o.perturbations);
    auto b = static_cast<int32_t>(dice.Bits(2, draw) % o.perturbations);
    if (a == b) continue;
    if (!pairs.insert(std::minmax(a, b)).second) continue;
    SimulatedCondition pair;
    pair.knocked_out = {model->order[a], model->order[b]};
    pair.name = model->genes[model->order[a]] + "+" + model->genes[model->order[b]];
    model->conditions.push_back(pair);
  }
  const int64_t regulators = std::max<int64_t>(o.genes / 10, 2);
  for (int64_t m = 0; m < o.molecules; ++m) {
    const Molecule molecule = MakeMolecule(m);
    for (const double dose : o.doses_um) {
      SimulatedCondition drug;
      drug.name = absl::StrFormat("drug%03d", m);
      drug.smiles = molecule.smiles;
      drug.dose_um = dose;
      for (uint64_t k = 0; k < 2; ++k) {
        drug.targets.push_back(model->order[dice.Bits(10 + molecule.scaffold, k) % regulators]);
      }
      const double sign = molecule.scaffold % 2 == 0 ? 1 : -1;
      drug.shift = sign * kExpectedResponse * dose / (dose + molecule.ec50_um);
      model->conditions.push_back(drug);
    }
  }
}

}  // namespace

double CounterRng::Normal(uint64_t a, uint64_t b) const {
  const uint64_t bits = Bits(a, b);
  const auto sum = static_cast<double>((bits & 0xFFFF) + (bits >> 16 & 0xFFFF) +
                                       (bits >> 32 & 0xFFFF) + (bits >> 48));
  return ((sum + 2.0) / 65536 - 2) * 1.7320508075688772;
}

void SimulationModel::Propagate(const SimulatedCondition* condition, double place,
                                std::vector<float>* deviation) const {
  std::vector<float>& d = *deviation;
  const double strength = edge_slope.empty() || condition == nullptr
                              ? 1.0
                              : kEffectAtMiddle + kEffectSlope * condition->slope * place;
  if (condition != nullptr) {
    for (const int32_t target : condition->targets) {
      d[target] += strength * condition->shift;
    }
  }
  for (const int32_t gene : order) {
    const auto sources = network.RowIndices(gene);
    const auto weights = network.RowValues(gene);
    for (size_t k = 0; k < sources.size(); ++k) {
      float weight = weights[k];
      if (!edge_slope.empty()) {
        weight *= static_cast<float>(1 + edge_slope[network.indptr[gene] + k] * place);
      }
      d[gene] += weight * d[sources[k]];
    }
    if (condition == nullptr) continue;
    for (const int32_t knocked_out : condition->knocked_out) {
      if (knocked_out != gene) continue;
      d[gene] = edge_slope.empty()
                    ? kKnockedOut
                    : static_cast<float>(strength * kKnockedOut + (1 - strength) * d[gene]);
    }
  }
}

absl::StatusOr<SimulationOptions> WithTypes(SimulationOptions options) {
  if (options.contexts == 0) return options;
  if (options.cell_types > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("--contexts: found ", options.contexts, " with --cell-types ",
                     options.cell_types, ", expected one of them: contexts are cell types"));
  }
  options.cell_types = options.contexts;
  return options;
}

absl::StatusOr<SimulationModel> MakeSimulationModel(const SimulationOptions& options) {
  UNLASTING_RETURN_IF_ERROR(Check(options));
  SimulationModel model;
  const auto digits = static_cast<int>(std::to_string(options.genes - 1).size());
  for (int64_t g = 0; g < options.genes; ++g) {
    model.genes.push_back(absl::StrFormat("G%0*d", digits, g));
  }
  model.order = Shuffled(options.genes, CounterRng(options.seed, 1));
  PlantNetwork(options, CounterRng(options.seed, 2), &model);
  DrawBaseRates(options, CounterRng(options.seed, 3), &model);
  ListConditions(options, CounterRng(options.seed, 4), &model);
  PlaceContexts(options, CounterRng(options.seed, 5), &model);
  return model;
}

}  // namespace unlasting::cells
