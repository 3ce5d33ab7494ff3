// A ResponseBuilder turns the results of one Predict call into messages of the API.
#pragma once

#include <cstdint>
#include <memory>

#include "core/predict/job/job.h"
#include "server/request/request_validation.h"
#include "server/rpc/summary.h"
#include "server/scheduling/job_listener.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::server {

// Immutable; any thread.
class ResponseBuilder {
 public:
  // `chunk_bytes` is about the size of the values of one ProfileChunk before they are encoded.
  ResponseBuilder(std::shared_ptr<const bundle::Bundle> bundle,
                  std::shared_ptr<const ValidRequest> request, int64_t chunk_bytes);

  v1::PredictResponse Header(const std::string& model) const;
  // Rows [first_row, first_row + RowsPerChunk()) of `profiles`, or as many as there are.
  v1::PredictResponse Chunk(const predict::Profiles& profiles, int64_t first_row) const;
  int64_t RowsPerChunk() const { return rows_per_chunk_; }
  // Empty where the call wants no summaries.
  v1::PredictResponse Summary(const predict::Profiles& profiles) const;
  v1::PredictResponse Progress(const JobProgress& progress) const;
  v1::PredictResponse Finished(const JobTimings& timings) const;

  const ResultOptions& result() const { return request_->result; }

 private:
  std::shared_ptr<const bundle::Bundle> bundle_;
  std::shared_ptr<const ValidRequest> request_;
  int64_t rows_per_chunk_;
  std::vector<std::string> genes_;                // of request_->result.columns
  std::unique_ptr<const Summarizer> summarizer_;  // null where summaries are not wanted
};

}  // namespace unlasting::server
