#include "server/request/wire_size.h"

#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "gtest/gtest.h"
#include "tests/server/server_support.h"

namespace unlasting::server {
namespace {

constexpr int64_t kAll = int64_t{1} << 40;

int64_t Parsed(const std::string& bytes, int64_t enough = kAll) {
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  return ParsedBytes(&stream, *v1::PredictRequest::descriptor(), enough);
}

// What protobuf says that the parsed message takes.
int64_t Used(const std::string& bytes) {
  v1::PredictRequest request;
  EXPECT_TRUE(request.ParseFromString(bytes));
  return static_cast<int64_t>(request.SpaceUsedLong() - v1::PredictRequest().SpaceUsedLong());
}

TEST(WireSize, IsAtLeastWhatTheParsedMessageTakesAndNotMuchMore) {
  std::vector<v1::PredictRequest> requests(7);
  requests[0] = test::SomeRequest(500);
  for (int k = 0; k < 10000; ++k) requests[1].mutable_cells()->add_cell_ids("");
  for (int k = 0; k < 5000; ++k) {
    requests[2].add_perturbations()->mutable_genes()->add_genes("GENE" + std::to_string(k));
  }
  for (int k = 0; k < 5000; ++k) requests[3].add_perturbations();
  for (int k = 0; k < 3000; ++k) {
    auto* embedding = requests[4].add_perturbations()->mutable_molecule()->mutable_embedding();
    for (int j = 0; j < 10; ++j) embedding->add_values(1.5f);
  }
  auto* sparse = requests[5].mutable_cells()->mutable_matrix()->mutable_sparse();
  for (int k = 0; k < 20000; ++k) sparse->add_column_indices(k % 100);
  for (int k = 0; k < 2000; ++k) {
    auto* treatment = requests[6].add_perturbations()->mutable_treatment();
    for (int j = 0; j < 5; ++j) (*treatment->mutable_covariates())[std::to_string(j)] = j;
  }
  for (const v1::PredictRequest& request : requests) {
    const std::string bytes = request.SerializeAsString();
    EXPECT_GE(Parsed(bytes), Used(bytes)) << bytes.size();
    EXPECT_LE(Parsed(bytes), 4 * Used(bytes)) << bytes.size();
  }
}

TEST(WireSize, CountsFieldsThatAreUnknownRepeatedOrNested) {
  std::string unknown;
  for (int k = 0; k < 10000; ++k) unknown += "\xA2\x06" + std::string(1, '\0');  // field 100, ""
  EXPECT_GE(Parsed(unknown), Used(unknown));
  // A group would hide what is in it.
  EXPECT_GT(Parsed("\xA3\x06\xA4\x06", 1000), 1000);
  // A field of another wire type than its own is an unknown one: here the text `model`, the message
  // `cells`, and the number `priority`.
  for (const std::string& field :
       {std::string("\x08\x00", 2), std::string("\x10\x00", 2),
        std::string("\x0D\x00\x00\x00\x00", 5), std::string("\x3A\x00", 2)}) {
    std::string mistyped;
    for (int k = 0; k < 10000; ++k) mistyped += field;
    EXPECT_GE(Parsed(mistyped), Used(mistyped)) << static_cast<int>(field[0]);
  }
  std::string again;
  for (int k = 0; k < 100; ++k) again += std::string("\x1A\x05") + "set-1";
  EXPECT_GT(Parsed(again), 100 * 5);
}

TEST(WireSize, StopsOnceThereIsEnoughAndAtWhatIsNoMessage) {
  v1::PredictRequest request;
  for (int k = 0; k < 100000; ++k) request.mutable_cells()->add_cell_ids("");
  const int64_t counted = Parsed(request.SerializeAsString(), 5000);
  EXPECT_GT(counted, 5000);
  EXPECT_LT(counted, 6000);
  EXPECT_GE(Parsed(std::string(100, '\xff')), 0);
  EXPECT_GE(Parsed(std::string("\x12\xff\xff\xff\xff\x0f")), 0);
  EXPECT_EQ(Parsed(""), 0);
}

}  // namespace
}  // namespace unlasting::server
