#include "core/cells/simulation.h"

#include <cmath>
#include <numeric>

#include "core/anndata/writer.h"
#include "core/cells/preprocess.h"
#include "tests/support/files.h"

namespace unlasting::cells {
namespace {

SimulationOptions Small() {
  SimulationOptions options;
  options.cells = 1200;
  options.genes = 150;
  options.perturbations = 6;
  options.doubles = 2;
  options.density = 0.5;
  options.dropout = 0;
  options.expected = true;
  options.seed = 7;
  return options;
}

std::vector<std::string> Text(const anndata::AnnData& data, const char* column) {
  return anndata::AsStrings(*data.obs.Find(column));
}

const CsrMatrix& Csr(const anndata::Matrix& matrix) { return std::get<CsrMatrix>(matrix); }

TEST(SimulationTest, TheSameSeedGivesTheSameCellsOnAnyNumberOfThreads) {
  SimulationOptions options = Small();
  const auto one = Simulate(options);
  options.threads = 3;
  const auto three = Simulate(options);
  ASSERT_OK(one);
  ASSERT_OK(three);
  EXPECT_EQ(Csr(one->x).values, Csr(three->x).values);
  EXPECT_EQ(Csr(one->x).indices, Csr(three->x).indices);
  options.seed = 8;
  EXPECT_NE(Csr(Simulate(options)->x).values, Csr(one->x).values);
}

TEST(SimulationTest, CellsThatDoNotRespondAreTheirUnperturbedTwins) {
  const auto data = Simulate(Small());
  ASSERT_OK(data);
  const DenseMatrix x = ToDense(Csr(data->x));
  const DenseMatrix twin = ToDense(Csr(data->layers.at("unperturbed")));
  const auto responders = std::get<std::vector<bool>>(*data->obs.Find("responder"));
  const auto conditions = Text(*data, "condition");
  int64_t perturbed = 0, responding = 0;
  for (int64_t r = 0; r < x.rows; ++r) {
    const bool same = x.Row(r) == twin.Row(r);
    EXPECT_FALSE(responders[r] && conditions[r] == "ctrl");
    EXPECT_TRUE(responders[r] || same) << r;
    perturbed += conditions[r] != "ctrl";
    responding += responders[r];
  }
  EXPECT_NEAR(static_cast<double>(perturbed) / x.rows, 0.75, 0.01);
  EXPECT_NEAR(static_cast<double>(responding) / perturbed, 0.7, 0.05);
}

TEST(SimulationTest, EffectsTravelAlongThePlantedNetwork) {
  const auto data = Simulate(Small());
  ASSERT_OK(data);
  const auto& network = Csr(data->varp.at("network"));
  const auto& effects = std::get<DenseMatrix>(data->varm.at("effects"));
  const auto names = data->uns["simulation"]["conditions"].get<std::vector<std::string>>();
  ASSERT_FALSE(names.empty());
  ASSERT_GT(network.rows, 0);
  for (size_t c = 0; c < names.size(); ++c) {
    for (int64_t target = 0; target < network.rows; ++target) {
      double expected = 0;
      const auto sources = network.RowIndices(target);
      for (size_t k = 0; k < sources.size(); ++k) {
        expected += network.RowValues(target)[k] * effects.At(sources[k], c);
      }
      const bool knocked_out = names[c].find(data->var.index[target]) != std::string::npos;
      EXPECT_NEAR(effects.At(target, c), knocked_out ? -3.0 : expected, 1e-5) << names[c];
    }
  }
  // The noise-free profiles of responders show them.
  const auto& after = std::get<DenseMatrix>(data->layers.at("expected"));
  const auto& before = std::get<DenseMatrix>(data->layers.at("expected_unperturbed"));
  const auto conditions = Text(*data, "condition");
  const auto responders = std::get<std::vector<bool>>(*data->obs.Find("responder"));
  const auto gene = static_cast<int64_t>(
      std::find(data->var.index.begin(), data->var.index.end(), names[1].substr(0, 4)) -
      data->var.index.begin());
  ASSERT_LT(gene, after.cols);
  double knocked_out = 0, untouched = 0;
  for (int64_t r = 0; r < after.rows; ++r) {
    if (conditions[r] != names[1] || !responders[r]) continue;
    knocked_out += std::expm1(after.At(r, gene));
    untouched += std::expm1(before.At(r, gene));
  }
  EXPECT_LT(knocked_out, 0.3 * untouched);
}

TEST(SimulationTest, ResponseGrowsWithTheDose) {
  SimulationOptions options = Small();
  options.perturbations = options.doubles = 0;
  options.molecules = 40;
  const auto data = Simulate(options);
  ASSERT_OK(data);
  const auto& effects = std::get<DenseMatrix>(data->varm.at("effects"));
  for (int64_t m = 0; m < options.molecules; ++m) {
    double last = 0;
    for (int64_t dose = 0; dose < 3; ++dose) {
      double size = 0;
      for (int64_t g = 0; g < effects.rows; ++g) size += std::abs(effects.At(g, 1 + 3 * m + dose));
      EXPECT_GT(size, last);
      last = size;
    }
  }
}

TEST(SimulationTest, DensityAndDropoutAreWhatWasAskedFor) {
  SimulationOptions options = Small();
  options.expected = false;
  options.library_spread = 0;
  for (const double density : {0.1, 0.5}) {
    options.density = density;
    options.dropout = 0;
    const auto stored = [&] {
      // Before effects, as the option says.
      return static_cast<double>(Csr(Simulate(options)->layers.at("unperturbed")).values.size());
    };
    const double whole = stored();
    EXPECT_NEAR(whole / (options.cells * options.genes), density, 0.02);
    options.dropout = 0.5;
    EXPECT_LT(stored(), 0.9 * whole);
  }
}

TEST(SimulationTest, FitsPreprocessingTakesTheFileAsItIs) {
  const test::TempFolder folder;
  SimulationOptions options = Small();
  options.molecules = 3;
  const auto data = Simulate(options);
  ASSERT_OK(data);
  ASSERT_OK(anndata::WriteAnnData(*data, folder.At("s.h5ad")));
  for (const char* split : {"cells", "conditions", "drugs", "doses", "doubles"}) {
    PreprocessOptions preprocess;
    preprocess.genes = 50;
    preprocess.split.kind = split;
    const auto prepared = PreprocessFile(folder.At("s.h5ad"), LoadOptions(), preprocess);
    ASSERT_OK(prepared);
    EXPECT_GT(prepared->target_sum, 0) << split;
  }
}

TEST(SimulationTest, BadOptionsAreNamed) {
  const auto refused = [](void (*change)(SimulationOptions*), const std::string& words) {
    SimulationOptions options = Small();
    change(&options);
    const auto data = Simulate(options);
    ASSERT_EQ(data.status().code(), absl::StatusCode::kInvalidArgument) << words;
    EXPECT_NE(data.status().message().find(words), absl::string_view::npos) << data.status();
  };
  refused([](SimulationOptions* o) { o->cells = 0; }, "--cells: found 0");
  refused([](SimulationOptions* o) { o->genes = -1; }, "--genes");
  refused([](SimulationOptions* o) { o->perturbations = 1000; }, "--perturbations: found 1000");
  refused([](SimulationOptions* o) { o->perturbations = 0; }, "--doubles");
  refused([](SimulationOptions* o) { o->perturbations = o->doubles = 0; }, "--perturbations");
  refused([](SimulationOptions* o) { o->doubles = 16; }, "--doubles: found 16");
  refused([](SimulationOptions* o) { o->density = std::nan(""); }, "--density");
  refused([](SimulationOptions* o) { o->dropout = 1; }, "--dropout");
  refused(
      [](SimulationOptions* o) {
        o->molecules = 2;
        o->doses_um = {0};
      },
      "--doses");
  refused(
      [](SimulationOptions* o) {
        o->molecules = 2;
        o->doses_um.clear();
      },
      "--doses");
}

}  // namespace
}  // namespace unlasting::cells
