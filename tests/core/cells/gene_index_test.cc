#include "core/cells/gene_index.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unlasting::cells {
namespace {

using testing::ElementsAre;

TEST(GeneIndex, FindsByNameAndBySymbol) {
  const GeneIndex index({"E1", "E2", "E3"}, {{"E1", "STAT1"}, {"E2", ""}, {"absent", "JAK2"}});
  EXPECT_EQ(index.Find("E2"), 1);
  EXPECT_EQ(index.Find("STAT1"), 0);
  EXPECT_EQ(index.Find("JAK2"), -1);
  EXPECT_EQ(index.Find(""), -1);
}

TEST(GeneIndex, ANameIsPreferredToAnotherGenesSymbol) {
  const GeneIndex index({"E1", "STAT1"}, {{"E1", "STAT1"}});
  EXPECT_EQ(index.Find("STAT1"), 1);
}

TEST(GeneIndex, TheFirstOfTwoGenesWithOneSymbolIsFound) {
  const GeneIndex index({"E1", "E2"}, {{"E1", "S"}, {"E2", "S"}});
  EXPECT_EQ(index.Find("S"), 0);
}

TEST(GeneIndex, EveryGeneOfAModelIsMatchedByNameElseBySymbol) {
  const GeneSymbols symbols = {{"E1", "S1"}, {"E2", "S2"}, {"E3", "S2"}, {"E4", ""}};
  EXPECT_THAT(MatchGenes({"E1", "E2", "E3", "E4"}, symbols, GeneIndex({"S2", "S1", "E1", ""})),
              ElementsAre(2, 0, 0, -1))
      << "E1 by its name though its symbol is there, E2 and E3 share a symbol's column";
}

}  // namespace
}  // namespace unlasting::cells
