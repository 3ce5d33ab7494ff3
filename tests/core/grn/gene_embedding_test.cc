#include "core/grn/gene_embedding.h"

#include <cmath>
#include <random>

#include "core/anndata/writer.h"
#include "gmock/gmock.h"
#include "tests/support/files.h"

namespace unlasting::grn {
namespace {

using testing::HasSubstr;

// What numpy.save writes for a C-ordered [rows, cols].
template <typename T>
std::string Npy(const std::string& type, int64_t rows, int64_t cols, const std::vector<T>& values) {
  std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" +
                       std::to_string(rows) + ", " + std::to_string(cols) + "), }";
  header.resize(117, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size());
  bytes += '\0';
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  return bytes;
}

class EmbeddingTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_.At(name), std::ios::binary) << text;
    return folder_.At(name);
  }
  static void ExpectIs(const absl::StatusOr<GeneEmbedding>& found) {
    ASSERT_OK(found);
    EXPECT_EQ(found->genes, (std::vector<std::string>{"A", "B"}));
    EXPECT_EQ(found->vectors.values, (std::vector<float>{1, 2, 3, 4, 5, -6}));
    EXPECT_EQ(found->vectors.rows, 2);
  }
  static void ExpectRefused(const std::string& path, const std::string& words) {
    const auto found = ReadGeneEmbedding(path);
    EXPECT_EQ(found.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(found.status().message()), HasSubstr(words));
    EXPECT_THAT(std::string(found.status().message()), HasSubstr("grn.prior"));
  }
  test::TempFolder folder_;
};

TEST_F(EmbeddingTest, ATsvMayHaveAHeader) {
  ExpectIs(ReadGeneEmbedding(Write("a.tsv", "A\t1\t2\t3\nB\t4\t5\t-6\n")));
  ExpectIs(ReadGeneEmbedding(Write("b.tsv", "gene\td0\td1\td2\r\nA\t1\t2\t3\r\nB\t4\t5\t-6\r\n")));
  ExpectRefused(Write("c.tsv", "A\t1\t2\nB\t4\n"), "line 2: found 1 values, expected 2");
  ExpectRefused(Write("d.tsv", "A\t1\t2\nB\t4\tx\n"), "line 2: found 'x'");
  ExpectRefused(Write("e.tsv", "A\t1\tnan\n"), "not finite");
  EXPECT_EQ(ReadGeneEmbedding(folder_.At("absent.tsv")).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(EmbeddingTest, NpyHasItsNamesBesideIt) {
  Write("a.genes.txt", "A\nB\n");
  ExpectIs(ReadGeneEmbedding(Write("a.npy", Npy<float>("<f4", 2, 3, {1, 2, 3, 4, 5, -6}))));
  ExpectIs(ReadGeneEmbedding(Write("a.npy", Npy<double>("<f8", 2, 3, {1, 2, 3, 4, 5, -6}))));
  ExpectRefused(Write("a.npy", Npy<float>("<f4", 3, 2, {1, 2, 3, 4, 5, -6})),
                "3 rows, but 2 names");
  ExpectRefused(Write("a.npy", Npy<float>("<f4", 2, 3, {1, 2, 3, 4, 5})), "truncated");
  ExpectRefused(Write("a.npy", Npy<int64_t>("<i8", 2, 1, {1, 2})), "'<i8'");
  ExpectRefused(Write("a.npy", "noise"), "is not a .npy file");
}

TEST_F(EmbeddingTest, AnnDataHasGenesAsObs) {
  anndata::AnnData data;
  DenseMatrix x(2, 3);
  x.values = {1, 2, 3, 4, 5, -6};
  data.x = x;
  data.obs.index = {"A", "B"};
  data.var.index = {"0", "1", "2"};
  ASSERT_OK(anndata::WriteAnnData(data, folder_.At("a.h5ad")));
  ExpectIs(ReadGeneEmbedding(folder_.At("a.h5ad")));
}

TEST_F(EmbeddingTest, IsToldFromAnEdgeListByItsContent) {
  EXPECT_TRUE(HoldsEmbedding(Write("a.tsv", "A\t1\t2\t3\nB\t4\t5\t-6\n")));
  EXPECT_TRUE(HoldsEmbedding(Write("b.tsv", "# scGPT\ngene\td0\td1\nA\t1e-3\t2\n")));
  EXPECT_FALSE(HoldsEmbedding(Write("c.tsv", "source\ttarget\tstrength\nA\tB\t0.5\n")));
  EXPECT_FALSE(HoldsEmbedding(Write("d.tsv", "AATF\tBAX\tRepression\t22909821\nA\tB\t1\t2\n")));
  EXPECT_TRUE(HoldsEmbedding("x.npy"));
  EXPECT_TRUE(HoldsEmbedding("x.h5ad"));
}

TEST(CosineEdgesTest, JoinsLikeGenesBothWaysInNodeOrder) {
  // B is A's direction, C is at 60 degrees from A, D opposes A, E is unknown, Z is zero.
  GeneEmbedding embedding{{"D", "C", "B", "A", "Z", "A"}, DenseMatrix(6, 2)};
  embedding.vectors.values = {-1, 0, 0.5f, std::sqrt(0.75f), 7, 0, 2, 0, 0, 0, 0, 1};
  PriorMatches matches;
  const auto edges =
      CosineEdges(embedding, NodeNames({"A", "B", "C", "D", "E", "Z"}), 0.499, 2, &matches);
  EXPECT_EQ(matches.skipped, 1);
  ASSERT_EQ(edges.size(), 6u);
  EXPECT_EQ(edges[0].source, 0);
  EXPECT_EQ(edges[0].target, 1);
  EXPECT_DOUBLE_EQ(edges[0].strength, 1.0);
  EXPECT_EQ(edges[1].source, 1);
  EXPECT_EQ(edges[1].target, 0);
  EXPECT_EQ(edges[2].target, 2);
  EXPECT_NEAR(edges[2].strength, 0.5, 1e-6);
  EXPECT_EQ(CosineEdges(embedding, NodeNames({"A", "B", "C"}), 0.9, 1, &matches).size(), 2u);
  // Equal directions are at 1, whatever their rounding.
  EXPECT_EQ(CosineEdges(embedding, NodeNames({"A", "B", "C"}), 1.0, 1, &matches).size(), 2u);
}

TEST(CosineEdgesTest, FindsGenesWithoutRegardToCaseAndEnsemblVersion) {
  GeneEmbedding embedding;
  embedding.genes = {"stat1", "ENSG00000125347.14"};
  embedding.vectors = DenseMatrix(2, 2);
  embedding.vectors.values = {1, 0, 1, 0};
  PriorMatches matches;
  EXPECT_EQ(
      CosineEdges(embedding, NodeNames({"STAT1", "ENSG00000125347"}), 0.9, 1, &matches).size(), 2u);
  EXPECT_EQ(matches.skipped, 0);
  EXPECT_EQ(matches.loose, 2);
}

TEST(CosineEdgesTest, IsTheDoublePrecisionCosineOnAnyNumberOfThreads) {
  std::mt19937_64 random(4);
  std::normal_distribution<float> normal;
  GeneEmbedding embedding{{}, DenseMatrix(60, 16)};
  for (int k = 0; k < 60; ++k) embedding.genes.push_back(std::to_string(k));
  for (float& value : embedding.vectors.values) value = normal(random);
  PriorMatches matches;
  const auto one = CosineEdges(embedding, NodeNames(embedding.genes), 0.1, 1, &matches);
  const auto three = CosineEdges(embedding, NodeNames(embedding.genes), 0.1, 3, &matches);
  ASSERT_EQ(one.size(), three.size());
  ASSERT_GT(one.size(), 100u);
  for (size_t k = 0; k < one.size(); ++k) {
    double ab = 0, aa = 0, bb = 0;
    for (int d = 0; d < 16; ++d) {
      const double a = embedding.vectors.At(one[k].source, d);
      const double b = embedding.vectors.At(one[k].target, d);
      ab += a * b;
      aa += a * a;
      bb += b * b;
    }
    EXPECT_NEAR(one[k].strength, ab / std::sqrt(aa * bb), 1e-5);
    EXPECT_EQ(one[k].strength, three[k].strength);
  }
}

}  // namespace
}  // namespace unlasting::grn
