// A screen's table, its parts on disk, and what it comes to.
#include "client/screen/screen.h"

#include <fstream>

#include "client/commands/load_statistics.h"
#include "core/base/status.h"
#include "gmock/gmock.h"
#include "tests/server/served.h"
#include "tests/support/files.h"

namespace unlasting::client {
namespace {

using testing::HasSubstr;

TEST(ScreenTable, HoldsGenesAndMolecules) {
  const auto perturbations = ParsePerturbations(
      "# a screen\ngene\tsmiles\tdose\tnote\nSTAT1\nA+ctrl\t\t\tone\nA+B\r\n\n\tCCO\t0.2uM\n");
  ASSERT_OK(perturbations);
  ASSERT_EQ(perturbations->size(), 4u);
  EXPECT_EQ((*perturbations)[1].genes().genes_size(), 1);
  EXPECT_EQ((*perturbations)[2].genes().genes(1), "B");
  EXPECT_EQ((*perturbations)[3].molecule().smiles(), "CCO");
  EXPECT_NEAR((*perturbations)[3].molecule().dose().value(), 0.2, 1e-9);
}

TEST(ScreenTable, ErrorsNameTheLine) {
  const auto message = [](const std::string& text) {
    const auto perturbations = ParsePerturbations(text);
    EXPECT_EQ(perturbations.status().code(), absl::StatusCode::kInvalidArgument) << text;
    return std::string(perturbations.status().message());
  };
  EXPECT_THAT(message("name\nSTAT1\n"), HasSubstr("line 1"));
  EXPECT_THAT(message("gene\nA\nB++C\n"), HasSubstr("line 3"));
  EXPECT_THAT(message("smiles\tdose\nCCO\n"), HasSubstr("line 2"));
  EXPECT_THAT(message("smiles\tdose\nCCO\t1\n"), HasSubstr("line 2"));
  EXPECT_THAT(message("gene\tsmiles\tdose\nA\tCCO\t1uM\n"), HasSubstr("one of"));
  EXPECT_THAT(message("gene\nA\tB\n"), HasSubstr("2 columns"));
  EXPECT_THAT(message("gene\n"), HasSubstr("found none"));
  EXPECT_THAT(message(""), HasSubstr("found none"));
}

TEST(ScreenTable, IsCutIntoBatches) {
  const auto batches = CutIntoBatches(7, 3);
  ASSERT_EQ(batches.size(), 3u);
  EXPECT_EQ(batches[2].first, 6);
  EXPECT_EQ(batches[2].last, 7);
  EXPECT_TRUE(CutIntoBatches(0, 3).empty());
}

class ScreenTest : public testing::Test {
 protected:
  ScreenTest() {
    work_.request.mutable_panel()->set_cell_type("T0");
    work_.request.mutable_panel()->set_cells(8);
    work_.request.mutable_options()->set_content(v1::RESULT_CONTENT_PROFILES);
    for (int k = 0; k < 10; ++k) {
      work_.perturbations.emplace_back().mutable_genes()->add_genes("G" + std::to_string(k % 6));
    }
    work_.batches = CutIntoBatches(10, 3);
    options_.retry.give_up = absl::ZeroDuration();
    options_.time = {[] { return absl::UnixEpoch(); }, [](absl::Duration) {}};
  }

  static std::unique_ptr<Client> ClientOf(int port) {
    ClientOptions options;
    options.address = "127.0.0.1:" + std::to_string(port);
    return *Client::Create(options);
  }

  absl::Status Run(const std::vector<Client*>& servers, const ScreenParts& parts) {
    return RunScreen(servers, work_, options_, parts, [this](int64_t done) { done_ = done; });
  }

  test::TempFolder folder_;
  ScreenWork work_;
  ScreenOptions options_;
  int64_t done_ = 0;
};

TEST_F(ScreenTest, GivesWhatOneRequestWould) {
  test::Served served;
  const auto client = ClientOf(served.port());
  const auto parts = ScreenParts::Open(folder_.At("s.h5ad"), "f", false);
  ASSERT_OK(parts);
  ASSERT_OK(Run({client.get()}, *parts));
  EXPECT_EQ(done_, 10);
  PredictionCollector collector;
  ASSERT_OK(parts->Collect(work_.batches, &collector));
  const auto screened = collector.Finish();
  ASSERT_OK(screened);

  v1::PredictRequest request = work_.request;
  for (const auto& perturbation : work_.perturbations) *request.add_perturbations() = perturbation;
  const test::Answer direct = served.Predict(request);
  const auto* sparse = std::get_if<CsrMatrix>(&screened->x);
  const DenseMatrix x = sparse != nullptr ? ToDense(*sparse) : std::get<DenseMatrix>(screened->x);
  ASSERT_EQ(x.rows, 80);
  for (int p = 0; p < 10; ++p) {
    for (int64_t c = 0; c < 8; ++c) {
      for (int64_t g = 0; g < x.cols; ++g) {
        ASSERT_NEAR(x.At(p * 8 + c, g), direct.profiles.at(p).At(c, g), 1e-4);
      }
    }
  }
  parts->Remove();
  EXPECT_FALSE(std::filesystem::exists(folder_.At("s.h5ad.parts")));
}

TEST_F(ScreenTest, GoesOnWhereItStopped) {
  const std::string out = folder_.At("s.h5ad");
  {
    test::Served served;
    const auto client = ClientOf(served.port());
    const auto parts = ScreenParts::Open(out, "f", false);
    ASSERT_OK(parts);
    work_.perturbations[7].mutable_genes()->set_genes(0, "NOSUCH");
    EXPECT_EQ(ReasonOf(Run({client.get()}, *parts)), "UNKNOWN_GENE");
    EXPECT_FALSE(parts->Has(2));
    PredictionCollector collector;
    EXPECT_EQ(parts->Collect(work_.batches, &collector).code(), absl::StatusCode::kDataLoss)
        << "never silently short";
  }
  EXPECT_THAT(std::string(ScreenParts::Open(out, "f", false).status().message()),
              HasSubstr("--resume"));
  EXPECT_THAT(std::string(ScreenParts::Open(out, "g", true).status().message()),
              HasSubstr("another screen"));
  work_.perturbations[7].mutable_genes()->set_genes(0, "G1");
  test::Served served;
  const auto client = ClientOf(served.port());
  const auto parts = ScreenParts::Open(out, "f", true);
  ASSERT_OK(parts);
  ASSERT_OK(Run({client.get()}, *parts));
  PredictionCollector collector;
  ASSERT_OK(parts->Collect(work_.batches, &collector));
  EXPECT_EQ(collector.finished().rows(), 80);
  ASSERT_OK(collector.Finish());
}

TEST_F(ScreenTest, ServersThatAreThereDoTheWorkOfThoseThatAreNot) {
  test::Served served;
  const auto absent = ClientOf(1);
  const auto present = ClientOf(served.port());
  options_.retry.give_up = absl::Minutes(1);
  const auto parts = ScreenParts::Open(folder_.At("s.h5ad"), "f", false);
  ASSERT_OK(parts);
  ASSERT_OK(Run({absent.get(), present.get()}, *parts));
  EXPECT_EQ(done_, 10);
}

TEST_F(ScreenTest, ADamagedPartIsNamed) {
  test::Served served;
  const auto client = ClientOf(served.port());
  const auto parts = ScreenParts::Open(folder_.At("s.h5ad"), "f", false);
  ASSERT_OK(parts);
  ASSERT_OK(Run({client.get()}, *parts));
  const std::string part = folder_.At("s.h5ad.parts/part-000001");
  std::filesystem::resize_file(part, std::filesystem::file_size(part) - 1);
  PredictionCollector collector;
  const absl::Status status = parts->Collect(work_.batches, &collector);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("part-000001"));
}

TEST_F(ScreenTest, PartsOfDifferentModelsAreNotMixed) {
  const auto parts = ScreenParts::Open(folder_.At("s.h5ad"), "f", false);
  ASSERT_OK(parts);
  for (int64_t k = 0; k < 2; ++k) {
    v1::PredictResponse header, finished;
    header.mutable_header()->set_bundle_hash(k == 0 ? "aaa" : "bbb");
    finished.mutable_finished()->set_rows(0);
    ASSERT_OK(parts->Write(k, {header, finished}));
  }
  PredictionCollector collector;
  const absl::Status status = parts->Collect(CutIntoBatches(2, 1), &collector);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("bbb"));
}

TEST(LoadStatistics, PercentilesAreNearestRank) {
  EXPECT_EQ(Percentile({}, 0.5), 0);
  EXPECT_EQ(Percentile({3}, 0.99), 3);
  EXPECT_EQ(Percentile({4, 1, 3, 2}, 0.5), 2);
  EXPECT_EQ(Percentile({4, 1, 3, 2}, 0.9), 4);
  EXPECT_EQ(Percentile({4, 1, 3, 2}, 0), 1);
}

TEST(LoadStatistics, FailuresAreCountedByReasonAndNotTimed) {
  LoadStatistics statistics;
  statistics.Add({16, true, "OK", 1, 0.25, 0.5});
  statistics.Add({1, true, "OK", 3, 0.75, 0.5});
  statistics.Add({0, false, "QUEUE_FULL", 100, 0, 0});
  const nlohmann::json summary = statistics.Summarize(2);
  EXPECT_EQ(summary["calls"], 3);
  EXPECT_EQ(summary["failed"], 1);
  EXPECT_EQ(summary["failures"]["QUEUE_FULL"], 1);
  EXPECT_EQ(summary["cells_per_second"], 8.5);
  EXPECT_EQ(summary["latency_seconds"]["max"], 3);
  EXPECT_EQ(summary["queue_seconds"]["p50"], 0.25);
  EXPECT_EQ(summary["by_cells"]["16"]["calls"], 1);
}

}  // namespace
}  // namespace unlasting::client
