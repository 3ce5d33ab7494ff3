// This header declares the flags that predict, screen and load have in common, and turns them into
// options of the client.
#pragma once

#include <optional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "client/files/control_cells.h"
#include "client/files/predict_request.h"
#include "client/transport/client.h"
#include "client/transport/retry.h"

namespace unlasting::client {

struct ControlFlags {
  ControlSelection selection;
  int64_t panel = -1;  // cells; below 0: none
  std::string missing_genes = "error";
};

// What is added to is outlived by the pointee.
void AddControlFlags(CLI::App* command, ControlFlags* flags);
// --model, the options of a prediction and --bulk.
void AddOptionFlags(CLI::App* command, PredictFlags* flags);
// --treatment-vectors, the path of a table for ReadTreatmentVectors.
void AddTreatmentVectorsFlag(CLI::App* command, std::string* path);
void AddRetryFlags(CLI::App* command, RetryPolicy* policy);

// INVALID_ARGUMENT unless exactly one of --control and --panel was given.
absl::Status CheckControlFlags(const ControlFlags& flags);

// The cells of --control for RetryingClient::UseControls; nullopt where `request` has the panel.
absl::StatusOr<std::optional<cells::ControlMatrix>> ReadControls(const ControlFlags& flags,
                                                                 const PredictFlags& predict,
                                                                 Client* client,
                                                                 v1::PredictRequest* request);

}  // namespace unlasting::client
