#include "core/predict/query/control_scale.h"

#include <cmath>
#include <random>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/predict/query/controls.h"
#include "gmock/gmock.h"
#include "tests/support/files.h"
#include "tests/support/tiny_bundle.h"

namespace unlasting::predict {
namespace {

using cells::ControlMatrix;
using cells::MatrixKind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The bundle's cells sum to 1000 over its 24 genes, which are all that were measured.
class ControlScaleTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new test::TempFolder;
    test::TinyBundleOptions options;
    options.control_sum = 1000;
    ASSERT_OK(test::WriteTinyBundle(folder_->At("model"), options));
    bundle_ =
        new std::shared_ptr<const bundle::Bundle>(*bundle::Bundle::Load(folder_->At("model")));
  }
  static void TearDownTestSuite() {
    delete bundle_;
    delete folder_;
  }
  static const bundle::Bundle& Model() { return **bundle_; }

  static ControlMatrix Counts(int64_t cells, uint64_t seed = 1) {
    std::mt19937_64 random(seed);
    ControlMatrix controls;
    controls.kind = MatrixKind::kCounts;
    controls.genes = Model().manifest().genes;
    DenseMatrix values(cells, static_cast<int64_t>(controls.genes.size()));
    for (float& value : values.values) value = static_cast<float>(random() % 12);
    controls.values = ToCsr(values);
    controls.cell_types.assign(cells, "T1");
    return controls;
  }

  // log_base(1 + counts normalised to `target` over all genes).
  static ControlMatrix Logged(ControlMatrix controls, double target, double base) {
    controls.kind = MatrixKind::kLog1p;
    for (int64_t r = 0; r < controls.values.rows; ++r) {
      double sum = 0;
      for (const float value : controls.values.RowValues(r)) sum += value;
      for (float& value : controls.values.RowValues(r)) {
        value = static_cast<float>(std::log1p(value / sum * target) / std::log(base));
      }
    }
    return controls;
  }

  static ControlMatrix FirstGenes(const ControlMatrix& controls, size_t genes) {
    ControlMatrix part = controls;
    std::vector<int64_t> columns;
    for (size_t g = 0; g < genes; ++g) columns.push_back(static_cast<int64_t>(g));
    part.values = SelectColumns(controls.values, columns);
    part.genes.resize(genes);
    part.missing_genes = cells::MissingGenes::kZero;
    return part;
  }

  static void ExpectMismatch(const ControlMatrix& controls, const std::string& words) {
    const auto resolved = ResolveControls(Model(), controls);
    ASSERT_FALSE(resolved.ok()) << words;
    EXPECT_EQ(ReasonOf(resolved.status()), "SCALE_MISMATCH") << resolved.status();
    EXPECT_THAT(std::string(resolved.status().message()), HasSubstr(words));
  }

  inline static test::TempFolder* folder_ = nullptr;
  inline static std::shared_ptr<const bundle::Bundle>* bundle_ = nullptr;
};

TEST_F(ControlScaleTest, TheSameCellsOnAnyScaleAreTheSameCells) {
  std::mt19937_64 random(7);
  for (int k = 0; k < 40; ++k) {
    const ControlMatrix counts = Counts(3 + static_cast<int64_t>(random() % 30), random());
    const DenseMatrix expected = ToDense(ResolveControls(Model(), counts)->values);
    const double target = std::pow(10.0, 1 + static_cast<double>(random() % 5000) / 1000);
    for (const double base : {std::exp(1.0), 2.0, 10.0}) {
      const auto resolved = ResolveControls(Model(), Logged(counts, target, base));
      ASSERT_OK(resolved);
      const DenseMatrix found = ToDense(resolved->values);
      for (size_t at = 0; at < expected.values.size(); ++at) {
        ASSERT_NEAR(found.values[at], expected.values[at], 1e-5) << target << " base " << base;
      }
      EXPECT_FALSE(resolved->notes.empty());
    }
  }
}

TEST_F(ControlScaleTest, WhatWasRescaledIsNotedAndWhatFitsIsNot) {
  EXPECT_THAT(ResolveControls(Model(), Counts(9))->notes, IsEmpty());
  EXPECT_THAT(ResolveControls(Model(), Logged(Counts(9), 1000, std::exp(1.0)))->notes, IsEmpty());
  EXPECT_THAT(ResolveControls(Model(), Logged(Counts(9), 1e4, std::exp(1.0)))->notes,
              ElementsAre(HasSubstr("normalised to 10000 a cell were rescaled to 1000")));
}

TEST_F(ControlScaleTest, AnUnknownScaleThatPlainlyDoesNotFitIsRefused) {
  // Of a part of the genes the sums tell nothing, and of two cells neither.
  const ControlMatrix part = FirstGenes(Logged(Counts(9), 1e4, std::exp(1.0)), 20);
  ExpectMismatch(part, "expected log1p of counts normalised to the model's 1000");
  ExpectMismatch(Logged(Counts(2), 30, std::exp(1.0)), "--target-sum");
  EXPECT_OK(ResolveControls(Model(), FirstGenes(Logged(Counts(9), 1000, std::exp(1.0)), 20)));
  // Counts of a few genes, scaled by what was sent.
  ExpectMismatch(FirstGenes(Counts(9), 5), "library_sizes");
}

TEST_F(ControlScaleTest, ASumThatDiffersByAQuarterIsNotedAndWhatFewCellsShowIsNot) {
  const auto notes = [](double target, int64_t cells) {
    return ResolveControls(Model(), FirstGenes(Logged(Counts(cells), target, std::exp(1.0)), 20))
        ->notes;
  };
  EXPECT_THAT(notes(1000, 200), IsEmpty());
  EXPECT_THAT(notes(1600, 200), ElementsAre(HasSubstr("the model's own to")));
  EXPECT_THAT(notes(1600, 4), IsEmpty());
}

TEST_F(ControlScaleTest, GenesOfWhichAPartIsOnAnotherScaleAreNoted) {
  // A bundle of whose panel the means by gene are known well.
  const test::TempFolder folder;
  test::TinyBundleOptions options;
  options.control_sum = 1000;
  options.panel_cells = 400;
  ASSERT_OK(test::WriteTinyBundle(folder.At("model"), options));
  const auto model = *bundle::Bundle::Load(folder.At("model"));
  ControlMatrix controls = Logged(Counts(200), 1000, std::exp(1.0));
  EXPECT_THAT(ResolveControls(*model, controls)->notes, IsEmpty());
  for (const size_t scaled : {8, 12}) {
    ControlMatrix part = controls;
    DenseMatrix values = ToDense(part.values);
    for (int64_t r = 0; r < values.rows; ++r) {
      for (size_t g = 0; g < scaled; ++g) {
        values.At(r, g) = std::log1p(std::expm1(values.At(r, g)) / 4);
      }
    }
    part.values = ToCsr(values);
    EXPECT_THAT(ResolveControls(*model, part)->notes,
                testing::Contains(HasSubstr(
                    absl::StrCat(scaled, " of 24 genes that can be compared differ twofold"))));
  }
}

TEST_F(ControlScaleTest, WhoSaysTheScaleIsBelieved) {
  const ControlMatrix whole = Logged(Counts(9), 1e4, std::exp(1.0));
  ControlMatrix part = FirstGenes(whole, 20);
  part.target_sum = 1e4;
  const auto resolved = ResolveControls(Model(), part);
  ASSERT_OK(resolved);
  const DenseMatrix expected = ToDense(ResolveControls(Model(), whole)->values);
  const DenseMatrix found = ToDense(resolved->values);
  for (int64_t r = 0; r < found.rows; ++r) {
    for (int64_t g = 0; g < 20; ++g) EXPECT_NEAR(found.At(r, g), expected.At(r, g), 1e-5);
  }
  part.target_sum = 1000;
  EXPECT_THAT(ResolveControls(Model(), part)->notes, ElementsAre(HasSubstr("the model's own to")));
  ControlMatrix counts = FirstGenes(Counts(9), 20);
  counts.library_sizes.assign(9, 20.0);
  EXPECT_THAT(ResolveControls(Model(), counts)->notes,
              ElementsAre(HasSubstr("check library_sizes")));
}

TEST_F(ControlScaleTest, NormalisedCountsThatWereNotLoggedAreRefused) {
  ControlMatrix controls = Logged(Counts(9), 50, std::exp(1.0));
  for (float& value : controls.values.values) value = std::expm1(value);
  const auto resolved = ResolveControls(Model(), controls);
  EXPECT_EQ(ReasonOf(resolved.status()), "INVALID_VALUE") << resolved.status();
}

TEST_F(ControlScaleTest, ValuesThatWereLoggedTwiceAreRefused) {
  ControlMatrix controls = Logged(Counts(30), 1e4, std::exp(1.0));
  for (float& value : controls.values.values) value = std::log1p(value);
  const auto resolved = ResolveControls(Model(), controls);
  EXPECT_EQ(ReasonOf(resolved.status()), "INVALID_VALUE") << resolved.status();
  EXPECT_THAT(std::string(resolved.status().message()), HasSubstr("logged twice"));
}

TEST_F(ControlScaleTest, LogarithmsOfCountsThatWereNotNormalisedAreCountsAgain) {
  const ControlMatrix counts = Counts(30);
  ControlMatrix logged = counts;
  logged.kind = MatrixKind::kLog1p;
  for (float& value : logged.values.values) value = std::log1p(value);
  const auto expected = ResolveControls(Model(), counts);
  const auto resolved = ResolveControls(Model(), logged);
  ASSERT_OK(resolved);
  EXPECT_EQ(resolved->values.values, expected->values.values);
  EXPECT_THAT(resolved->notes, ElementsAre(HasSubstr("taken back to counts")));
}

}  // namespace
}  // namespace unlasting::predict
