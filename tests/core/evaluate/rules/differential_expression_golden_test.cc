// The tables of differential expression behind rule vcc2026 agree with the reference's.
//
// p values are compared as their nature allows: which cells tie depends on the last bit of a
// logarithm, so a few p values move by up to 3 %, but a missing correction would move them all.
#include <cmath>
#include <string>

#include "core/evaluate/multiple_testing.h"
#include "core/evaluate/rules/vcc2026_tables.h"
#include "gtest/gtest.h"
#include "tests/core/evaluate/rules/rule_files.h"

namespace unlasting::evaluate::rules {
namespace {

using nlohmann::json;
using unlasting::testing::GoldenNumber;
using unlasting::testing::SameNumber;

struct Loaded {
  unlasting::testing::TestTable truth, predicted;
  MatchedGroups groups;
  Vcc2026Tables tables;
};

Loaded Load(const std::string& data) {
  Loaded loaded;
  loaded.truth = unlasting::testing::OpenRuleFile(data + "_real.h5ad");
  loaded.predicted = unlasting::testing::OpenRuleFile(data + "_pred.h5ad");
  loaded.groups = MatchGroups(loaded.truth.table, loaded.predicted.table, "non-targeting").value();
  const Draws draws = DrawsFromJson(unlasting::testing::ReadRuleJson(data + "_vcc2026.json"),
                                    loaded.groups.truth, data)
                          .value();
  loaded.tables = MakeVcc2026Tables(loaded.truth.table, loaded.predicted.table, loaded.groups,
                                    draws, {2, 1 << 30})
                      .value();
  return loaded;
}

class TablesGoldenTest : public ::testing::TestWithParam<std::string> {};

TEST_P(TablesGoldenTest, FoldChangesAndPValuesAgree) {
  const Loaded loaded = Load(GetParam());
  const json golden = unlasting::testing::ReadRuleJson(GetParam() + "_de.json");
  for (const auto& [side, table] :
       {std::pair{"real", &loaded.tables.truth}, {"pred", &loaded.tables.predicted}}) {
    std::vector<int64_t> kept;
    std::vector<std::string> names;
    for (int64_t g = 0; g < table->genes; ++g) {
      if (table->tested[g] == 0) continue;
      kept.push_back(g);
      names.push_back(loaded.truth.table.genes[g]);
    }
    ASSERT_EQ(json(names), golden["genes_kept"][side]);
    const auto& targets = loaded.groups.truth.targets;
    int64_t close = 0, all = 0;
    for (const auto& [target, columns] : golden["tables"][side].items()) {
      const auto t = std::find(targets.begin(), targets.end(), target) - targets.begin();
      std::vector<double> p;
      for (size_t k = 0; k < kept.size(); ++k) {
        const double change = table->FoldChanges(t)[kept[k]];
        p.push_back(table->PValues(t)[kept[k]]);
        const double expected = GoldenNumber(columns["p_value"][k]);
        EXPECT_TRUE(SameNumber(change, GoldenNumber(columns["log2_fold_change"][k]), 1e-9));
        EXPECT_NEAR(p.back(), expected, 0.03 * expected) << side << target << names[k];
        close += std::abs(p.back() - expected) <= 1e-9 * expected ? 1 : 0;
        ++all;
      }
      const std::vector<double> adjusted = BenjaminiHochberg(p);
      for (size_t k = 0; k < kept.size(); ++k) {
        const double expected = GoldenNumber(columns["p_adj"][k]);
        EXPECT_NEAR(adjusted[k], expected, 0.03 * expected) << side << target << names[k];
      }
    }
    ASSERT_GT(all, 100);
    EXPECT_GE(close, all * 9 / 10) << side;
  }
}

TEST_P(TablesGoldenTest, ThePseudobulkOfTheControlAgrees) {
  const Loaded loaded = Load(GetParam());
  const json golden = unlasting::testing::ReadRuleJson(GetParam() + "_vcc2026.json");
  const json& bulk = golden["parts_pdex"]["real"]["bulk_control"];
  const auto found = loaded.tables.truth.Bulk(loaded.tables.truth.targets);
  ASSERT_EQ(found.size(), bulk.size());
  for (size_t g = 0; g < bulk.size(); ++g) {
    EXPECT_TRUE(SameNumber(found[g], GoldenNumber(bulk[g]), 1e-9)) << g;
  }
}

TEST_P(TablesGoldenTest, TheBaselineScaleAgrees) {
  const Loaded loaded = Load(GetParam());
  const json golden = unlasting::testing::ReadRuleJson(GetParam() + "_vcc2026.json");
  const json& scale = golden["baseline_construction"]["scale"];
  ASSERT_EQ(loaded.tables.baseline_scale.size(), scale.size());
  for (size_t g = 0; g < scale.size(); ++g) {
    EXPECT_TRUE(SameNumber(loaded.tables.baseline_scale[g], GoldenNumber(scale[g]), 1e-9)) << g;
  }
}

INSTANTIATE_TEST_SUITE_P(Reference, TablesGoldenTest, ::testing::Values("syn", "thp1"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace unlasting::evaluate::rules
