// An Answer gathers the profiles of one request of the Open Inference Protocol into the one tensor
// that its response holds: profiles FP32 [p, n, N].
//
//   Answer answer(builder, model, infer_request);
//   answer.Add(profiles);                      // once for each perturbation, in any order
//   grpc::ByteBuffer bytes = answer.Respond();
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "inference/grpc_service.pb.h"
#include "server/config/limits.h"
#include "server/rpc/response_builder.h"

namespace unlasting::server {

// Bytes of the profiles that a request asks for. INVALID_ARGUMENT with reason ANSWER_TOO_LARGE
// where they are more than a message may have (RequestLimits.max_message_bytes): the API streams
// its results, the protocol does not.
absl::StatusOr<int64_t> AnswerBytes(const ValidRequest& request, const RequestLimits& limits);

// One thread at a time. Values are those of PredictionService.Predict, to the last bit.
class Answer {
 public:
  // `bytes` is what AnswerBytes says.
  Answer(std::shared_ptr<const bundle::Bundle> bundle, std::shared_ptr<const ValidRequest> request,
         const std::string& model, int64_t bytes);

  void Add(const predict::Profiles& profiles);
  // Once all are added. The response carries what PredictHeader says beyond the tensor as
  // parameters: bundle_hash, seed, value_kind, and notes where there are any, a line each.
  inference::ModelInferResponse Take(const std::string& id);

 private:
  const std::shared_ptr<const ValidRequest> request_;
  const ResponseBuilder builder_;
  const std::string model_;
  std::string values_;
};

}  // namespace unlasting::server
