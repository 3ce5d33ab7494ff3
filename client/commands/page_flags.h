// page_flags.h is the flag --report of predict and screen, and what a page needs to know before the
// first answer comes.
#pragma once

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "client/commands/shared_flags.h"
#include "client/pages/prediction_page_writer.h"
#include "client/transport/client.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::client {

// `path` outlives the parse.
void AddReportFlag(CLI::App* command, std::string* path);

// Keeps what the readers of files warn of, which goes to stderr as ever, for as long as it lives.
// One at a time.
class KeptWarnings {
 public:
  KeptWarnings();
  ~KeptWarnings();
  KeptWarnings(const KeptWarnings&) = delete;
  KeptWarnings& operator=(const KeptWarnings&) = delete;

  // While no file is being read.
  const std::vector<std::string>& all() const { return all_; }

 private:
  std::vector<std::string> all_;
};

// INVALID_ARGUMENT where the page would take the place of the predictions.
absl::Status CheckReportFlag(const std::string& report, const std::string& out);

// The model that the page speaks of, without control cells and warnings; `request` asks for the
// ranks of all genes, which p values are adjusted over.
absl::StatusOr<PageContext> PreparePage(const ControlFlags& controls, const PredictFlags& predict,
                                        Client* client, v1::PredictRequest* request);

}  // namespace unlasting::client
