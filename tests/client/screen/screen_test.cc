// A screen's requests, its parts on disk, and what it leaves.
#include "client/screen/screen.h"

#include <atomic>
#include <fstream>

#include "client/screen/screen_report.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "gmock/gmock.h"
#include "tests/server/served.h"
#include "tests/support/files.h"

namespace unlasting::client {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ScreenTest : public testing::Test {
 protected:
  ScreenTest() {
    work_.request.mutable_panel()->set_cell_type("T0");
    work_.request.mutable_panel()->set_cells(8);
    work_.request.mutable_options()->set_content(v1::RESULT_CONTENT_ALL);
    std::string table = "gene\n";
    for (int k = 0; k < 10; ++k) table += "G" + std::to_string(k) + "\n";
    SetTable(table);
    options_.batch = 3;
    options_.retry.give_up = absl::ZeroDuration();
    options_.time = {[] { return absl::UnixEpoch(); }, [](absl::Duration) {}};
  }

  void SetTable(const std::string& table) { work_.rows = ParseScreenTable(table)->rows; }

  static std::unique_ptr<Client> ClientOf(int port) {
    ClientOptions options;
    options.address = "127.0.0.1:" + std::to_string(port);
    return *Client::Create(options);
  }

  absl::StatusOr<std::vector<BadRow>> Run(const std::vector<Client*>& servers,
                                          const ScreenParts& parts) {
    std::vector<std::string> addresses;
    for (const Client* server : servers) addresses.push_back(server->address());
    watch_ = std::make_unique<ServerWatch>(
        addresses, [this](const std::string& change) { changes_.push_back(change); });
    return RunScreen(servers, work_, options_, parts, watch_.get(),
                     [this](int64_t done) { done_ = done; });
  }

  test::TempFolder folder_;
  ScreenWork work_;
  ScreenOptions options_;
  int64_t done_ = 0;
  std::unique_ptr<ServerWatch> watch_;
  std::vector<std::string> changes_;
};

TEST_F(ScreenTest, GivesWhatOneRequestWould) {
  test::Served served;
  const auto client = ClientOf(served.port());
  const auto parts = ScreenParts::Open(folder_.At("s.h5ad"), "f", false);
  ASSERT_OK(parts);
  const auto bad = Run({client.get()}, *parts);
  ASSERT_OK(bad);
  EXPECT_THAT(*bad, IsEmpty());
  EXPECT_EQ(done_, 10);
  PredictionCollector collector;
  std::vector<RankedRow> ranked(10);
  ASSERT_OK(parts->Collect(work_.rows, &collector, [&](size_t place, const auto& summary) {
    ranked[place] = RankedRowOf(collector.header(), summary);
  }));
  const auto screened = collector.Finish();
  ASSERT_OK(screened);

  v1::PredictRequest request = work_.request;
  for (const auto& row : work_.rows) *request.add_perturbations() = row.perturbation;
  const test::Answer direct = served.Predict(request);
  const auto* sparse = std::get_if<CsrMatrix>(&screened->x);
  const DenseMatrix x = sparse != nullptr ? ToDense(*sparse) : std::get<DenseMatrix>(screened->x);
  ASSERT_EQ(x.rows, 80);
  for (int p = 0; p < 10; ++p) {
    const v1::PerturbationSummary& summary = direct.summaries.at(p);
    double squares = 0;
    for (int g = 0; g < summary.mean_size(); ++g) {
      squares += std::pow(summary.mean(g) - summary.control_mean(g), 2);
    }
    EXPECT_NEAR(ranked[p].change, std::sqrt(squares), 1e-4);
    for (int64_t c = 0; c < 8; ++c) {
      for (int64_t g = 0; g < x.cols; ++g) {
        ASSERT_NEAR(x.At(p * 8 + c, g), direct.profiles.at(p).At(c, g), 1e-4);
      }
    }
  }
  parts->Remove();
  EXPECT_FALSE(std::filesystem::exists(folder_.At("s.h5ad.parts")));
}

TEST_F(ScreenTest, RowsThatTheServerRefusesAreListedAndTheOthersGoOn) {
  test::Served served;
  const auto client = ClientOf(served.port());
  SetTable("gene\tname\nG1\nNOSUCH\tmine\nG2\nG3x\nG4\n");
  const auto parts = ScreenParts::Open(folder_.At("s.h5ad"), "f", false);
  ASSERT_OK(parts);
  const auto bad = Run({client.get()}, *parts);
  ASSERT_OK(bad);
  ASSERT_THAT(*bad, SizeIs(2));
  EXPECT_EQ((*bad)[0].line, 3);
  EXPECT_EQ((*bad)[0].name, "mine");
  EXPECT_EQ((*bad)[0].reason, "UNKNOWN_GENE");
  EXPECT_THAT((*bad)[0].message, HasSubstr("NOSUCH"));
  EXPECT_EQ((*bad)[1].line, 5);
  EXPECT_EQ((*bad)[1].text, "G3x");
  PredictionCollector collector;
  EXPECT_EQ(parts->Collect(work_.rows, &collector).code(), absl::StatusCode::kDataLoss)
      << "never silently short";
  const std::vector<ScreenRow> good = {work_.rows[0], work_.rows[2], work_.rows[4]};
  collector = {};
  ASSERT_OK(parts->Collect(good, &collector));
  EXPECT_EQ(collector.header().perturbations(2).label(), "G4");
  ASSERT_OK(collector.Finish());
}

TEST_F(ScreenTest, ARequestThatIsWrongAsAWholeEndsTheScreen) {
  test::Served served;
  const auto client = ClientOf(served.port());
  work_.request.mutable_panel()->set_cell_type("T9");
  const auto parts = ScreenParts::Open(folder_.At("s.h5ad"), "f", false);
  ASSERT_OK(parts);
  EXPECT_EQ(ReasonOf(Run({client.get()}, *parts).status()), "UNKNOWN_CELL_TYPE");
}

TEST_F(ScreenTest, ResumesByRowWhereTheTableWasMendedAndGrew) {
  const std::string out = folder_.At("s.h5ad");
  test::Served served;
  const auto client = ClientOf(served.port());
  SetTable("gene\nG1\nNOSUCH\nG2\nG3\n");
  {
    const auto parts = ScreenParts::Open(out, "f", false);
    ASSERT_OK(parts);
    ASSERT_OK(Run({client.get()}, *parts));
  }
  EXPECT_THAT(std::string(ScreenParts::Open(out, "f", false).status().message()),
              HasSubstr("--resume"));
  EXPECT_THAT(std::string(ScreenParts::Open(out, "g", true).status().message()),
              HasSubstr("another screen"));
  SetTable("name\tgene\nnew\tG5\n\tG3\n\tG1\n\tG4\n");
  const auto parts = ScreenParts::Open(out, "f", true);
  ASSERT_OK(parts);
  EXPECT_FALSE(parts->Has(work_.rows[0].key));
  EXPECT_TRUE(parts->Has(work_.rows[1].key));
  EXPECT_TRUE(parts->Has(work_.rows[2].key));
  ASSERT_OK(Run({client.get()}, *parts));
  EXPECT_EQ(watch_->servers()[0].completed, 1) << "two rows were new";
  PredictionCollector collector;
  ASSERT_OK(parts->Collect(work_.rows, &collector));
  ASSERT_EQ(collector.header().perturbations_size(), 4);
  EXPECT_EQ(collector.header().perturbations(0).label(), "G5");
  EXPECT_EQ(collector.header().perturbations(2).label(), "G1");
  EXPECT_EQ(collector.finished().rows(), 32);
  ASSERT_OK(collector.Finish());
}

TEST_F(ScreenTest, EqualRowsAreEachPredicted) {
  test::Served served;
  const auto client = ClientOf(served.port());
  SetTable("gene\nG1\nG1\n");
  const auto parts = ScreenParts::Open(folder_.At("s.h5ad"), "f", false);
  ASSERT_OK(parts);
  ASSERT_OK(Run({client.get()}, *parts));
  PredictionCollector collector;
  ASSERT_OK(parts->Collect(work_.rows, &collector));
  EXPECT_EQ(collector.header().perturbations_size(), 2);
  ASSERT_OK(collector.Finish());
}

TEST_F(ScreenTest, ServersThatAreDownAreReportedAndTheOthersDoTheirWork) {
  test::Served served;
  const auto absent = ClientOf(1);
  const auto present = ClientOf(served.port());
  options_.retry.give_up = absl::Minutes(1);
  const auto parts = ScreenParts::Open(folder_.At("s.h5ad"), "f", false);
  ASSERT_OK(parts);
  ASSERT_OK(Run({absent.get(), present.get()}, *parts));
  EXPECT_EQ(done_, 10);
  const auto servers = watch_->servers();
  EXPECT_TRUE(servers[0].down);
  EXPECT_GE(servers[0].failed, 1);
  EXPECT_EQ(servers[0].completed, 0);
  EXPECT_FALSE(servers[1].down);
  EXPECT_EQ(servers[1].completed, 4);
  ASSERT_THAT(changes_, SizeIs(1));
  EXPECT_THAT(changes_[0], HasSubstr("127.0.0.1:1: connection refused"));
}

TEST_F(ScreenTest, ADamagedPartIsNamed) {
  test::Served served;
  const auto client = ClientOf(served.port());
  const auto parts = ScreenParts::Open(folder_.At("s.h5ad"), "f", false);
  ASSERT_OK(parts);
  ASSERT_OK(Run({client.get()}, *parts));
  for (const auto& entry : std::filesystem::directory_iterator(folder_.At("s.h5ad.parts"))) {
    const std::string name = entry.path().filename();
    if (name.rfind("part-", 0) != 0) continue;
    std::filesystem::resize_file(entry.path(), std::filesystem::file_size(entry.path()) - 1);
    PredictionCollector collector;
    const absl::Status status = parts->Collect(work_.rows, &collector);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()), HasSubstr("part-"));
    EXPECT_EQ(ScreenParts::Open(folder_.At("s.h5ad"), "f", true).status().code(),
              absl::StatusCode::kDataLoss);
    return;
  }
  FAIL() << "no part";
}

TEST_F(ScreenTest, PartsOfDifferentModelsAreNotMixed) {
  const auto parts = ScreenParts::Open(folder_.At("s.h5ad"), "f", false);
  ASSERT_OK(parts);
  for (int64_t k = 0; k < 2; ++k) {
    v1::PredictResponse header, finished;
    header.mutable_header()->set_bundle_hash(k == 0 ? "aaa" : "bbb");
    header.mutable_header()->add_perturbations();
    finished.mutable_finished()->set_rows(0);
    ASSERT_OK(parts->Write({work_.rows[k].key}, {header, finished}));
  }
  PredictionCollector collector;
  const absl::Status status = parts->Collect({work_.rows[0], work_.rows[1]}, &collector);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("bbb"));
}

TEST(ScreenReport, TheRankingHasTheStrongestFirstAndNoTabsOfItsOwn) {
  const test::TempFolder folder;
  v1::PredictHeader header;
  header.add_genes("A");
  header.add_genes("B");
  header.mutable_controls()->add_missing_genes("B");
  v1::ResolvedPerturbation* weak = header.add_perturbations();
  weak->set_label("A");
  weak->add_notes("said\twith a tab");
  header.add_perturbations()->set_label("B");
  v1::PerturbationSummary summary;
  for (const float value : {1.0f, 9.0f}) {
    summary.add_mean(value);
    summary.add_control_mean(0);
  }
  v1::RankedGene* gene = summary.add_ranked_genes();
  gene->set_gene("A");
  gene->set_log2_fold_change(-1.5);
  v1::PredictedError* error = summary.add_predicted_errors();
  error->set_kind("seen gene, seen context");
  error->set_expected_e_distance(0.5);
  const RankedRow first = RankedRowOf(header, summary);
  EXPECT_DOUBLE_EQ(first.change, 1) << "genes that were filled in do not count";
  RankedRow second = first;
  second.change = 2;
  second.error.reset();
  const std::vector<ScreenRow> rows = {{2, "one", "A", {}, "a"}, {3, "two", "B", {}, "b"}};
  ASSERT_OK(WriteRanking(folder.At("r.tsv"), header, rows, {first, second}));
  const std::string text = *ReadFile(folder.At("r.tsv"));
  EXPECT_THAT(text, HasSubstr("rank\tline\tname\t"));
  EXPECT_THAT(text, HasSubstr("\n1\t3\ttwo\tB\t"));
  EXPECT_THAT(text, HasSubstr("\n2\t2\tone\tA\t"));
  EXPECT_THAT(text, HasSubstr("A(-1.50)"));
  EXPECT_THAT(text, HasSubstr("said with a tab"));
  EXPECT_THAT(text, HasSubstr("\t0.5\t\t\t0.5 (not calibrated; seen gene, seen context; 0 left"));
  EXPECT_THAT(text, HasSubstr("\t\t\t\t\n2\t")) << "a model that says nothing of its errors";
}

TEST(ScreenReport, ErrorsHaveTheirLines) {
  const test::TempFolder folder;
  ASSERT_OK(WriteErrors(folder.At("e.tsv"), {{7, "x", "UNKNOWN_GENE", "found\tY", "Y\t1", "k"}}));
  EXPECT_EQ(*ReadFile(folder.At("e.tsv")),
            "line\tname\treason\tmessage\trow\n7\tx\tUNKNOWN_GENE\tfound Y\tY 1\n");
  EXPECT_EQ(BesideOutput("a/s.h5ad", ".ranking.tsv"), "a/s.ranking.tsv");
  EXPECT_EQ(BesideOutput("s", ".errors.tsv"), "s.errors.tsv");
}

}  // namespace
}  // namespace unlasting::client
