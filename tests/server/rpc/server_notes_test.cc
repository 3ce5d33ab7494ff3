// What answers say of themselves: filled-in genes, what training saw, and what cannot matter.
#include "gmock/gmock.h"
#include "proto/codec/matrix_codec.h"
#include "tests/server/rpc/agreement.h"
#include "tests/server/served.h"

namespace unlasting::server {
namespace {

using test::Answer;
using test::Served;
using test::SomeRequest;
using testing::HasSubstr;

TEST(ServerNotes, FilledInGenesAreSaidAndTakeNoPlaceInRankings) {
  Served served;
  v1::PredictRequest request = SomeRequest(8);
  DenseMatrix values(8, 23);
  for (size_t k = 0; k < values.values.size(); ++k) values.values[k] = 0.1f * (k % 17);
  *request.mutable_cells()->mutable_matrix() =
      codec::EncodeMatrix(values, v1::MATRIX_ENCODING_PACKED);
  request.mutable_cells()->mutable_genes()->mutable_names()->RemoveLast();
  request.mutable_cells()->set_missing_genes(v1::MISSING_GENES_ZERO);
  const Answer answer = served.Predict(request);
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  ASSERT_EQ(answer.header.controls().missing_genes_size(), 1);
  const std::string& missing = answer.header.controls().missing_genes(0);
  ASSERT_GE(answer.header.notes_size(), 1);
  EXPECT_THAT(answer.header.notes(0), HasSubstr("lack 1 gene"));
  EXPECT_THAT(answer.header.notes(0), HasSubstr(missing));
  const auto& ranked = answer.summaries.at(0).ranked_genes();
  EXPECT_EQ(ranked.size(), 23);
  for (const v1::RankedGene& gene : ranked) EXPECT_NE(gene.gene(), missing);
}

TEST(ServerNotes, WhatWasSeenIsSaidForEachCellType) {
  Served served;
  v1::PredictRequest request = SomeRequest(2);
  request.mutable_cells()->clear_cell_types();
  request.mutable_cells()->add_cell_types("T0");
  request.mutable_cells()->add_cell_types("T1");
  request.add_perturbations()->mutable_genes()->add_genes("G20");
  const Answer answer = served.Predict(request);
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  const auto& seen = answer.header.perturbations(0);
  ASSERT_EQ(seen.contexts_size(), 2);
  EXPECT_TRUE(seen.seen_in_training());
  EXPECT_EQ(seen.contexts(0).cell_type(), "T0");
  EXPECT_TRUE(seen.contexts(0).seen_together());
  EXPECT_TRUE(seen.contexts(1).condition_seen());
  EXPECT_FALSE(seen.contexts(1).context_seen());
  EXPECT_FALSE(seen.contexts(1).seen_together());
  EXPECT_FALSE(answer.header.perturbations(1).contexts(0).condition_seen());
  EXPECT_TRUE(answer.header.perturbations(1).contexts(0).context_seen());
  ASSERT_EQ(answer.header.notes_size(), 1);
  EXPECT_THAT(answer.header.notes(0), HasSubstr("T1 was never perturbed in training"));
}

TEST(ServerNotes, AModelOfOneDrugSaysThatTheMoleculeDoesNotMatter) {
  Served served;
  const Answer answer = served.Predict(test::WithEthanol(SomeRequest()));
  ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
  const auto& notes = answer.header.perturbations(1).notes();
  EXPECT_THAT(std::vector<std::string>(notes.begin(), notes.end()),
              testing::Contains(HasSubstr("does not depend on the molecule")));
}

}  // namespace
}  // namespace unlasting::server
