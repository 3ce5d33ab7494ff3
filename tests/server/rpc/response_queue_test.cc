#include "server/rpc/response_queue.h"

#include <cmath>

#include "gtest/gtest.h"
#include "proto/codec/matrix_codec.h"
#include "tests/server/server_support.h"
#include "tests/support/files.h"

namespace unlasting::server {
namespace {

constexpr int64_t kGenes = 24;
constexpr int64_t kRowBytes = kGenes * 4;

class ResponseQueueTest : public testing::Test {
 protected:
  ResponseQueueTest() {
    request_.task.controls = test::SomeControls(5);
    request_.task.perturbations = {test::Knockout({"G1"}), test::Knockout({"G2", "G3"})};
    request_.task.options = predict::DefaultOptions(*test::TinyBundle());
    for (int64_t column = 0; column < kGenes; ++column) request_.result.columns.push_back(column);
  }

  // Chunks of two rows; room for less than two perturbations.
  std::unique_ptr<ResponseQueue> Make() {
    auto builder = std::make_shared<const ResponseBuilder>(
        test::TinyBundle(), std::make_shared<const ValidRequest>(request_), 2 * kRowBytes);
    return std::make_unique<ResponseQueue>(std::move(builder), "tiny", 6 * kRowBytes);
  }

  static predict::Profiles Result(int perturbation, float value) {
    predict::Profiles profiles;
    profiles.perturbation = perturbation;
    profiles.values = DenseMatrix(5, kGenes);
    for (int64_t r = 0; r < 5; ++r) {
      for (float& entry : profiles.values.Row(r)) entry = value + static_cast<float>(r);
    }
    profiles.active_share.assign(kGenes, 0.5f);
    return profiles;
  }

  ValidRequest request_;
};

v1::PredictResponse::PartCase NextPart(ResponseQueue* response_queue) {
  const ResponseQueue::Item item = response_queue->Next();
  return item.kind == ResponseQueue::Kind::kMessage ? item.message.part_case()
                                                    : v1::PredictResponse::PART_NOT_SET;
}

TEST_F(ResponseQueueTest, TheHeaderComesFirstAndSaysWhatWasResolved) {
  const auto response_queue = Make();
  response_queue->AddProfiles(Result(0, 1));
  const ResponseQueue::Item item = response_queue->Next();
  ASSERT_EQ(item.kind, ResponseQueue::Kind::kMessage);
  const v1::PredictHeader& header = item.message.header();
  EXPECT_EQ(header.model(), "tiny");
  EXPECT_EQ(header.bundle_hash(), test::TinyBundle()->hash());
  EXPECT_EQ(header.genes_size(), kGenes);
  EXPECT_EQ(header.target_sum(), 1000);
  EXPECT_EQ(header.solver(), v1::SOLVER_DPMPP_2M);
  EXPECT_EQ(header.mask(), v1::MASK_MODE_RANK);
  EXPECT_EQ(header.controls().cell_ids_size(), 5);
  ASSERT_EQ(header.controls().cell_types_size(), 1);
  EXPECT_EQ(header.controls().cell_types(0), "T0");
  EXPECT_EQ(header.controls().cell_type_indices_size(), 5);
  EXPECT_EQ(header.perturbations(1).label(), "G2+G3");
  EXPECT_TRUE(header.perturbations(0).seen_in_training());
  EXPECT_FALSE(header.perturbations(1).seen_in_training());
  EXPECT_GT(header.perturbations(1).notes_size(), 0);
}

TEST_F(ResponseQueueTest, ProfilesAreCutIntoChunksAndFollowedByTheirSummary) {
  const auto response_queue = Make();
  response_queue->Next();
  response_queue->AddProfiles(Result(1, 1));
  response_queue->Close(absl::OkStatus(), {});
  int64_t rows = 0;
  for (const int64_t expected : {2, 2, 1}) {
    const ResponseQueue::Item item = response_queue->Next();
    ASSERT_TRUE(item.message.has_profiles());
    const v1::ProfileChunk& chunk = item.message.profiles();
    const auto values = codec::DecodeDenseMatrix(chunk.matrix());
    ASSERT_OK(values);
    EXPECT_EQ(values->rows, expected);
    for (int k = 0; k < expected; ++k, ++rows) {
      EXPECT_EQ(chunk.perturbation_indices(k), 1);
      EXPECT_EQ(chunk.control_indices(k), rows);
      EXPECT_EQ(values->At(k, 0), 1.0f + static_cast<float>(rows));
    }
  }
  EXPECT_EQ(NextPart(response_queue.get()), v1::PredictResponse::kSummary);
  EXPECT_EQ(NextPart(response_queue.get()), v1::PredictResponse::kFinished);
  const ResponseQueue::Item end = response_queue->Next();
  EXPECT_EQ(end.kind, ResponseQueue::Kind::kEnd);
  ASSERT_OK(end.status);
}

TEST_F(ResponseQueueTest, GenesScaleAndContentFollowTheRequest) {
  request_.result.columns = {3, 1};
  request_.result.value_kind = v1::VALUE_KIND_COUNTS;
  request_.result.summaries = false;
  const auto response_queue = Make();
  const ResponseQueue::Item header = response_queue->Next();
  EXPECT_EQ(header.message.header().genes(0), "G3");
  response_queue->AddProfiles(Result(0, 1));
  response_queue->Close(absl::OkStatus(), {});
  const ResponseQueue::Item item = response_queue->Next();
  const auto values = codec::DecodeDenseMatrix(item.message.profiles().matrix());
  ASSERT_OK(values);
  EXPECT_EQ(values->cols, 2);
  EXPECT_EQ(values->rows, 5) << "rows are shorter, so more fit a chunk";
  EXPECT_FLOAT_EQ(values->At(0, 0), std::expm1(1.0f));
  EXPECT_EQ(NextPart(response_queue.get()), v1::PredictResponse::kFinished);
}

TEST_F(ResponseQueueTest, IsFullUntilEnoughIsSent) {
  const auto response_queue = Make();
  EXPECT_TRUE(response_queue->HasRoom());
  response_queue->AddProfiles(Result(0, 1));
  EXPECT_TRUE(response_queue->HasRoom());
  response_queue->AddProfiles(Result(1, 1));
  EXPECT_FALSE(response_queue->HasRoom());
  int room_again = 0;
  ResponseQueue::Item item;
  for (int k = 0; k < 100 && (k == 0 || item.kind == ResponseQueue::Kind::kMessage); ++k) {
    item = response_queue->Next();
    room_again += item.has_room_again ? 1 : 0;
  }
  EXPECT_EQ(item.kind, ResponseQueue::Kind::kNothingYet);
  EXPECT_EQ(room_again, 1);
  EXPECT_TRUE(response_queue->HasRoom());
}

TEST_F(ResponseQueueTest, ProgressWaitsForResultsAndOnlyTheLatestIsSent) {
  const auto response_queue = Make();
  response_queue->SetProgress({1, 10, 0});
  EXPECT_EQ(NextPart(response_queue.get()), v1::PredictResponse::kHeader);
  response_queue->SetProgress({2, 10, 0});
  const ResponseQueue::Item item = response_queue->Next();
  EXPECT_EQ(item.message.progress().evaluations_done(), 2);
  EXPECT_EQ(response_queue->Next().kind, ResponseQueue::Kind::kNothingYet);
}

TEST_F(ResponseQueueTest, AnErrorEndsTheStreamAtOnce) {
  const auto response_queue = Make();
  response_queue->AddProfiles(Result(0, 1));
  response_queue->Next();
  response_queue->Next();
  response_queue->Close(absl::CancelledError("gone"), {});
  response_queue->AddProfiles(Result(1, 1));
  const ResponseQueue::Item end = response_queue->Next();
  EXPECT_EQ(end.kind, ResponseQueue::Kind::kEnd);
  EXPECT_EQ(end.status.code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace unlasting::server
