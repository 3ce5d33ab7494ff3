// What is predicted for cells of a type that training never saw, and that no cache mistakes one
// such type for another.
#include "core/model/spec/new_context.h"

#include "tests/core/predict/job/job_fixture.h"

namespace unlasting::predict {
namespace {

class NewContextJobTest : public JobTest {
 protected:
  // The panel's cells of a type under a name that training never saw, moved by `shift`.
  std::shared_ptr<ControlSet> Donor(const std::string& type, float shift = 0) {
    const auto panel = Panel(type, 0);
    cells::ControlMatrix controls;
    controls.genes = bundle_->manifest().genes;
    controls.values = panel->values;
    for (float& value : controls.values.values) value += shift;
    controls.cell_types.assign(controls.values.rows, "donor");
    controls.new_context = "donor";
    auto resolved = ResolveControls(*bundle_, controls);
    EXPECT_TRUE(resolved.ok()) << resolved.status();
    return std::make_shared<ControlSet>(*std::move(resolved));
  }
};

TEST_F(NewContextJobTest, TheExpectedChangeIsBorrowed) {
  const auto donor = Donor("T1");
  const auto knockout = Knockout("G1");
  const model::NewContext& context = *donor->new_context;
  const auto change = *engine_->ExpectedMeanChange(context.nearest, &context, *knockout);
  const auto there = *engine_->ExpectedMeanChange(0, nullptr, *knockout);
  // The bundle has one rule: the change itself, of T0, which alone had the knockout.
  for (size_t g = 0; g < change.size(); ++g) EXPECT_NEAR(change[g], there[g], 1e-5) << g;
}

TEST_F(NewContextJobTest, SlopesPullTowardsTheTypesThatWereMeasured) {
  const auto donor = Donor("T1", 0.5f);
  const auto knockout = Knockout("G1");
  model::NewContext context = *donor->new_context;
  context.rules = {{0, 0.25, 1, 1}};
  context.key += "another rule";
  const auto change = *engine_->ExpectedMeanChange(context.nearest, &context, *knockout);
  const auto there = *engine_->ExpectedMeanChange(0, nullptr, *knockout);
  const auto x_max = static_cast<float>(bundle_->manifest().normalisation.x_max);
  const auto control = bundle_->reference().control_mean.Row(0);
  for (size_t g = 0; g < change.size(); ++g) {
    EXPECT_NEAR(change[g], there[g] - 0.75f * (context.mean[g] - control[g] / x_max), 1e-5) << g;
  }
  context.rules.clear();
  context.key += "no change";
  const auto none = *engine_->ExpectedMeanChange(context.nearest, &context, *knockout);
  EXPECT_EQ(none, std::vector<float>(none.size(), 0.0f));
}

TEST_F(NewContextJobTest, TwoContextsOfOneNameAreNotMistakenForEachOther) {
  const auto a = Donor("T1"), b = Donor("T1", 0.4f);
  const auto first = Predict(a, {Knockout("G1")});
  const auto second = Predict(b, {Knockout("G1")});
  const auto again = Predict(a, {Knockout("G1")});
  EXPECT_EQ(first[0].values.values, again[0].values.values);
  engine_ = *CreateEngine(bundle_, EngineOptions());
  EXPECT_EQ(Predict(b, {Knockout("G1")})[0].values.values, second[0].values.values)
      << "what was kept of the first must not be used for the second";
  EXPECT_GT(Difference(first[0].values, second[0].values), 1e-3);
}

TEST_F(NewContextJobTest, OneCellInTwoContextsHasTwoLatents) {
  // The same cell beside other cells is in another context, and its latent is another.
  const auto a = Donor("T1");
  const auto key = [&](const ControlSet& controls) {
    const auto row = ToDense(controls.values);
    return ContentCache::LatentKey(options_.solver, options_.solver_steps, 2, row.Row(0),
                                   controls.new_context->key);
  };
  const auto b = Donor("T1");
  EXPECT_EQ(key(*a), key(*b));
  auto other = *b;
  auto context = *b->new_context;
  context.key = "elsewhere";
  other.new_context = std::make_shared<model::NewContext>(context);
  EXPECT_NE(key(*a), key(other));
}

TEST_F(NewContextJobTest, CellsOfKnownTypesBesideItAreAsEver) {
  options_.mask = MaskMode::kNone;
  const auto panel = Panel("T0", 0);
  const auto alone = Predict(panel, {Knockout("G1")});
  const auto donor = Donor("T1");
  ControlSet mixed = *donor;
  for (int64_t r = 0; r < panel->values.rows; ++r) {
    AppendRow(ToDense(panel->values).Row(r), &mixed.values);
    mixed.cell_type.push_back(0);
  }
  const auto together = Predict(std::make_shared<ControlSet>(mixed), {Knockout("G1")});
  const int64_t before = donor->values.rows;
  for (int64_t r = 0; r < panel->values.rows; ++r) {
    const auto a = alone[0].values.Row(r), b = together[0].values.Row(before + r);
    EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin())) << r;
  }
}

TEST_F(NewContextJobTest, MoleculesAreBorrowedToo) {
  const auto donor = Donor("T1");
  const auto aspirin = *ResolvePerturbation(*bundle_, {{}, "aspirin", "", {}, 0.1});
  EXPECT_EQ(aspirin->measured_in, std::vector<int32_t>{0});
  const model::NewContext& context = *donor->new_context;
  const auto change = *engine_->ExpectedMeanChange(context.nearest, &context, *aspirin);
  const auto there = *engine_->ExpectedMeanChange(0, nullptr, *aspirin);
  double moved = 0;
  for (size_t g = 0; g < change.size(); ++g) {
    EXPECT_NEAR(change[g], there[g], 1e-5);
    moved += std::abs(there[g]);
  }
  EXPECT_GT(moved, 0.1);
  const auto profiles = Predict(donor, {aspirin});
  for (const float value : profiles[0].values.values) EXPECT_TRUE(std::isfinite(value));
}

}  // namespace
}  // namespace unlasting::predict
