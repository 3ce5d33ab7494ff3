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
#include "core/anndata/anndata.h"

namespace unlasting::client {

struct ControlFlags {
  ControlSelection selection;
  int64_t panel = -1;  // cells; below 0: none
  std::string missing_genes = "error";
  bool with_controls = false;  // in a file of counts
};

// What is added to is outlived by the pointee.
void AddControlFlags(CLI::App* command, ControlFlags* flags);
// --with-controls, of commands that write a file.
void AddWithControlsFlag(CLI::App* command, ControlFlags* flags);
// --model, the options of a prediction and --bulk.
void AddOptionFlags(CLI::App* command, PredictFlags* flags);
// --treatment-vectors, the path of a table for ReadTreatmentVectors.
void AddTreatmentVectorsFlag(CLI::App* command, std::string* path);
void AddRetryFlags(CLI::App* command, RetryPolicy* policy);

// INVALID_ARGUMENT unless exactly one of --control and --panel was given.
absl::Status CheckControlFlags(const ControlFlags& flags);

// Adds the control cells to `data` where --with-controls asks for them. INVALID_ARGUMENT names the
// flag where they are no counts, or are not the caller's.
absl::Status AddControls(const ControlFlags& flags, const PredictFlags& predict,
                         const std::optional<cells::ControlMatrix>& cells, Client* client,
                         anndata::AnnData* data);

// The cells of --control for RetryingClient::UseControls; nullopt where `request` has the panel.
absl::StatusOr<std::optional<cells::ControlMatrix>> ReadControls(const ControlFlags& flags,
                                                                 const PredictFlags& predict,
                                                                 Client* client,
                                                                 v1::PredictRequest* request);

}  // namespace unlasting::client
