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

  // X = log1p values or counts [predicted cells, genes], CSR where most are zero and of counts; obs
  // perturbation,
  // condition, cell_type, control_cell, and for molecules dose_val (micromolar), dose_unit, SMILES,
  // and a column for each covariate; uns "unlasting" says which model and options, what the notes
  // are, which genes were filled in and what training saw. DATA_LOSS where rows are missing.
  absl::StatusOr<anndata::AnnData> Finish() const;

  // A name for each perturbation, in the order of the request, for obs "name"; "" where one has
  // none. Without names there is no such column.
  void SetNames(std::vector<std::string> names) { names_ = std::move(names); }

  // With the perturbations that followed it, if they did.
  const v1::PredictHeader& header() const { return header_; }
  int64_t cells() const { return header_.controls().cell_type_indices_size(); }
  const v1::PredictFinished& finished() const { return finished_; }
  const std::vector<v1::PerturbationSummary>& summaries() const { return summaries_; }
  // The rows of one perturbation, [control cells, genes]; 0 rows until they are all there.
  const CsrMatrix& rows_of(int perturbation) const { return blocks_[perturbation].complete; }

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
  absl::Status AddHeader(const v1::PredictHeader& header);
  absl::Status AddPerturbations(const v1::ResolvedPerturbations& part);

  bool has_header_ = false;
  v1::PredictHeader header_;
  v1::PredictFinished finished_;
  std::vector<v1::PerturbationSummary> summaries_;
  std::vector<Block> blocks_;          // per perturbation
  std::vector<std::string> cell_ids_;  // per control cell
  std::vector<std::string> names_;     // per perturbation, or empty
};

}  // namespace unlasting::client
