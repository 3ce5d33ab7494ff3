#include "core/model/cpu/cpu_network.h"

#include <torch/torch.h>

#include <cmath>
#include <functional>
#include <random>

#include "core/model/torch/network.h"
#include "tests/support/files.h"

namespace unlasting::model {
namespace {

using cpu::CpuNetwork;
using cpu::Molecule;
using cpu::NetworkRow;
using torch::Tensor;

using Graph = std::pair<std::vector<int64_t>, std::vector<int64_t>>;  // indptr, sources

Graph RandomGraph(int64_t nodes, const std::function<int64_t(int64_t)>& degree) {
  std::mt19937_64 random(11);
  Graph graph;
  graph.first = {0};
  for (int64_t i = 0; i < nodes; ++i) {
    for (int64_t k = 0; k < degree(i); ++k) {
      graph.second.push_back(static_cast<int64_t>(random() % nodes));
    }
    graph.first.push_back(static_cast<int64_t>(graph.second.size()));
  }
  return graph;
}

ModelConfig Config(int64_t genes, int64_t extra) {
  ModelConfig config;
  config.genes = genes;
  config.nodes = genes + extra;
  config.cell_types = 3;
  config.molecule_features = 5;
  config.dim = 20;
  config.hidden = 40;
  return config;
}

// Of the table's two drugs; the first is the one of Rows' third row, threefold.
Tensor TrainedDrugs(const ModelConfig& config) {
  auto random = at::detail::createCPUGenerator(21);
  const Tensor drugs = torch::rand({2, config.molecule_features}, random);
  return config.molecule_features == 0 ? drugs : drugs / drugs.norm(2, {1}, /*keepdim=*/true);
}

// Three genes, the last of them a node without expression, and three drug entries.
ExpectedResponse Table(const ModelConfig& config, int64_t more_genes = 0) {
  ExpectedResponse table;
  table.nodes = {1, 4, config.nodes - 1};
  for (int64_t k = 0; k < more_genes; ++k) table.nodes.push_back(5 + k);
  table.drugs = TrainedDrugs(config);
  if (config.molecule_features > 0) {
    table.drug = {0, 1, 1};
    table.log10_dose = {-0.8, 0.0, 1.0};
  }
  const auto entries = static_cast<int64_t>(table.nodes.size() + 1 + table.drug.size());
  auto random = at::detail::createCPUGenerator(22);
  const auto draw = [&](double size) {
    return size * torch::randn({config.cell_types * entries, config.genes}, random);
  };
  table.mean = draw(0.1);
  table.log_variance = draw(1.5);  // some beyond the bound
  table.active_logit = draw(1.0);
  return table;
}

Network MakeNetwork(NetworkKind kind, const ModelConfig& config, const Graph& graph) {
  torch::manual_seed(5);
  NetworkStatistics statistics;
  statistics.prior_mean = torch::rand({config.cell_types, config.genes});
  statistics.prior_deviation = torch::rand({config.cell_types, config.genes}) * 0.2 + 0.05;
  statistics.active_share = torch::rand({config.cell_types, config.genes}) * 0.8 + 0.1;
  statistics.edge_indptr = graph.first;
  statistics.edge_source = graph.second;
  if (config.expected_response) {
    statistics.expected_response = Table(config);
    GrnResponse& network = statistics.expected_response->grn.emplace();
    network.self_effect = -0.3 * torch::rand({config.cell_types, config.nodes});
    network.edge_weights = 0.4 * torch::randn({static_cast<int64_t>(graph.second.size())});
    network.damping = 1.3;
    network.log_variance = torch::randn({config.genes});
    network.active_logit = torch::randn({config.genes});
  }
  auto network =
      Network::Create(kind, config, diffusion::Schedule(), statistics, 7, Attention::kPlain);
  EXPECT_TRUE(network.ok()) << network.status();
  torch::NoGradGuard no_grad;
  auto random = at::detail::createCPUGenerator(9);
  for (auto parameter : network->Parameters()) {
    parameter.add_(0.1 * torch::randn(parameter.sizes(), random, parameter.options()));
  }
  return *std::move(network);
}

// Rows of every kind: source model, knockouts, molecules; several times and cell types.
template <typename T>
struct Rows {
  explicit Rows(const ModelConfig& config, int64_t count) : config(config) {
    torch::manual_seed(6);
    const auto type = std::is_same_v<T, float> ? torch::kFloat32 : torch::kFloat64;
    x_t = torch::randn({count, config.genes}, type);
    control = torch::rand({count, config.genes}, type);
    molecule = torch::rand({count, config.molecule_features}, type);
    if (config.expected_response && config.molecule_features > 0) {
      molecule[2].copy_(3.0 * TrainedDrugs(config)[0]);
    }
    out = torch::zeros({count, config.genes}, type);
    knockouts.resize(count);
    molecules.resize(count);
    gene_readout.resize(count);
    for (int64_t k = 0; k < count; ++k) {
      NetworkRow<T> row;
      row.x_t = x_t[k].template data_ptr<T>();
      row.time = static_cast<int32_t>((k * 131) % config.times);
      row.cell_type = static_cast<int32_t>(k % config.cell_types);
      row.gene_readout = &gene_readout[k];
      row.out = out[k].template data_ptr<T>();
      if (k % 3 > 0) row.control = control[k].template data_ptr<T>();
      if (k % 3 == 1) {
        knockouts[k] = {static_cast<int32_t>(k % config.nodes),
                        static_cast<int32_t>(config.nodes - 1)};
      }
      if (k % 3 == 2 && config.molecule_features > 0) {
        molecules[k].features =
            absl::MakeConstSpan(molecule[k].template data_ptr<T>(), config.molecule_features);
        molecules[k].log10_dose_um = static_cast<T>(0.1 * k - 1);
        molecules[k].key = std::to_string(k);
        row.molecule = &molecules[k];
      }
      row.knockout = knockouts[k];
      rows.push_back(row);
    }
  }

  // The same through TorchScript with plain attention, one row at a time.
  Tensor Expected(const Network& network, NetworkKind kind) const {
    torch::NoGradGuard no_grad;
    std::vector<Tensor> expected;
    for (size_t k = 0; k < rows.size(); ++k) {
      const auto at = static_cast<int64_t>(k);
      Network::Inputs inputs;
      inputs.cell_type = torch::full({1}, rows[k].cell_type, torch::kInt64);
      if (rows[k].control != nullptr) {
        inputs.control = control.narrow(0, at, 1);
        inputs.knockout = torch::zeros({1, config.nodes}, control.options());
        for (const int32_t node : rows[k].knockout) inputs.knockout[0][node] = 1.0;
        if (config.molecule_features > 0) {
          inputs.molecule = rows[k].molecule != nullptr
                                ? molecule.narrow(0, at, 1)
                                : torch::zeros({1, config.molecule_features}, control.options());
          inputs.dose =
              torch::full({1}, static_cast<double>(molecules[k].log10_dose_um), control.options());
        }
      }
      expected.push_back(kind == NetworkKind::kMask
                             ? network.MaskLogits(inputs)
                             : network.Denoise(x_t.narrow(0, at, 1),
                                               torch::full({1}, rows[k].time, torch::kInt64),
                                               inputs));
    }
    return torch::cat(expected);
  }

  ModelConfig config;
  Tensor x_t, control, molecule, out;
  std::vector<std::vector<int32_t>> knockouts;
  std::vector<Molecule<T>> molecules;
  std::vector<AlignedVector<T>> gene_readout;
  std::vector<NetworkRow<T>> rows;
};

double Largest(const Tensor& tensor) { return tensor.abs().max().item<double>(); }

template <typename T>
void ExpectParity(const ModelConfig& config, const Graph& graph, double tolerance,
                  const std::string& what) {
  for (const NetworkKind kind : {NetworkKind::kDenoiser, NetworkKind::kMask}) {
    Network network = MakeNetwork(kind, config, graph);
    if (std::is_same_v<T, double>) network.To(torch::kFloat64);
    Rows<T> rows(config, 7);
    if (kind == NetworkKind::kMask) {  // the mask model always sees a control
      for (size_t k = 0; k < rows.rows.size(); ++k) {
        rows.rows[k].control = rows.control[k].template data_ptr<T>();
      }
    }
    CpuNetwork<T> fused(kind == NetworkKind::kDenoiser, config, network.ToWeights<T>(), 2);
    fused.Run(rows.rows);
    const Tensor expected = rows.Expected(network, kind);
    const double scale = std::max(1.0, Largest(expected));
    EXPECT_LT(Largest(expected - rows.out) / scale, tolerance)
        << what << (kind == NetworkKind::kMask ? ", mask" : ", denoiser");
    // Whatever a path keeps, the second evaluation is the first.
    const Tensor first = rows.out.clone();
    fused.Run(rows.rows);
    EXPECT_TRUE(torch::equal(first, rows.out)) << what;
  }
}

TEST(CpuNetworkTest, EqualsTorchScriptOnGraphsOfEveryShape) {
  const std::vector<std::pair<std::string, Graph>> graphs = {
      {"some nodes without sources",
       RandomGraph(70, [](int64_t i) { return i % 5 == 0 ? 0 : 1 + i % 9; })},
      {"one hub", RandomGraph(70, [](int64_t i) { return i == 3 ? 1200 : 2; })},
      {"dense", RandomGraph(70, [](int64_t) { return 70; })},
      {"no edges", RandomGraph(70, [](int64_t) { return 0; })}};
  for (const auto& [what, graph] : graphs) {
    ExpectParity<double>(Config(67, 3), graph, 1e-9, what);
    ExpectParity<float>(Config(67, 3), graph, 1e-5, what);
  }
  Graph loops;
  loops.first = {0};
  for (int64_t i = 0; i < 70; ++i) {
    loops.second.push_back(i);
    loops.first.push_back(i + 1);
  }
  ExpectParity<double>(Config(67, 3), loops, 1e-9, "self-loops only");
  ExpectParity<double>(Config(1, 0), {{0, 1}, {0}}, 1e-9, "one node");
}

TEST(CpuNetworkTest, EqualsTorchScriptWithEverySwitch) {
  const Graph graph = RandomGraph(33, [](int64_t i) { return 1 + i % 6; });
  const std::vector<std::pair<std::string, std::function<void(ModelConfig*)>>> switches = {
      {"static", [](ModelConfig* c) { c->grn_inputs = "static"; }},
      {"recipe paper", [](ModelConfig* c) { c->recipe = "paper"; }},
      {"no residual", [](ModelConfig* c) { c->residual = false; }},
      {"no control", [](ModelConfig* c) { c->control_input = false; }},
      {"no network", [](ModelConfig* c) { c->grn = false; }},
      {"control residual", [](ModelConfig* c) { c->control_residual = true; }},
      {"mask head", [](ModelConfig* c) { c->mask_head = "grn"; }},
      {"dose gate", [](ModelConfig* c) { c->dose_gate = "sigmoid"; }},
      {"no molecules", [](ModelConfig* c) { c->molecule_features = 0; }},
      {"expected responses", [](ModelConfig* c) { c->expected_response = true; }},
      {"expected responses of genes alone",
       [](ModelConfig* c) { c->expected_response = true, c->molecule_features = 0; }},
      {"expected responses, static",
       [](ModelConfig* c) { c->expected_response = true, c->grn_inputs = "static"; }},
      {"condition vector", [](ModelConfig* c) { c->expected_response = true, c->condition = 7; }},
      {"condition vector of genes alone, static",
       [](ModelConfig* c) {
         c->expected_response = true, c->condition = 7, c->molecule_features = 0;
         c->grn_inputs = "static";
       }},
      {"trained perturbations from the control",
       [](ModelConfig* c) {
         c->expected_response = true, c->condition = 7, c->trained_from_control = true;
       }},
      {"one layer", [](ModelConfig* c) { c->layers = 1; }},
      {"three layers of three heads", [](ModelConfig* c) { c->layers = c->heads = 3; }},
      {"width 64", [](ModelConfig* c) { c->dim = 64; }},
      {"width 70, hidden 130", [](ModelConfig* c) { c->dim = 70, c->hidden = 130; }}};
  for (const auto& [what, change] : switches) {
    ModelConfig config = Config(31, 2);
    change(&config);
    ExpectParity<double>(config, graph, 1e-9, what);
    ExpectParity<float>(config, graph, 1e-5, what);
  }
}

TEST(CpuNetworkTest, ARowIsTheSameToTheBitInAnyCompanyAndOnAnyThreads) {
  ModelConfig config = Config(67, 3);
  config.expected_response = true;
  const Network network =
      MakeNetwork(NetworkKind::kDenoiser, config, RandomGraph(70, [](int64_t i) { return i % 8; }));
  const auto arrays = network.ToWeights<float>();
  CpuNetwork<float> together(true, config, arrays, 2);
  Rows<float> many(config, 23);
  together.Run(many.rows);
  CpuNetwork<float> alone(true, config, arrays, 1);
  Rows<float> one_by_one(config, 23);
  for (const auto& row : one_by_one.rows) alone.Run({row});
  EXPECT_TRUE(torch::equal(many.out, one_by_one.out));
}

TEST(CpuNetworkTest, NumbersBeyondTheTableAreComputed) {
  const ModelConfig config = Config(31, 2);
  const Graph graph = RandomGraph(33, [](int64_t i) { return 1 + i % 6; });
  const Network network = MakeNetwork(NetworkKind::kDenoiser, config, graph);
  Rows<float> rows(config, 4);
  rows.x_t.mul_(400.0);
  rows.control.mul_(50.0);
  CpuNetwork<float> fused(true, config, network.ToWeights<float>(), 1);
  fused.Run(rows.rows);
  const Tensor expected = rows.Expected(network, NetworkKind::kDenoiser);
  EXPECT_LT(((expected - rows.out) / (1.0 + expected.abs())).abs().max().item<double>(), 1e-4);
}

}  // namespace
}  // namespace unlasting::model
