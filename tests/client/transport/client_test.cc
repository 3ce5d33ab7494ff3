// The client library against a server in this process.
#include "client/transport/client.h"

#include "client/files/prediction_file.h"
#include "core/base/status.h"
#include "gmock/gmock.h"
#include "proto/codec/control_codec.h"
#include "proto/codec/matrix_codec.h"
#include "tests/server/served.h"

namespace unlasting::client {
namespace {

using testing::HasSubstr;

class ClientTest : public testing::Test {
 protected:
  ClientTest() {
    ClientOptions options;
    options.address = "127.0.0.1:" + std::to_string(served_.server().port());
    auto client = Client::Connect(options);
    EXPECT_TRUE(client.ok()) << client.status();
    client_ = std::move(*client);
  }

  test::Served served_;
  std::unique_ptr<Client> client_;
};

TEST_F(ClientTest, AsksForModelsAndHealth) {
  EXPECT_EQ(client_->ListModels()->models(0).name(), "tiny");
  EXPECT_EQ(client_->GetModel("")->genes_size(), 24);
  EXPECT_EQ(*client_->Health(""), "SERVING");
  EXPECT_EQ(client_->Health("no.such").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ClientTest, ErrorsCarryTheServersReason) {
  const absl::Status status = client_->GetModel("other").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(status), "UNKNOWN_MODEL");
}

cells::ControlMatrix CellsOf(const v1::PredictRequest& request, int64_t copies) {
  const CsrMatrix values = *codec::DecodeMatrix(request.cells().matrix(), {});
  cells::ControlMatrix cells;
  std::vector<int64_t> rows;
  for (int64_t k = 0; k < copies; ++k) {
    for (int64_t r = 0; r < values.rows; ++r) rows.push_back(r);
  }
  cells.values = SelectRows(values, rows);
  cells.genes.assign(request.cells().genes().names().begin(),
                     request.cells().genes().names().end());
  cells.cell_types.assign(rows.size(), "T0");
  for (size_t k = 0; k < rows.size(); ++k) cells.barcodes.push_back("c" + std::to_string(k));
  return cells;
}

TEST_F(ClientTest, LargeControlSetsAreUploadedInParts) {
  v1::PredictRequest request = test::SomeRequest(100);
  const cells::ControlMatrix cells = CellsOf(request, 100);
  EXPECT_GT(cells.values.values.size(), size_t{1} << 17) << "more than one part";
  const auto registered = client_->RegisterControls(cells);
  ASSERT_OK(registered);
  EXPECT_EQ(registered->cells(), 10000);
  // The same cells in one message have the same content.
  const auto again = client_->RegisterControls(cells);
  EXPECT_EQ(again->control_set_id(), registered->control_set_id());
}

TEST_F(ClientTest, AnAnswerBecomesAnnData) {
  v1::PredictRequest request = test::SomeRequest(5);
  *request.mutable_cells() = codec::EncodeControls(CellsOf(request, 1));
  PredictionCollector collector;
  ASSERT_OK(client_->Predict(request,
                             [&](const v1::PredictResponse& part) { return collector.Add(part); }));
  const auto data = collector.Finish();
  ASSERT_OK(data);
  EXPECT_EQ(anndata::Rows(data->x), 5);
  const test::Answer direct = served_.Predict(request);
  const auto* sparse = std::get_if<CsrMatrix>(&data->x);
  const DenseMatrix x = sparse != nullptr ? ToDense(*sparse) : std::get<DenseMatrix>(data->x);
  EXPECT_EQ(x.values, direct.profiles.at(0).values);
}

TEST_F(ClientTest, ACallbacksErrorCancelsTheCall) {
  const absl::Status status =
      client_->Predict(test::EndlessRequest(),
                       [](const v1::PredictResponse&) { return absl::DataLossError("enough"); });
  EXPECT_EQ(status.message(), "enough");
  served_.server().Drain();
}

TEST(ClientConnect, AnAddressWithoutAServerIsNamed) {
  ClientOptions options;
  options.address = "127.0.0.1:1";
  options.connect_timeout = absl::Milliseconds(200);
  const absl::Status status = Client::Connect(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("127.0.0.1:1"));
  options.tls_ca = "/no/such/ca.pem";
  EXPECT_THAT(std::string(Client::Connect(options).status().message()),
              HasSubstr("/no/such/ca.pem"));
}

}  // namespace
}  // namespace unlasting::client
