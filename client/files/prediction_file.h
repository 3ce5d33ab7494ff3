// PredictionCollector gathers the messages of a Predict response into one AnnData object for the
// client's commands. Errors are one line that says which part is wrong.
//
//   PredictionCollector collector;
//   status = client->Predict(request, [&](const auto& part) { return collector.Add(part); });
//   UNLASTING_ASSIGN_OR_RETURN(anndata::AnnData data, collector.Finish());
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "core/anndata/anndata.h"
#include "core/base/matrix.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::client {

// Rows are ordered by perturbation, then by control cell, whatever order they arrive in. One
// thread.
class PredictionCollector {
 public:
  // INVALID_ARGUMENT where a part contradicts the header or an earlier part.
  absl::Status Add(const v1::PredictResponse& part);

  // X = log1p values [predicted cells, genes], CSR where most are zero; obs perturbation,
  // condition, cell_type, control_cell, and for molecules dose_val (micromolar), dose_unit, SMILES,
  // and a column for each covariate;
  // uns "unlasting" says which model and options. DATA_LOSS where rows are missing.
  absl::StatusOr<anndata::AnnData> Finish() const;

  const v1::PredictHeader& header() const { return header_; }
  const v1::PredictFinished& finished() const { return finished_; }
  const std::vector<v1::PerturbationSummary>& summaries() const { return summaries_; }

 private:
  // The rows of one perturbation; dense while they arrive, sparse when they are all there.
  struct Block {
    DenseMatrix arriving;
    std::vector<bool> arrived;
    int64_t rows_arrived = 0;
    CsrMatrix complete;
  };

  absl::Status AddRows(const v1::ProfileChunk& chunk);
  void AddObs(anndata::AnnData* data) const;
  // A column of obs for each covariate, NaN where a perturbation has none.
  void AddCovariates(anndata::AnnData* data) const;
  void AddSpread(anndata::AnnData* data) const;
  int64_t cells() const { return header_.controls().cell_ids_size(); }

  bool has_header_ = false;
  v1::PredictHeader header_;
  v1::PredictFinished finished_;
  std::vector<v1::PerturbationSummary> summaries_;
  std::vector<Block> blocks_;  // per perturbation
};

// The name that the training's column of conditions has for a perturbation: "A+ctrl" or "A", "A+B",
// or the name of the molecule or treatment.
std::string ConditionOf(const v1::ResolvedPerturbation& perturbation);

}  // namespace unlasting::client
