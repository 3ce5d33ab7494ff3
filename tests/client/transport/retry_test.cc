// What is tried again, when, and that nothing is lost or doubled by it.
#include "client/transport/retry.h"

#include "client/files/prediction_file.h"
#include "client/transport/retrying_client.h"
#include "core/base/status.h"
#include "gmock/gmock.h"
#include "proto/codec/matrix_codec.h"
#include "tests/server/served.h"
#include "tests/support/wait_until.h"

namespace unlasting::client {
namespace {

TEST(Retry, WaitsGrowToTheLongestAndAreDrawnFromTheirUpperHalf) {
  const RetryPolicy policy = {absl::Seconds(1), absl::Seconds(10), 2, absl::Minutes(1)};
  EXPECT_EQ(WaitBeforeRetry(policy, 1, absl::ZeroDuration(), 1), absl::Seconds(1));
  EXPECT_EQ(WaitBeforeRetry(policy, 3, absl::ZeroDuration(), 1), absl::Seconds(4));
  EXPECT_EQ(WaitBeforeRetry(policy, 3, absl::ZeroDuration(), 0), absl::Seconds(2));
  EXPECT_EQ(WaitBeforeRetry(policy, 1000, absl::ZeroDuration(), 1), absl::Seconds(10));
}

TEST(Retry, NeverComesBackBeforeTheServerSaid) {
  const RetryPolicy policy = {absl::Seconds(1), absl::Seconds(10), 2, absl::Minutes(1)};
  EXPECT_EQ(WaitBeforeRetry(policy, 1, absl::Seconds(60), 0), absl::Seconds(60));
  EXPECT_EQ(WaitBeforeRetry(policy, 4, absl::Milliseconds(10), 1), absl::Seconds(8));
}

TEST(Retry, WhatTheServerSaysOfTheRequestIsNotAskedAgain) {
  EXPECT_TRUE(MayPass(absl::UnavailableError("")));
  EXPECT_TRUE(MayPass(absl::DataLossError("")));
  EXPECT_TRUE(MayPass(WithServersDelay(absl::ResourceExhaustedError(""), absl::Seconds(1))));
  EXPECT_FALSE(MayPass(absl::ResourceExhaustedError("too large for ever")));
  EXPECT_TRUE(MayPass(absl::InternalError("RST_STREAM")));
  EXPECT_FALSE(MayPass(WithReason(absl::InternalError("LibTorch"), "INTERNAL")));
  EXPECT_FALSE(MayPass(absl::InvalidArgumentError("")));
  EXPECT_FALSE(MayPass(absl::NotFoundError("")));
  EXPECT_FALSE(MayPass(absl::UnauthenticatedError("")));
  EXPECT_FALSE(MayPass(absl::DeadlineExceededError("")));
}

// Time that passes only by sleeping, with something to happen meanwhile.
struct FakeTime {
  RetryingClient::Time Get() {
    return {[this] { return now; },
            [this](absl::Duration duration) {
              now += duration;
              if (on_sleep) on_sleep();
            }};
  }
  absl::Time now = absl::UnixEpoch();
  std::function<void()> on_sleep;
};

std::unique_ptr<Client> ClientOf(int port) {
  ClientOptions options;
  options.address = "127.0.0.1:" + std::to_string(port);
  auto client = Client::Create(options);
  EXPECT_TRUE(client.ok()) << client.status();
  return *std::move(client);
}

// So many that they are uploaded before the request.
cells::ControlMatrix ManyCells() {
  const DenseMatrix some = *codec::DecodeDenseMatrix(test::SomeRequest(200).cells().matrix());
  cells::ControlMatrix cells;
  std::vector<int64_t> rows;
  for (int64_t k = 0; k < 20000; ++k) rows.push_back(k % some.rows);
  cells.values = ToCsr(SelectRows(some, rows));
  cells.genes = test::TinyBundle()->manifest().genes;
  cells.cell_types.assign(rows.size(), "T0");
  for (size_t k = 0; k < rows.size(); ++k) cells.barcodes.push_back(std::to_string(k));
  return cells;
}

v1::PredictRequest OneStep() {
  v1::PredictRequest request;
  request.add_perturbations()->mutable_genes()->add_genes("G1");
  request.mutable_options()->set_solver_steps(1);
  request.mutable_options()->set_mask(v1::MASK_MODE_NONE);
  return request;
}

absl::Status PredictInto(RetryingClient* client, const v1::PredictRequest& request,
                         PredictionCollector* collector) {
  return client->Predict(
      request, [collector] { *collector = PredictionCollector(); },
      [collector](const v1::PredictResponse& part) { return collector->Add(part); });
}

TEST(RetryingClient, MovesToAServerThatIsThere) {
  test::Served served;
  const auto absent = ClientOf(1);
  const auto present = ClientOf(served.port());
  FakeTime time;
  RetryingClient client({absent.get(), present.get()}, 0, RetryPolicy(), time.Get());
  PredictionCollector collector;
  ASSERT_OK(PredictInto(&client, test::SomeRequest(), &collector));
  EXPECT_GE(client.retries(), 1);
  ASSERT_OK(collector.Finish());
}

TEST(RetryingClient, ReturnsToItsServerOnceThatIsBack) {
  server::ServerConfig config = test::TestConfig();
  auto own = std::make_unique<test::Served>(config);
  config.set_listen("127.0.0.1:" + std::to_string(own->port()));
  test::Served other;
  const auto first = ClientOf(own->port());
  const auto second = ClientOf(other.port());
  FakeTime time;
  std::vector<std::string> changes;
  ServerWatch watch({first->address(), second->address()},
                    [&changes](const std::string& change) { changes.push_back(change); });
  RetryingClient client({first.get(), second.get()}, 0, RetryPolicy(), time.Get(), &watch);
  PredictionCollector collector;
  own.reset();
  ASSERT_OK(PredictInto(&client, test::SomeRequest(), &collector));
  EXPECT_EQ(watch.servers()[1].completed, 1);
  EXPECT_TRUE(watch.servers()[0].down);
  own = std::make_unique<test::Served>(config);
  ASSERT_TRUE(test::WaitUntil([&first] { return first->ListModels().ok(); }));
  time.now += absl::Minutes(1);
  ASSERT_OK(PredictInto(&client, test::SomeRequest(), &collector));
  EXPECT_EQ(watch.servers()[0].completed, 1);
  EXPECT_FALSE(watch.servers()[0].down);
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_THAT(changes[1], testing::HasSubstr("is back"));
}

TEST(RetryingClient, GivesUpWhenNothingArrivesForLongEnough) {
  const auto absent = ClientOf(1);
  FakeTime time;
  RetryPolicy policy;
  policy.give_up = absl::Minutes(2);
  RetryingClient client({absent.get()}, 0, policy, time.Get());
  PredictionCollector collector;
  EXPECT_EQ(PredictInto(&client, test::SomeRequest(), &collector).code(),
            absl::StatusCode::kUnavailable);
  EXPECT_GE(time.now - absl::UnixEpoch(), absl::Minutes(2));
  EXPECT_LE(time.now - absl::UnixEpoch(), absl::Minutes(3));
}

TEST(RetryingClient, RegistersControlsAgainWhereAServerForgotThem) {
  server::ServerConfig config = test::TestConfig();
  auto served = std::make_unique<test::Served>(config);
  const int port = served->port();
  const auto client = ClientOf(port);
  const cells::ControlMatrix cells = ManyCells();
  FakeTime time;
  RetryingClient retrying({client.get()}, 0, RetryPolicy(), time.Get());
  retrying.UseControls(&cells);
  PredictionCollector collector;
  ASSERT_OK(PredictInto(&retrying, OneStep(), &collector));
  EXPECT_EQ(retrying.retries(), 0);

  served.reset();
  config.set_listen("127.0.0.1:" + std::to_string(port));
  served = std::make_unique<test::Served>(config);
  ASSERT_OK(PredictInto(&retrying, OneStep(), &collector));
  EXPECT_GE(retrying.retries(), 1);
  EXPECT_EQ(collector.finished().rows(), 20000);
}

TEST(RetryingClient, AServerThatEndsAmidAnAnswerLosesAndDoublesNothing) {
  server::ServerConfig config = test::TestConfig();
  config.set_grace_seconds(0);
  auto served = std::make_unique<test::Served>(config);
  const int port = served->port();
  config.set_listen("127.0.0.1:" + std::to_string(port));
  const auto client = ClientOf(port);
  v1::PredictRequest request = test::SomeRequest(50);
  for (int k = 0; k < 30; ++k) request.add_perturbations()->mutable_genes()->add_genes("G2");
  FakeTime time;
  RetryingClient retrying({client.get()}, 0, RetryPolicy(), time.Get());
  PredictionCollector collector;
  int chunks = 0;
  ASSERT_OK(retrying.Predict(
      request, [&] { collector = PredictionCollector(); },
      [&](const v1::PredictResponse& part) {
        if (part.has_profiles() && ++chunks == 3) {
          // Ends the server, work and all, and begins another.
          served->server().Drain();
          served.reset();
          served = std::make_unique<test::Served>(config);
        }
        return collector.Add(part);
      }));
  EXPECT_GE(retrying.retries(), 1);
  const auto data = collector.Finish();
  ASSERT_OK(data);
  EXPECT_EQ(anndata::Rows(data->x), 50 * 31);
}

TEST(RetryingClient, AnErrorOfTheRequestIsReturnedAtOnce) {
  test::Served served;
  const auto client = ClientOf(served.port());
  FakeTime time;
  RetryingClient retrying({client.get()}, 0, RetryPolicy(), time.Get());
  PredictionCollector collector;
  v1::PredictRequest request = test::SomeRequest();
  request.mutable_perturbations(0)->mutable_genes()->set_genes(0, "NOSUCH");
  EXPECT_EQ(ReasonOf(PredictInto(&retrying, request, &collector)), "UNKNOWN_GENE");
  EXPECT_EQ(retrying.retries(), 0);
}

}  // namespace
}  // namespace unlasting::client
