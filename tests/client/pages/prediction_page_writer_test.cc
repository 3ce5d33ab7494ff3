#include "client/pages/prediction_page_writer.h"

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "client/pages/screen_page_writer.h"
#include "client/pages/summary_genes.h"
#include "core/evaluate/differential_expression.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/codec/matrix_codec.h"
#include "tests/support/files.h"

namespace unlasting::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kGenes = 6;
constexpr double kTargetSum = 100;

// A result of `cells` control cells under some perturbations, as a server would send it.
class Answer {
 public:
  Answer(int cells, std::vector<std::string> labels) : cells_(cells), labels_(std::move(labels)) {
    controls_.kind = cells::MatrixKind::kCounts;
    for (int g = 0; g < kGenes; ++g) controls_.genes.push_back(absl::StrCat("ENSG", g));
    DenseMatrix counts(cells, kGenes);
    for (int c = 0; c < cells; ++c) {
      for (int g = 0; g < kGenes; ++g) counts.At(c, g) = static_cast<float>((c * 7 + g * 3) % 5);
      controls_.library_sizes.push_back(20);
    }
    controls_.values = ToCsr(counts);
    log1p_ = counts;
    for (float& value : log1p_.values) {
      value = std::log1p(value / 20 * static_cast<float>(kTargetSum));
    }
  }

  v1::PredictHeader* header() { return &extra_; }
  cells::ControlMatrix* controls() { return &controls_; }

  DenseMatrix Predicted() const {
    DenseMatrix predicted = log1p_;
    for (int64_t c = 0; c < predicted.rows; ++c) predicted.At(c, 0) += 1 + 0.1f * (c % 3);
    return predicted;
  }

  v1::PerturbationSummary Summary(int p) const {
    const DenseMatrix predicted = Predicted();
    v1::PerturbationSummary summary;
    summary.set_perturbation_index(p);
    const auto de = evaluate::RankGenes(predicted, log1p_);
    for (int g = 0; g < kGenes; ++g) {
      double mean = 0, control = 0, squares = 0, active = 0;
      for (int c = 0; c < cells_; ++c) {
        mean += predicted.At(c, g) / cells_;
        control += log1p_.At(c, g) / cells_;
        active += predicted.At(c, g) > 0 ? 1.0 / cells_ : 0;
      }
      for (int c = 0; c < cells_; ++c) squares += std::pow(predicted.At(c, g) - mean, 2);
      summary.add_mean(static_cast<float>(mean));
      summary.add_control_mean(static_cast<float>(control));
      summary.add_active_share(static_cast<float>(active));
      summary.add_standard_deviation(
          static_cast<float>(cells_ > 1 ? std::sqrt(squares / (cells_ - 1)) : 0));
      summary.add_log2_fold_change(static_cast<float>(de.log2_fold_change[g]));
      v1::RankedGene* const ranked = summary.add_ranked_genes();
      ranked->set_gene(controls_.genes[g]);
      ranked->set_score(static_cast<float>(de.score[g]));
      ranked->set_mean_difference(static_cast<float>(mean - control));
    }
    return summary;
  }

  v1::PredictResponse Header() const {
    v1::PredictResponse response;
    v1::PredictHeader* const header = response.mutable_header();
    header->set_model("m");
    header->set_model_version("3");
    header->set_bundle_hash("abcdef");
    header->set_value_kind(v1::VALUE_KIND_LOG1P);
    header->set_target_sum(kTargetSum);
    header->MergeFrom(extra_);
    for (const std::string& gene : controls_.genes) header->add_genes(gene);
    header->mutable_controls()->add_cell_types("T0");
    for (int c = 0; c < cells_; ++c) {
      header->mutable_controls()->add_cell_ids(absl::StrCat(c));
      header->mutable_controls()->add_cell_type_indices(0);
    }
    for (const std::string& label : labels_) {
      v1::ResolvedPerturbation* const perturbation = header->add_perturbations();
      perturbation->set_label(label);
      perturbation->set_seen_in_training(true);
    }
    return response;
  }

  PredictionCollector Collect() const {
    PredictionCollector collector;
    EXPECT_OK(collector.Add(Header()));
    for (int p = 0; p < static_cast<int>(labels_.size()); ++p) {
      v1::PredictResponse rows, summary;
      for (int c = 0; c < cells_; ++c) {
        rows.mutable_profiles()->add_perturbation_indices(p);
        rows.mutable_profiles()->add_control_indices(c);
      }
      *rows.mutable_profiles()->mutable_matrix() =
          codec::EncodeMatrix(Predicted(), v1::MATRIX_ENCODING_RAW_FLOAT32);
      *summary.mutable_summary() = Summary(p);
      EXPECT_OK(collector.Add(rows));
      EXPECT_OK(collector.Add(summary));
    }
    v1::PredictResponse finished;
    finished.mutable_finished()->set_rows(static_cast<int64_t>(labels_.size()) * cells_);
    EXPECT_OK(collector.Add(finished));
    return collector;
  }

  PageContext Context() const {
    PageContext context;
    for (int g = 0; g < kGenes; ++g) {
      context.model.add_genes(controls_.genes[g]);
      (*context.model.mutable_gene_symbols())[controls_.genes[g]] = absl::StrCat("SYMBOL", g);
    }
    context.model.set_card("# m\n\n- split: {\"kind\":\"cells\",\"fraction\":0.3}\n");
    context.controls = &controls_;
    context.controls_from = "cells.h5ad";
    return context;
  }

  std::string Page() const { return RenderPredictionPage(Collect(), Context()); }

 private:
  int cells_;
  std::vector<std::string> labels_;
  v1::PredictHeader extra_;
  cells::ControlMatrix controls_;
  DenseMatrix log1p_;
};

TEST(PredictionPageWriterTest, SaysWhatWasAskedOfWhichModel) {
  const std::string page = Answer(20, {"STAT1"}).Page();
  for (const char* said :
       {"<h1>STAT1 in T0</h1>", "20 cells predicted from 20 control cells by m, version 3",
        "<dd>abcdef</dd>", "<dd>20 of T0, cells.h5ad</dd>", "<dd>by cells; 30 % held out</dd>",
        "<dd>log1p, cells normalised to 100</dd>", "SYMBOL0<small>ENSG0</small>"}) {
    EXPECT_THAT(page, HasSubstr(said));
  }
  EXPECT_THAT(page, Not(HasSubstr("nan")));
}

TEST(PredictionPageWriterTest, AModelThatWasExchangedMeanwhileIsNotSpokenOf) {
  const Answer answer(20, {"STAT1"});
  PageContext context = answer.Context();
  context.model.mutable_summary()->set_bundle_hash("another");
  const std::string page = RenderPredictionPage(answer.Collect(), context);
  EXPECT_THAT(page, HasSubstr("<dd>abcdef</dd>"));
  EXPECT_THAT(page, Not(HasSubstr("30 % held out")));
}

TEST(PredictionPageWriterTest, TheSameAnswerGivesTheSameBytes) {
  const Answer answer(20, {"A", "B"});
  EXPECT_EQ(answer.Page(), answer.Page());
}

TEST(PredictionPageWriterTest, PValuesAreThoseOfTheCells) {
  const Answer answer(20, {"A"});
  const auto header = answer.Header().header();
  const auto genes =
      GenesOf(header, answer.Summary(0), MeasuredColumns(header), answer.Context().model);
  ASSERT_EQ(genes.size(), static_cast<size_t>(kGenes));
  EXPECT_LT(genes[0].p_adjusted, 0.05);
  for (size_t g = 1; g < genes.size(); ++g) EXPECT_EQ(genes[g].p_adjusted, 1) << g;
}

TEST(PredictionPageWriterTest, GenesThatWereNotRankedLeaveNothingToAdjustOver) {
  const Answer answer(20, {"A"});
  const auto header = answer.Header().header();
  v1::PerturbationSummary summary = answer.Summary(0);
  summary.mutable_ranked_genes()->RemoveLast();
  for (const auto& gene :
       GenesOf(header, summary, MeasuredColumns(header), answer.Context().model)) {
    EXPECT_TRUE(std::isnan(gene.p_adjusted));
  }
}

TEST(PredictionPageWriterTest, ControlCellsAreDrawnWhereTheyCanBeBroughtToTheModelsScale) {
  Answer answer(20, {"A"});
  EXPECT_THAT(answer.Page(), HasSubstr("</i>control"));
  (*answer.controls()).library_sizes.assign(20, 2000);
  EXPECT_THAT(answer.Page(), HasSubstr("cannot be repeated here"));
  EXPECT_THAT(answer.Page(), Not(HasSubstr("</i>control")));
}

TEST(PredictionPageWriterTest, TheModelsOwnCellsAreNotAtHand) {
  const Answer answer(20, {"A"});
  PageContext context = answer.Context();
  context.controls = nullptr;
  EXPECT_THAT(
      RenderPredictionPage(answer.Collect(), context),
      HasSubstr("Plots show the predicted cells alone: the control cells are the model&#39;s own"));
}

TEST(PredictionPageWriterTest, FilledInGenesTakeNoPlace) {
  Answer answer(20, {"A"});
  answer.header()->mutable_controls()->add_missing_genes("ENSG0");
  answer.header()->add_notes("the control cells lack 1 gene of the model, which ... filled in");
  const std::string page = answer.Page();
  EXPECT_THAT(page, Not(HasSubstr("SYMBOL0<small>")));
  EXPECT_THAT(page, HasSubstr("<body>\n<p class=\"light care\"><b>▲ Genes filled in."));
}

TEST(PredictionPageWriterTest, OneCellAndNumbersThatAreNotFiniteAreNotSaid) {
  EXPECT_THAT(Answer(1, {"A"}).Page(), HasSubstr("There is no test"));
  const Answer answer(20, {"A"});
  const auto header = answer.Header().header();
  v1::PerturbationSummary summary = answer.Summary(0);
  summary.set_mean(0, std::numeric_limits<float>::quiet_NaN());
  summary.set_log2_fold_change(1, std::numeric_limits<float>::infinity());
  summary.mutable_ranked_genes(2)->set_score(std::numeric_limits<float>::quiet_NaN());
  summary.mutable_active_share()->Clear();
  const auto genes = GenesOf(header, summary, MeasuredColumns(header), answer.Context().model);
  EXPECT_TRUE(std::isfinite(genes[0].mean));
  EXPECT_TRUE(std::isnan(genes[1].log2_fold_change));
  EXPECT_TRUE(std::isnan(genes[2].score));
  EXPECT_TRUE(std::isnan(genes[3].share));
}

TEST(PredictionPageWriterTest, NamesFromOutsideStayText) {
  Answer answer(20, {"<script>alert(1)</script>", "\"'&"});
  answer.header()->add_notes("<img src=x onerror=alert(1)>");
  const std::string page = answer.Page();
  EXPECT_EQ(page.find("<script"), page.rfind("<script"));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;; &quot;&#39;&amp; in T0"));
}

TEST(PredictionPageWriterTest, OfManyPerturbationsTheStrongestHavePlots) {
  std::vector<std::string> labels;
  for (int p = 0; p < 200; ++p) labels.push_back(absl::StrCat("P", p));
  const std::string page = Answer(5, labels).Page();
  EXPECT_LT(page.size(), 10u << 20);
  EXPECT_THAT(page, HasSubstr("<h2>P199</h2>"));
}

TEST(ScreenPageWriterTest, ShowsEveryRowWhicheverOrderSummariesComeIn) {
  const Answer answer(20, {"A", "B"});
  const auto header = answer.Header().header();
  std::vector<std::string> pages;
  for (const bool turned : {false, true}) {
    ScreenPageWriter writer(answer.Context());
    for (const int p : {turned ? 1 : 0, turned ? 0 : 1}) {
      writer.Add(header, static_cast<size_t>(p), answer.Summary(p), p == 0 ? "mine" : "");
    }
    pages.push_back(writer.Html(header, "table.tsv",
                                {{3, "x", "UNKNOWN_GENE", "the model does not know X"}}, "r.tsv",
                                "e.tsv", {"a warning"}));
  }
  EXPECT_EQ(pages[0], pages[1]);
  EXPECT_THAT(pages[0], HasSubstr("<h1>Screen of table.tsv</h1>"));
  EXPECT_THAT(pages[0], HasSubstr("A</a><small>mine</small>"));
  EXPECT_THAT(pages[0], HasSubstr("1 of 3 rows of the table could not be predicted"));
  EXPECT_THAT(pages[0], HasSubstr("a warning"));
}

}  // namespace
}  // namespace unlasting::client
