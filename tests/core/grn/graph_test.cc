#include "core/grn/graph.h"

#include <cmath>
#include <random>

#include "tests/support/files.h"

namespace unlasting::grn {
namespace {

std::vector<int32_t> SourcesOf(const Graph& graph, int64_t node) {
  return {graph.sources.begin() + graph.indptr[node],
          graph.sources.begin() + graph.indptr[node + 1]};
}

TEST(BuildGraphTest, EveryNodeHasOneSelfLoopAndSortedSources) {
  const Graph graph = BuildGraph(4, {{2, 0, 1}, {1, 0, 1}, {3, 3, 1}, {1, 0, 0.5}}, 0);
  EXPECT_EQ(SourcesOf(graph, 0), (std::vector<int32_t>{0, 1, 2}));
  EXPECT_EQ(SourcesOf(graph, 1), std::vector<int32_t>{1});
  EXPECT_EQ(SourcesOf(graph, 3), std::vector<int32_t>{3});
}

TEST(BuildGraphTest, DegreeCapKeepsTheStrongestBesidesTheSelfLoop) {
  const Graph graph = BuildGraph(5, {{1, 0, 0.3}, {2, 0, 0.9}, {3, 0, 0.5}, {4, 0, 0.4}}, 2);
  EXPECT_EQ(SourcesOf(graph, 0), (std::vector<int32_t>{0, 2, 3}));
}

TEST(CoExpressionTest, FindsAPlantedGraphInNodeOrder) {
  // Gene 2 follows gene 5, gene 7 opposes gene 1; the rest is noise; gene 3 is constant.
  std::mt19937_64 random(1);
  std::normal_distribution<float> normal;
  DenseMatrix cells(500, 9);
  for (int64_t r = 0; r < cells.rows; ++r) {
    for (float& value : cells.Row(r)) value = 5 + normal(random);
    cells.At(r, 2) = cells.At(r, 5) + 0.3f * normal(random);
    cells.At(r, 7) = 10 - cells.At(r, 1) + 0.3f * normal(random);
    cells.At(r, 3) = 2;
  }
  const Graph graph = BuildGraph(9, CoExpressionEdges(ToCsr(cells), 0.3), 0);
  EXPECT_EQ(SourcesOf(graph, 2), (std::vector<int32_t>{2, 5}));
  EXPECT_EQ(SourcesOf(graph, 5), (std::vector<int32_t>{2, 5}));
  EXPECT_EQ(SourcesOf(graph, 7), (std::vector<int32_t>{1, 7}));
  EXPECT_EQ(SourcesOf(graph, 3), std::vector<int32_t>{3});
  EXPECT_EQ(graph.edges(), 9 + 4);
}

TEST(CoExpressionTest, EqualsTheDenseCorrelationsOnAnyNumberOfThreads) {
  // More cells than a block, more genes than a task, most entries silent.
  std::mt19937_64 random(2);
  DenseMatrix cells(5000, 130);
  for (float& value : cells.values) {
    value = random() % 4 == 0 ? static_cast<float>(random() % 1000) / 250 : 0.0f;
  }
  for (int64_t r = 0; r < cells.rows; ++r) cells.At(r, 129) = 0.5f * cells.At(r, 0) + 1;
  const auto correlation = [&](int64_t a, int64_t b) {
    double mean_a = 0, mean_b = 0, aa = 0, bb = 0, ab = 0;
    for (int64_t r = 0; r < cells.rows; ++r) {
      mean_a += cells.At(r, a) / cells.rows;
      mean_b += cells.At(r, b) / cells.rows;
    }
    for (int64_t r = 0; r < cells.rows; ++r) {
      const double x = cells.At(r, a) - mean_a, y = cells.At(r, b) - mean_b;
      aa += x * x;
      bb += y * y;
      ab += x * y;
    }
    return ab / std::sqrt(aa * bb);
  };
  const auto one = CoExpressionEdges(ToCsr(cells), 0.03, 1);
  const auto three = CoExpressionEdges(ToCsr(cells), 0.03, 3);
  ASSERT_EQ(one.size(), three.size());
  ASSERT_GT(one.size(), 2u);
  for (size_t k = 0; k < one.size(); ++k) {
    EXPECT_EQ(one[k].strength, three[k].strength);
    EXPECT_NEAR(one[k].strength, std::abs(correlation(one[k].source, one[k].target)), 1e-9);
  }
}

TEST(BuildGraphTest, StrengthsStandBesideTheirSources) {
  const Graph graph = BuildGraph(3, {{2, 0, 0.5}, {1, 0, 0.25}}, 0);
  EXPECT_EQ(graph.strengths, (std::vector<float>{1.0f, 0.25f, 0.5f, 1.0f, 1.0f}));
}

TEST(PriorTest, ReadsEdgesByNameAndCountsWhatItSkips) {
  const test::TempFolder folder;
  std::ofstream(folder.At("prior.tsv"))
      << "source\ttarget\tmode\n# note\nSTAT1\tIRF1\tActivation\t1\n"
      << "STAT1\tNOBODY\tUnknown\t2\nIRF1\tSTAT1\r\n";
  PriorMatches matches;
  const auto edges = ReadPriorEdges(folder.At("prior.tsv"), NodeNames({"IRF1", "STAT1"}), &matches);
  ASSERT_OK(edges);
  ASSERT_EQ(edges->size(), 2u);
  EXPECT_EQ((*edges)[0].source, 1);
  EXPECT_EQ((*edges)[0].target, 0);
  EXPECT_EQ(matches.skipped, 2);
  EXPECT_EQ(matches.loose, 0);
  // DoRothEA's columns.
  std::ofstream(folder.At("regulons.tsv")) << "tf\tconfidence\ttarget\tmor\nSTAT1\tA\tIRF1\t1\n";
  const auto regulons =
      ReadPriorEdges(folder.At("regulons.tsv"), NodeNames({"IRF1", "STAT1"}), &matches);
  ASSERT_OK(regulons);
  ASSERT_EQ(regulons->size(), 1u);
  EXPECT_EQ((*regulons)[0].source, 1);
  EXPECT_EQ((*regulons)[0].target, 0);
  std::ofstream(folder.At("bad.tsv")) << "STAT1 IRF1\n";
  EXPECT_EQ(ReadPriorEdges(folder.At("bad.tsv"), NodeNames({}), &matches).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadPriorEdges(folder.At("absent.tsv"), NodeNames({}), &matches).status().code(),
            absl::StatusCode::kNotFound);
}

TEST(PriorEdgesTest, NamesAndSymbolsNameTheSameNodesAndStrengthsOfOurListsAreKept) {
  const test::TempFolder folder;
  const NodeNames nodes({"ENSG1", "ENSG2", "U0"}, {"STAT1", "IRF1"});
  EXPECT_EQ(nodes.Find("IRF1"), 1);
  EXPECT_EQ(nodes.Find("ENSG1"), 0);
  EXPECT_EQ(nodes.Find("U0"), 2);
  EXPECT_EQ(nodes.Find(""), -1) << "no symbol is no name";
  PriorMatches matches;
  std::ofstream(folder.At("ours.tsv")) << "source\ttarget\tstrength\nENSG1\tIRF1\t0.25\n";
  auto edges = ReadPriorEdges(folder.At("ours.tsv"), nodes, &matches);
  ASSERT_OK(edges);
  ASSERT_EQ(edges->size(), 1u);
  EXPECT_EQ((*edges)[0].source, 0);
  EXPECT_EQ((*edges)[0].target, 1);
  EXPECT_DOUBLE_EQ((*edges)[0].strength, 0.25);
  // The third column of other lists means what their makers mean.
  std::ofstream(folder.At("theirs.tsv")) << "source\ttarget\tmor\nSTAT1\tENSG2\t-1\n";
  edges = ReadPriorEdges(folder.At("theirs.tsv"), nodes, &matches);
  ASSERT_OK(edges);
  EXPECT_DOUBLE_EQ((*edges)[0].strength, 1);
}

TEST(PriorEdgesTest, CaseAndVersionsOfEnsemblIdsAreNoReasonToLoseAnEdge) {
  EXPECT_EQ(LooseGeneName("ensg00000115415.19"), "ENSG00000115415");
  EXPECT_EQ(LooseGeneName("ENSMUSG00000026104.1"), "ENSMUSG00000026104");
  EXPECT_EQ(LooseGeneName("Nkx2.1"), "NKX2.1") << "no version";
  EXPECT_EQ(LooseGeneName("AL807752.1"), "AL807752.1") << "a clone's number is part of its name";
  const test::TempFolder folder;
  const NodeNames nodes({"ENSG00000115415.19", "ENSG00000125347", "Sox2", "SOX2"},
                        {"STAT1", "IRF1"});
  std::ofstream(folder.At("prior.tsv")) << "source\ttarget\nENSG00000115415\tENSG00000125347.14\n"
                                        << "Stat1\tirf1\nIRF1\tSox2\nIRF1\tsox2\n";
  PriorMatches matches;
  const auto edges = ReadPriorEdges(folder.At("prior.tsv"), nodes, &matches);
  ASSERT_OK(edges);
  ASSERT_EQ(edges->size(), 3u);
  for (int k = 0; k < 2; ++k) {
    EXPECT_EQ((*edges)[k].source, 0);
    EXPECT_EQ((*edges)[k].target, 1);
  }
  EXPECT_EQ((*edges)[2].target, 2) << "as written";
  EXPECT_EQ(matches.skipped, 2) << "the header, and sox2, which may be either";
  EXPECT_EQ(matches.loose, 4);
  EXPECT_EQ(matches.example, "'ENSG00000115415' for 'ENSG00000115415.19'");
}

TEST(PriorEdgesTest, AListThatJoinsNoTwoNodesIsRefused) {
  const test::TempFolder folder;
  const NodeNames nodes({"ENSG1", "ENSG2"}, {"STAT1", "IRF1"});
  PriorMatches matches;
  std::ofstream(folder.At("mouse.tsv")) << "source\ttarget\nHnf4a\tIrf1\n";
  const auto edges = ReadPriorEdges(folder.At("mouse.tsv"), nodes, &matches);
  EXPECT_EQ(edges.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(edges.status().message().find("found 'Hnf4a', expected names like 'ENSG1' or 'STAT1'"),
            absl::string_view::npos)
      << edges.status();
  std::ofstream(folder.At("empty.tsv")) << "# nothing\n";
  EXPECT_EQ(ReadPriorEdges(folder.At("empty.tsv"), nodes, &matches).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace unlasting::grn
