#include "core/predict/engine/content_cache.h"

#include <gtest/gtest.h>

namespace unlasting::predict {
namespace {

using diffusion::Solver;

TEST(ContentCacheTest, KeysDifferWithAllThatALatentDependsOn) {
  const std::vector<float> cell = {0.0f, 1.0f}, other = {0.0f, 1.5f};
  const std::string key = ContentCache::LatentKey(Solver::kDdim, 10, 0, cell);
  EXPECT_EQ(key, ContentCache::LatentKey(Solver::kDdim, 10, 0, std::vector<float>(cell)));
  EXPECT_NE(key, ContentCache::LatentKey(Solver::kDpmSolverPp2m, 10, 0, cell));
  EXPECT_NE(key, ContentCache::LatentKey(Solver::kDdim, 11, 0, cell));
  EXPECT_NE(key, ContentCache::LatentKey(Solver::kDdim, 10, 1, cell));
  EXPECT_NE(key, ContentCache::LatentKey(Solver::kDdim, 10, 0, other));
}

TEST(ContentCacheTest, StaysWithinItsBytesAndDropsTheLeastRecentlyUsed) {
  ContentCache cache(3 * 1024);
  const std::vector<float> latent(100, 1.0f);
  for (const char* key : {"a", "b", "c", "d"}) cache.Insert(key, latent);
  EXPECT_LE(cache.statistics().bytes, 3 * 1024);
  EXPECT_TRUE(cache.Find("a").has_value());
  cache.Insert("e", latent);
  EXPECT_FALSE(cache.Find("b").has_value());
  ASSERT_TRUE(cache.Find("a").has_value());
  EXPECT_EQ(*cache.Find("a"), latent);
  EXPECT_EQ(cache.statistics().misses, 1);
  EXPECT_EQ(cache.statistics().hits, 3);
}

TEST(ContentCacheTest, OneLatentLargerThanTheBoundIsNotKept) {
  ContentCache cache(100);
  cache.Insert("a", std::vector<float>(100));
  EXPECT_EQ(cache.statistics().bytes, 0);
}

}  // namespace
}  // namespace unlasting::predict
