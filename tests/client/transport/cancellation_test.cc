#include "client/transport/cancellation.h"

#include <gtest/gtest.h>

#include <thread>

#include "client/transport/client.h"
#include "client/transport/retrying_client.h"
#include "tests/server/served.h"

namespace unlasting::client {
namespace {

TEST(CancellationTest, ASleepEndsWhenItIsCancelled) {
  Cancellation cancellation;
  const RetryingClient::Time time = RetryingClient::RealTime(&cancellation);
  std::thread sleeper([&] { time.sleep(absl::Hours(1)); });
  cancellation.Cancel();
  sleeper.join();
  time.sleep(absl::Hours(1));
  EXPECT_TRUE(cancellation.cancelled());
}

class CancelledClientTest : public testing::Test {
 protected:
  CancelledClientTest() {
    options_.address = "127.0.0.1:" + std::to_string(served_.server().port());
    options_.cancellation = &cancellation_;
  }

  test::Served served_;
  Cancellation cancellation_;
  ClientOptions options_;
};

TEST_F(CancelledClientTest, ACallUnderWayIsCalledOffAndNotTriedAgain) {
  const auto client = Client::Connect(options_);
  ASSERT_OK(client);
  RetryingClient retrying({client->get()}, 0, RetryPolicy(),
                          RetryingClient::RealTime(&cancellation_));
  // The header, the first part, comes long before the result.
  int parts = 0;
  const absl::Status status = retrying.Predict(
      test::EndlessRequest(), [] {},
      [&](const v1::PredictResponse&) {
        if (++parts == 1) cancellation_.Cancel();
        return absl::OkStatus();
      });
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(retrying.retries(), 0);
}

TEST_F(CancelledClientTest, CallsThatWouldFollowDoNotBegin) {
  const auto client = Client::Connect(options_);
  ASSERT_OK(client);
  ASSERT_OK((*client)->GetModel(""));
  cancellation_.Cancel();
  EXPECT_EQ((*client)->GetModel("").status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ((*client)->ListModels().status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ((*client)->Health("").status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(Client::Connect(options_).status().code(), absl::StatusCode::kCancelled);
}

TEST_F(CancelledClientTest, OtherClientsGoOn) {
  options_.cancellation = nullptr;
  const auto client = Client::Connect(options_);
  ASSERT_OK(client);
  cancellation_.Cancel();
  EXPECT_FALSE((*client)->cancelled());
  EXPECT_OK((*client)->GetModel(""));
}

}  // namespace
}  // namespace unlasting::client
