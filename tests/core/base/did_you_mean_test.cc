#include "core/base/did_you_mean.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unlasting {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<std::string> kGenes = {"STAT1", "STAT2", "JAK2", "IRF1", "HLA-DRA", "B2M", "MT"};

TEST(DidYouMean, WritingComesBeforeLetters) {
  EXPECT_THAT(NearestNames("stat1", kGenes), ElementsAre("STAT1"));
  EXPECT_THAT(NearestNames("hla_dra", kGenes), ElementsAre("HLA-DRA"));
  EXPECT_THAT(NearestNames("STAT9", kGenes), ElementsAre("STAT1", "STAT2"));
  EXPECT_THAT(NearestNames("STTA1", kGenes), ElementsAre("STAT1", "STAT2"));
}

TEST(DidYouMean, NothingIsOfferedForWhatIsFarAway) {
  EXPECT_THAT(NearestNames("NOSUCHGENE", kGenes), IsEmpty());
  EXPECT_THAT(NearestNames("XY", kGenes), IsEmpty());
  EXPECT_THAT(NearestNames("", kGenes), IsEmpty());
  EXPECT_THAT(NearestNames(std::string(100000, 'S'), kGenes), IsEmpty());
  EXPECT_EQ(DidYouMean("NOSUCHGENE", kGenes), "");
}

TEST(DidYouMean, OffersAtMostSoMany) {
  EXPECT_THAT(NearestNames("STAT", {"STAT1", "STAT2", "STAT3", "STAT4"}, 2),
              ElementsAre("STAT1", "STAT2"));
  EXPECT_EQ(DidYouMean("STAT", {"STAT1", "STAT2", "STAT3", "STAT4"}),
            ", did you mean 'STAT1', 'STAT2' or 'STAT3'?");
  EXPECT_EQ(DidYouMean("stat1", kGenes), ", did you mean 'STAT1'?");
}

TEST(DidYouMean, DistanceCountsASwapOnce) {
  EXPECT_EQ(EditDistance("STTA1", "STAT1"), 1u);
  EXPECT_EQ(EditDistance("", "abc"), 3u);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
}

}  // namespace
}  // namespace unlasting
