// Callers that break off, never read, come all at once or speak nonsense; the server goes on.
#include <thread>

#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/write.hpp"
#include "gmock/gmock.h"
#include "proto/codec/matrix_codec.h"
#include "tests/server/served.h"
#include "tests/support/wait_until.h"

namespace unlasting::server {
namespace {

using test::Answer;
using test::Served;
using test::SomeRequest;
using testing::HasSubstr;

// A request that is quick to compute and large to read.
v1::PredictRequest LargeAnswer(int perturbations) {
  v1::PredictRequest request = SomeRequest(2000);
  request.mutable_options()->set_solver_steps(1);
  request.mutable_options()->set_mask(v1::MASK_MODE_NONE);
  request.mutable_options()->set_content(v1::RESULT_CONTENT_PROFILES);
  for (int k = 1; k < perturbations; ++k) {
    request.add_perturbations()->mutable_genes()->add_genes("G" + std::to_string(k % 6));
  }
  return request;
}

void WaitForMetric(Served* served, const std::string& line) {
  EXPECT_TRUE(test::WaitUntil([&] {
    return served->Get("/metrics").find(line + "\n") != std::string::npos;
  })) << line;
}

const char* const kNothingQueued = "unlasting_queued_rows{model=\"tiny\",version=\"1\"} 0";

TEST(ServerFaults, CallersThatLeaveAtAnyPointFreeTheirRows) {
  Served served;
  for (int round = 0; round < 40; ++round) {
    grpc::ClientContext context;
    const auto reader = served.predictions().Predict(&context, test::EndlessRequest());
    v1::PredictResponse part;
    for (int k = 0; k < round % 4; ++k) reader->Read(&part);
    context.TryCancel();
    EXPECT_EQ(Served::ReadAll(&context, reader.get()).status.error_code(),
              grpc::StatusCode::CANCELLED);
  }
  WaitForMetric(&served, kNothingQueued);
  WaitForMetric(&served, "unlasting_request_memory_bytes 0");
  EXPECT_TRUE(served.Predict(SomeRequest()).status.ok());
}

TEST(ServerFaults, ConnectionsThatAreTornMidStreamFreeTheirRows) {
  Served served;
  for (int round = 0; round < 5; ++round) {
    // A channel that goes without finishing its call: the connection is closed under the stream.
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    auto channel = grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(served.port()),
                                             grpc::InsecureChannelCredentials(), arguments);
    const auto stub = v1::PredictionService::NewStub(channel);
    auto context = std::make_unique<grpc::ClientContext>();
    auto reader = stub->Predict(context.get(), test::EndlessRequest());
    v1::PredictResponse part;
    ASSERT_TRUE(reader->Read(&part));
    reader.reset();
    context.reset();
  }
  WaitForMetric(&served, kNothingQueued);
}

TEST(ServerFaults, UploadsThatNeverEndKeepNothing) {
  Served served;
  for (int round = 0; round < 10; ++round) {
    grpc::ClientContext context;
    v1::RegisterControlsResponse response;
    const auto writer = served.predictions().RegisterControls(&context, &response);
    v1::RegisterControlsRequest part;
    part.mutable_header()->set_value_kind(v1::VALUE_KIND_LOG1P);
    part.mutable_header()->set_gene_list_hash("h");
    writer->Write(part);
    *part.mutable_chunk()->mutable_matrix() =
        codec::EncodeMatrix(DenseMatrix(100, 24), v1::MATRIX_ENCODING_PACKED);
    part.mutable_chunk()->add_cell_types("T0");
    writer->Write(part);
    context.TryCancel();
    EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  WaitForMetric(&served, "unlasting_request_memory_bytes 0");
  WaitForMetric(&served, "unlasting_control_store_bytes 0");
}

TEST(ServerFaults, UploadsThatAreHalfClosedEarlyAreToldWhatIsMissing) {
  Served served;
  grpc::ClientContext context;
  v1::RegisterControlsResponse response;
  const auto writer = served.predictions().RegisterControls(&context, &response);
  writer->WritesDone();
  Answer answer;
  answer.status = writer->Finish();
  EXPECT_EQ(answer.reason(), "NO_CELLS");
}

TEST(ServerFaults, FiveHundredStreamsAtOnceAreAllAnswered) {
  Served served;
  constexpr int kStreams = 500;
  struct Stream {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<v1::PredictResponse>> reader;
  };
  std::vector<Stream> streams(kStreams);
  v1::PredictRequest request = SomeRequest(2);
  request.mutable_options()->set_solver_steps(2);
  request.mutable_options()->set_mask(v1::MASK_MODE_NONE);
  for (Stream& stream : streams) {
    stream.reader = served.predictions().Predict(&stream.context, request);
  }
  for (Stream& stream : streams) {
    const Answer answer = Served::ReadAll(&stream.context, stream.reader.get());
    ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
    EXPECT_EQ(answer.finished.rows(), 2);
  }
  EXPECT_THAT(served.Get("/metrics"),
              HasSubstr("unlasting_requests_total{code=\"OK\",method=\"Predict\"} 500"));
}

TEST(ServerFaults, AReaderThatNeverReadsIsLeftAndOthersAreServedMeanwhile) {
  ServerConfig config = test::TestConfig();
  config.mutable_memory()->set_response_queue_bytes(1);
  config.mutable_scheduling()->set_reader_patience_seconds(1);
  Served served(config);
  grpc::ClientContext context;
  const auto reader = served.predictions().Predict(&context, LargeAnswer(100));
  EXPECT_TRUE(served.Predict(SomeRequest()).status.ok());
  WaitForMetric(&served, "unlasting_request_errors_total{reason=\"SLOW_READER\"} 1");
  WaitForMetric(&served, kNothingQueued);
  EXPECT_FALSE(Served::ReadAll(&context, reader.get()).status.ok());
}

TEST(ServerFaults, ShapesOfABillionRowsWithoutDataAreRefused) {
  Served served;
  v1::PredictRequest request = SomeRequest();
  request.mutable_cells()->mutable_matrix()->set_rows(1000000000);
  EXPECT_EQ(served.Predict(request).reason(), "TOO_MANY_CELLS");
  request = SomeRequest();
  request.mutable_cells()->mutable_matrix()->set_columns(1000000000);
  EXPECT_EQ(served.Predict(request).status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST(ServerFaults, BytesThatAreNoHttp2AreDropped) {
  Served served;
  boost::asio::io_context context;
  const boost::asio::ip::tcp::endpoint endpoint(boost::asio::ip::address_v4::loopback(),
                                                static_cast<uint16_t>(served.port()));
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  for (const std::string& bytes :
       {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100000, '\xff'), preface.substr(0, 10),
        preface + std::string(1000, '\x7f'), std::string()}) {
    boost::asio::ip::tcp::socket socket(context);
    socket.connect(endpoint);
    boost::system::error_code ignored;
    boost::asio::write(socket, boost::asio::buffer(bytes), ignored);
    // A reset rather than an orderly end.
    socket.set_option(boost::asio::socket_base::linger(true, 0));
    socket.close();
  }
  EXPECT_TRUE(served.Predict(SomeRequest()).status.ok());
}

TEST(ServerFaults, BusyPrepareThreadsBoundTheBytesThatWait) {
  ServerConfig config = test::TestConfig();
  config.mutable_memory()->set_max_incoming_bytes(1 << 16);
  Served served(config);
  const Answer answer = served.Predict(SomeRequest(2000));
  EXPECT_EQ(answer.reason(), "TOO_MANY_BYTES");
  EXPECT_TRUE(served.Predict(SomeRequest(2)).status.ok());
}

TEST(ServerFaults, OneCallersQueueIsNotAnothers) {
  // Both come from this machine: without tokens they are one caller.
  ServerConfig config = test::TestConfig();
  config.mutable_memory()->set_max_client_rows(2000 * 102);
  Served served(config);
  grpc::ClientContext context;
  const auto busy = served.predictions().Predict(&context, test::EndlessRequest());
  v1::PredictResponse part;
  ASSERT_TRUE(busy->Read(&part));
  const Answer answer = served.Predict(SomeRequest());
  EXPECT_EQ(answer.reason(), "CLIENT_QUEUE_FULL");
  EXPECT_EQ(answer.trailers.count("grpc-retry-pushback-ms"), 1u);
  context.TryCancel();
  Served::ReadAll(&context, busy.get());
}

TEST(ServerFaults, ADeadlineThatCannotBeMetIsRefusedBeforeAnyAnswer) {
  Served served;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(1));
  const auto reader = served.predictions().Predict(&context, test::EndlessRequest());
  const Answer answer = Served::ReadAll(&context, reader.get());
  EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_FALSE(answer.initial_metadata);
  WaitForMetric(&served, "unlasting_request_errors_total{reason=\"DEADLINE_CANNOT_BE_MET\"} 1");
}

}  // namespace
}  // namespace unlasting::server
