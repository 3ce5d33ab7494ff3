// A ResponseBuilder turns the results of one Predict call into messages of the API.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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

  // Beyond 1 MiB of names the header leaves the cells' names to the chunks, and beyond 1 MiB of
  // perturbations those to the parts that FollowingPerturbations makes: no message comes near the 4
  // MiB that gRPC's clients take by default.
  v1::PredictResponse Header(const std::string& model) const;
  // The part with the perturbations from number `*next` on, about 1 MiB of them, which moves
  // `*next` on; nullopt where the header has the perturbations, and after the last.
  std::optional<v1::PredictResponse> FollowingPerturbations(size_t* next) const;
  // Rows [first_row, first_row + RowsPerChunk()) of `profiles`, or as many as there are.
  v1::PredictResponse Chunk(const predict::Profiles& profiles, int64_t first_row) const;
  int64_t RowsPerChunk() const { return rows_per_chunk_; }
  // Empty where the call wants no summaries.
  v1::PredictResponse Summary(const predict::Profiles& profiles) const;
  v1::PredictResponse Progress(const JobProgress& progress) const;
  v1::PredictResponse Finished(const JobTimings& timings) const;

  const ResultOptions& result() const { return request_->result; }

 private:
  v1::ResolvedPerturbation Resolved(const predict::Perturbation& perturbation) const;
  std::string CellId(int64_t row) const;
  void AddControls(v1::PredictHeader* header) const;

  std::shared_ptr<const bundle::Bundle> bundle_;
  std::shared_ptr<const ValidRequest> request_;
  int64_t rows_per_chunk_;
  std::vector<int32_t> cell_types_;  // those of the control cells, ascending
  bool cell_ids_in_chunks_ = false;
  bool perturbations_follow_ = false;
  std::vector<std::string> genes_;                // of request_->result.columns
  std::unique_ptr<const Summarizer> summarizer_;  // null where summaries are not wanted
};

}  // namespace unlasting::server
