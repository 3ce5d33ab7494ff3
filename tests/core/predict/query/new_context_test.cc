// Control cells of a cell type that training never saw.
#include "core/predict/query/new_context.h"

#include <cmath>

#include "core/base/status.h"
#include "core/predict/query/contexts.h"
#include "core/predict/query/controls.h"
#include "core/predict/query/query.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/files.h"
#include "tests/support/tiny_bundle.h"

namespace unlasting::predict {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class NewContextTest : public testing::Test {
 protected:
  void SetUp() override { Load({}); }
  void Load(const test::TinyBundleOptions& options) {
    const std::string path = folder_.At("bundle" + std::to_string(options.cell_types));
    ASSERT_OK(test::WriteTinyBundle(path, options));
    bundle_ = *bundle::Bundle::Load(path);
  }
  // `cells` log1p cells about `shift` above the first type's means.
  cells::ControlMatrix Cells(int64_t cells, double shift = 0.2, const std::string& type = "donor") {
    cells::ControlMatrix controls;
    controls.genes = bundle_->manifest().genes;
    const auto mean = bundle_->reference().control_mean.Row(0);
    DenseMatrix values(cells, static_cast<int64_t>(mean.size()));
    for (int64_t r = 0; r < cells; ++r) {
      for (int64_t g = 0; g < values.cols; ++g) {
        const double own = 0.3 * std::sin(static_cast<double>(7 * r + g));
        values.At(r, g) = (r + g) % 4 == 0 ? 0.0f : static_cast<float>(mean[g] + shift + own);
      }
    }
    controls.values = ToCsr(values);
    controls.cell_types.assign(cells, type);
    controls.new_context = "donor";
    controls.on_model_scale = true;
    return controls;
  }

  test::TempFolder folder_;
  std::shared_ptr<const bundle::Bundle> bundle_;
};

TEST_F(NewContextTest, CellsComeAfterAllTypesAndAreNamed) {
  const auto controls = ResolveControls(*bundle_, Cells(40));
  ASSERT_OK(controls);
  ASSERT_NE(controls->new_context, nullptr);
  EXPECT_EQ(controls->cell_type, std::vector<int32_t>(40, 2));
  EXPECT_EQ(CellTypeName(*bundle_, *controls, 2), "donor");
  EXPECT_EQ(CellTypeName(*bundle_, *controls, 0), "T0");
  EXPECT_EQ(controls->new_context->nearest, 0);
  EXPECT_EQ(controls->new_context->distance.size(), 2u);
  ASSERT_FALSE(controls->notes.empty());
  EXPECT_THAT(controls->notes[0], HasSubstr("'donor' is a cell type that training never saw"));
  EXPECT_THAT(controls->notes[0], HasSubstr("T0"));
}

TEST_F(NewContextTest, ItsProfileIsThatOfItsOwnCellsAlone) {
  const auto alone = ResolveControls(*bundle_, Cells(40));
  cells::ControlMatrix mixed = Cells(50);
  for (int64_t r = 40; r < 50; ++r) mixed.cell_types[r] = "T1";
  const auto together = ResolveControls(*bundle_, mixed);
  ASSERT_OK(together);
  EXPECT_EQ(together->cell_type[45], 1);
  EXPECT_EQ(together->new_context->key, alone->new_context->key);
  EXPECT_EQ(together->new_context->mean, alone->new_context->mean);
}

TEST_F(NewContextTest, EqualNamesOfDifferentCellsAreDifferentContexts) {
  const auto a = ResolveControls(*bundle_, Cells(40, 0.2));
  const auto b = ResolveControls(*bundle_, Cells(40, 0.3));
  EXPECT_EQ(a->new_context->name, b->new_context->name);
  EXPECT_NE(a->new_context->key, b->new_context->key);
}

TEST_F(NewContextTest, RefusesTooFewCellsANameThatIsKnownAndModelsWithoutResponses) {
  const auto few = ResolveControls(*bundle_, Cells(29));
  EXPECT_EQ(ReasonOf(few.status()), "TOO_FEW_CELLS");
  EXPECT_THAT(std::string(few.status().message()),
              testing::AllOf(HasSubstr("29 cells of 'donor'"), HasSubstr("30 or more")));
  const auto other = ResolveControls(*bundle_, Cells(40, 0.2, "T0"));
  EXPECT_EQ(ReasonOf(other.status()), "TOO_FEW_CELLS") << "no cell is of the context";
  cells::ControlMatrix known = Cells(40, 0.2, "T0");
  known.new_context = "T0";
  const auto trained = ResolveControls(*bundle_, known);
  EXPECT_EQ(ReasonOf(trained.status()), "KNOWN_CELL_TYPE");
  EXPECT_THAT(std::string(trained.status().message()), HasSubstr("--new-cell-type"));
  test::TinyBundleOptions without;
  without.expected_response = false;
  without.cell_types = 3;
  Load(without);
  EXPECT_EQ(ReasonOf(ResolveControls(*bundle_, Cells(40)).status()), "INVALID_OPTION");
}

TEST_F(NewContextTest, AnUnknownCellTypeIsToldOfTheWay) {
  cells::ControlMatrix controls = Cells(40);
  controls.new_context.clear();
  const auto refused = ResolveControls(*bundle_, controls);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(refused.status()), "UNKNOWN_CELL_TYPE");
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("new_context (--new-cell-type)"));
}

TEST_F(NewContextTest, CellsFarFromEveryTypeAreNoted) {
  const auto near = ResolveControls(*bundle_, Cells(40, 0.0));
  EXPECT_EQ(near->notes.size(), 1u);
  const auto far = ResolveControls(*bundle_, Cells(40, 30.0));
  ASSERT_EQ(far->notes.size(), 2u);
  EXPECT_THAT(far->notes[1], HasSubstr("farther from every cell type of the training"));
}

TEST_F(NewContextTest, AModelOfOneTypeSaysSo) {
  test::TinyBundleOptions one;
  one.cell_types = 1;
  Load(one);
  const auto controls = ResolveControls(*bundle_, Cells(40));
  ASSERT_OK(controls);
  ASSERT_EQ(controls->notes.size(), 1u);
  EXPECT_THAT(controls->notes[0], HasSubstr("was trained on one"));
}

TEST_F(NewContextTest, ResponsesAreThoseOfTheTypesThatHadThem) {
  // Training had every condition in T0 alone.
  EXPECT_THAT((*ResolvePerturbation(*bundle_, {{"G1"}, "", "", {}, 0}))->measured_in,
              ElementsAre(0));
  EXPECT_THAT((*ResolvePerturbation(*bundle_, {{"G9"}, "", "", {}, 0}))->measured_in,
              ElementsAre(0));
  const auto seen = ResolvePerturbation(*bundle_, {{"G1"}, "", "", {}, 0});
  const auto contexts = ContextsOf(*bundle_, **seen, {2});
  ASSERT_EQ(contexts.size(), 1u);
  EXPECT_TRUE(contexts[0].condition_seen);
  EXPECT_EQ(contexts[0].context_seen, false);
  EXPECT_EQ(contexts[0].seen_together, false);
  EXPECT_TRUE(UnseenContextNotes(*bundle_, {2}).empty()) << "the controls' own notes say it";
}

TEST(BorrowFrom, WeighsTypesByDistanceAndMixesRules) {
  model::NewContext context;
  context.distance = {1, 2, 4};
  context.rules = {{1, 0.5, 1, 0.5}, {0, 1, 0, 0.5}};
  const auto types = model::BorrowFrom(context, {0, 1});
  ASSERT_EQ(types.size(), 2u);
  // Weights 2/3 and 1/3 by the first rule, 1/2 each by the second.
  EXPECT_NEAR(types[0].borrowed, 0.5 * 2 / 3 + 0.25, 1e-12);
  EXPECT_NEAR(types[1].borrowed, 0.5 / 3 + 0.25, 1e-12);
  EXPECT_NEAR(types[0].mean_pull, 0.5 * 2 / 3 * -0.5, 1e-12);
  EXPECT_NEAR(types[1].share_pull, 0.25 * -1, 1e-12);
  context.rules.clear();
  for (const auto& type : model::BorrowFrom(context, {0, 1, 2})) {
    EXPECT_EQ(type.borrowed, 0) << "no change is expected";
    EXPECT_EQ(type.mean_pull, 0);
  }
}

}  // namespace
}  // namespace unlasting::predict
