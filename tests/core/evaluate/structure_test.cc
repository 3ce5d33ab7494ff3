// Structure scores: agreement with numpy and scipy on published data, and what leaves them
// undefined.
#include "core/evaluate/structure.h"

#include <Eigen/Dense>
#include <cmath>
#include <fstream>

#include "core/evaluate/numpy_random.h"
#include "core/evaluate/principal_components.h"
#include "core/evaluate/two_sample.h"
#include "gtest/gtest.h"
#include "tests/core/evaluate/golden_data.h"

namespace unlasting::evaluate {
namespace {

struct Case {
  std::string file, condition;
};

class StructureGoldenTest : public ::testing::TestWithParam<Case> {};

TEST_P(StructureGoldenTest, ScoresAgreeWithNumpy) {
  const auto data = unlasting::testing::LoadGolden(GetParam().file);
  const auto golden =
      nlohmann::json::parse(std::ifstream("tests/golden/structure.json"))[GetParam().file];
  const DenseMatrix predicted = data.Cells("ctrl", 325);
  const DenseMatrix truth = data.Cells(GetParam().condition, 400);
  const StructureGenes genes = ChooseStructureGenes(truth, data.Cells("ctrl"));
  const Structure found = CompareStructure(predicted, truth, genes);
  EXPECT_NEAR(found.correlation_error, golden["correlation_error.top50"], 1e-6);
  EXPECT_NEAR(found.correlation_agreement, golden["correlation_agreement.top50"], 1e-6);
  EXPECT_NEAR(found.co_silence_error, golden["co_silence_error.top50"], 1e-6);
  EXPECT_NEAR(found.active_genes_mean, golden["active_genes_mean.all"], 1e-6);
  EXPECT_NEAR(found.active_genes_spread, golden["active_genes_spread.all"], 1e-6);
  const ToldApart told = TellApart(predicted, truth, 0);
  EXPECT_NEAR(told.knn, golden["auc_knn.all"], 1e-6);
  EXPECT_NEAR(told.logistic, golden["auc_logistic.all"], 1e-3);
}

INSTANTIATE_TEST_SUITE_P(
    Published, StructureGoldenTest,
    ::testing::Values(Case{"papalexi2021_eccite_thp1_303g", "STAT1+ctrl"},
                      Case{"zhao2021_glioblastoma_panobinostat_300g", "Panobinostat"}),
    [](const auto& info) { return info.param.file.substr(0, info.param.file.find('_')); });

TEST(StructureTest, OneCellLeavesEverythingUndefined) {
  const DenseMatrix one(1, 4), many(30, 4);
  const StructureGenes genes = ChooseStructureGenes(one, many);
  EXPECT_TRUE(genes.correlated.empty());
  const Structure found = CompareStructure(one, many, genes);
  EXPECT_TRUE(std::isnan(found.correlation_error));
  EXPECT_TRUE(std::isnan(found.active_genes_spread));
  EXPECT_TRUE(std::isnan(TellApart(one, many, 0).knn));
}

TEST(StructureTest, ConstantCellsHaveNoSpreadAndCannotBeToldApart) {
  const DenseMatrix a(30, 4), b(30, 4);
  const Structure found = CompareStructure(a, b, ChooseStructureGenes(b, b));
  EXPECT_TRUE(std::isnan(found.active_genes_spread));
  EXPECT_EQ(found.correlation_error, 0);
  EXPECT_NEAR(TellApart(a, b, 0).logistic, 0.5, 0.5);
}

TEST(StructureTest, CellsThatDifferInEveryGeneAreAlwaysToldApart) {
  DenseMatrix a(40, 3), b(40, 3);
  for (int64_t r = 0; r < 40; ++r) {
    for (int64_t g = 0; g < 3; ++g) {
      a.At(r, g) = static_cast<float>(1 + 0.01 * ((r * 7 + g * 3) % 11));
      b.At(r, g) = static_cast<float>(5 + 0.01 * ((r * 5 + g) % 13));
    }
  }
  const ToldApart told = TellApart(a, b, 0);
  EXPECT_EQ(told.knn, 1);
  EXPECT_EQ(told.logistic, 1);
}

// Cells whose values are drawn evenly from 0 to 1.
Eigen::MatrixXd RandomCells(Eigen::Index rows, Eigen::Index columns, uint64_t seed) {
  NumpyRandom random(seed);
  Eigen::MatrixXd cells(rows, columns);
  for (Eigen::Index k = 0; k < cells.size(); ++k) {
    cells.data()[k] = static_cast<double>(random.Below(1000)) / 1000;
  }
  return cells;
}

TEST(PrincipalComponentsTest, AFewOfManyAreThoseOfTheWholeDecomposition) {
  for (const auto& [rows, columns] : {std::pair{260, 700}, {700, 260}}) {
    const Eigen::MatrixXd cells = RandomCells(rows, columns, 3);
    const Eigen::MatrixXd found = PrincipalComponents(cells, 20);
    const Eigen::MatrixXd centred = cells.rowwise() - cells.colwise().mean();
    const Eigen::BDCSVD<Eigen::MatrixXd> whole(centred, Eigen::ComputeThinU | Eigen::ComputeThinV);
    for (Eigen::Index k = 0; k < 20; ++k) {
      const Eigen::VectorXd expected = whole.matrixU().col(k) * whole.singularValues()[k];
      EXPECT_NEAR(std::abs(found.col(19 - k).dot(expected)), expected.squaredNorm(), 1e-8) << k;
    }
  }
}

TEST(PrincipalComponentsTest, RepeatedCellsHaveFewDirectionsAndNoMore) {
  Eigen::MatrixXd cells(300, 250);
  const Eigen::MatrixXd kinds = RandomCells(3, 250, 4);
  for (Eigen::Index r = 0; r < cells.rows(); ++r) cells.row(r) = kinds.row(r % 3);
  const Eigen::MatrixXd found = PrincipalComponents(cells, 5);
  EXPECT_LT(found.leftCols(3).norm(), 1e-5);
  EXPECT_GT(found.col(3).norm(), 1);
  EXPECT_EQ(PrincipalComponents(Eigen::MatrixXd::Ones(230, 240), 20).norm(), 0);
}

}  // namespace
}  // namespace unlasting::evaluate
