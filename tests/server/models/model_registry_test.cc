// Models are loaded, found and unloaded.
#include "server/models/model_registry.h"

#include "tests/server/models/model_registry_fixture.h"

namespace unlasting::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(ModelRegistryTest, SeveralVersionsOfANameAreServedAndTheHighestIsTheDefault) {
  ASSERT_OK(registry_.Load("m", Write("1.9")));
  ASSERT_OK(registry_.Load("m", Write("1.10")));
  EXPECT_EQ((*registry_.Find("m"))->version(), "1.10");
  EXPECT_EQ((*registry_.Find(""))->version(), "1.10") << "one name, two versions";
  EXPECT_EQ((*registry_.Find("m", "1.9"))->version(), "1.9");
  EXPECT_EQ(ReasonOfFind("m", "2"), "UNKNOWN_VERSION");
  EXPECT_EQ(ReasonOfFind("n"), "UNKNOWN_MODEL");
  const auto listed = registry_.List();
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[0].model->version(), "1.9");
  EXPECT_FALSE(listed[0].default_version);
  EXPECT_TRUE(listed[1].default_version);
}

TEST_F(ModelRegistryTest, APinnedVersionStaysTheDefault) {
  ASSERT_OK(registry_.Load("m", Write("1"), /*pinned=*/true));
  ASSERT_OK(registry_.Load("m", Write("2")));
  EXPECT_EQ((*registry_.Find("m"))->version(), "1");
}

TEST_F(ModelRegistryTest, TheSameVersionTwiceIsRefusedAndTheFirstStays) {
  const auto first = registry_.Load("m", Write("1"));
  ASSERT_OK(first);
  EXPECT_EQ(ReasonOf(registry_.Load("m", Write("1", 2)).status()), "MODEL_EXISTS");
  EXPECT_EQ(*registry_.Find("m"), *first);
}

TEST_F(ModelRegistryTest, UnloadingFreesTheModelWhenItsLastCallEnds) {
  ASSERT_OK(registry_.Load("m", Write("1")));
  std::shared_ptr<ServedModel> call = *registry_.Find("m");
  const std::weak_ptr<ServedModel> model = call;
  const std::weak_ptr<const bundle::Bundle> bundle = call->bundle();
  ASSERT_OK(registry_.Unload("m", ""));
  EXPECT_EQ(ReasonOfFind("m"), "UNKNOWN_MODEL");
  EXPECT_FALSE(model.expired());
  call.reset();
  EXPECT_TRUE(model.expired());
  EXPECT_TRUE(bundle.expired()) << "its memory is given back";
  EXPECT_EQ(ReasonOf(registry_.Unload("m", "")), "UNKNOWN_MODEL");
}

TEST_F(ModelRegistryTest, OneOfSeveralVersionsMustBeNamedToUnload) {
  ASSERT_OK(registry_.Load("m", Write("1")));
  ASSERT_OK(registry_.Load("m", Write("2")));
  EXPECT_EQ(ReasonOf(registry_.Unload("m", "")), "VERSION_REQUIRED");
  EXPECT_EQ(ReasonOf(registry_.Unload("m", "3")), "UNKNOWN_VERSION");
  ASSERT_OK(registry_.Unload("m", "2"));
  EXPECT_EQ((*registry_.Find("m"))->version(), "1");
}

}  // namespace
}  // namespace unlasting::server
