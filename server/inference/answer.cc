#include "server/inference/answer.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status.h"
#include "proto/codec/enums.h"

namespace unlasting::server {

absl::StatusOr<int64_t> AnswerBytes(const ValidRequest& request, const RequestLimits& limits) {
  const int64_t rows = request.task.predictions();  // within limits.max_rows
  const auto columns = static_cast<int64_t>(request.result.columns.size());
  const int64_t row_bytes = columns * static_cast<int64_t>(sizeof(float));
  if (rows <= limits.max_message_bytes / std::max<int64_t>(1, row_bytes)) return rows * row_bytes;
  Violations violations;
  violations.Add("profiles", "ANSWER_TOO_LARGE",
                 absl::StrCat("found ", request.task.perturbations.size(), " perturbations x ",
                              request.task.cells(), " cells x ", columns,
                              " genes of 4 bytes, expected at most ", limits.max_message_bytes,
                              " bytes in one answer (limits.max_message_bytes of the server); send "
                              "fewer cells or perturbations per request"));
  return violations.ToStatus();
}

Answer::Answer(std::shared_ptr<const bundle::Bundle> bundle,
               std::shared_ptr<const ValidRequest> request, const std::string& model, int64_t bytes)
    : request_(std::move(request)),
      // A chunk that is as large as all cells of a perturbation.
      builder_(std::move(bundle), request_, std::numeric_limits<int64_t>::max()),
      model_(model),
      values_(static_cast<size_t>(bytes), '\0') {}

void Answer::Add(const predict::Profiles& profiles) {
  const v1::PredictResponse part = builder_.Chunk(profiles, 0);
  const std::string& data = part.profiles().matrix().raw().data();
  std::copy(data.begin(), data.end(),
            values_.begin() + profiles.perturbation * static_cast<int64_t>(data.size()));
}

inference::ModelInferResponse Answer::Take(const std::string& id) {
  v1::PredictHeader header;
  header.Swap(builder_.Header(model_).mutable_header());
  inference::ModelInferResponse response;
  response.set_model_name(header.model());
  response.set_model_version(header.model_version());
  response.set_id(id);
  auto& parameters = *response.mutable_parameters();
  parameters["bundle_hash"].set_string_param(header.bundle_hash());
  if (header.seed() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    parameters["seed"].set_int64_param(static_cast<int64_t>(header.seed()));
  } else {
    parameters["seed"].set_uint64_param(header.seed());
  }
  parameters["value_kind"].set_string_param(codec::ValueKindName(header.value_kind()));
  std::vector<std::string> notes(header.notes().begin(), header.notes().end());
  for (const auto& perturbation : header.perturbations()) {
    for (const std::string& note : perturbation.notes()) {
      notes.push_back(absl::StrCat(perturbation.label(), ": ", note));
    }
  }
  if (!notes.empty()) parameters["notes"].set_string_param(absl::StrJoin(notes, "\n"));
  auto* output = response.add_outputs();
  output->set_name("profiles");
  output->set_datatype("FP32");
  output->add_shape(static_cast<int64_t>(request_->task.perturbations.size()));
  output->add_shape(request_->task.cells());
  output->add_shape(static_cast<int64_t>(request_->result.columns.size()));
  *response.add_raw_output_contents() = std::move(values_);
  return response;
}

}  // namespace unlasting::server
