#include "server/base/fair_pool.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace unlasting::server {
namespace {

// Holds the pool's one thread until Go, so that all tasks are there before the first runs.
class Gate {
 public:
  explicit Gate(FairPool* pool) {
    pool->Schedule("gate", [this] {
      MutexLock lock(&mutex_);
      while (!open_) changed_.Wait(&mutex_);
      return false;
    });
  }
  void Go() {
    MutexLock lock(&mutex_);
    open_ = true;
    changed_.NotifyAll();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool open_ = false;
};

TEST(FairPool, CallersTakeTurnsHoweverManyTasksEachHas) {
  std::string order;
  {
    FairPool pool(1);
    Gate gate(&pool);
    for (int k = 0; k < 4; ++k) {
      pool.Schedule("a", [&order] {
        order += 'a';
        return false;
      });
    }
    pool.Schedule("b", [&order] {
      order += 'b';
      return false;
    });
    gate.Go();
  }
  EXPECT_EQ(order, "abaaa");
}

TEST(FairPool, ALongTaskGivesWayAfterEachSlice) {
  std::string order;
  {
    FairPool pool(1);
    Gate gate(&pool);
    pool.Schedule("a", [&order, left = 3]() mutable {
      order += 'A';
      return --left > 0;
    });
    pool.Schedule("a", [&order] {
      order += 'a';
      return false;
    });
    pool.Schedule("b", [&order, left = 2]() mutable {
      order += 'b';
      return --left > 0;
    });
    gate.Go();
  }
  EXPECT_EQ(order, "AbabAA");
}

TEST(FairPool, TasksMayScheduleTasksAndAllRunToTheirEnd) {
  std::vector<int> ran;
  {
    FairPool pool(1);
    pool.Schedule("a", [&pool, &ran] {
      pool.Schedule("b", [&ran, left = 2]() mutable {
        ran.push_back(left);
        return --left > 0;
      });
      return false;
    });
  }
  EXPECT_EQ(ran, (std::vector<int>{2, 1}));
}

TEST(FairPool, ATaskThatIsDoneIsReleased) {
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = held;
  {
    FairPool pool(2);
    pool.Schedule("a", [held = std::move(held)] { return false; });
  }
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace unlasting::server
