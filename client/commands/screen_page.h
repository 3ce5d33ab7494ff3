// PageOfScreen writes the page of `unlasting screen --report`, where the flag asks for one. One
// thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/commands/page_flags.h"
#include "client/commands/shared_flags.h"
#include "client/pages/screen_page_writer.h"
#include "client/screen/screen_table.h"
#include "client/transport/client.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::client {

class PageOfScreen {
 public:
  // `path` is the flag's; where it is empty nothing is kept and written. From here on what is
  // warned of files is kept for the page.
  explicit PageOfScreen(const std::string& path);
  // `request` is of the work that is about to begin.
  absl::Status Prepare(const ControlFlags& controls, const PredictFlags& predict, Client* client,
                       v1::PredictRequest* request);
  // The summary of `row`, which is the perturbation at `place` of `header`.
  void Add(const v1::PredictHeader& header, size_t place, const v1::PerturbationSummary& summary,
           const ScreenRow& row);
  // The paths are of the table, of the ranking and of the table of errors.
  absl::Status Write(const v1::PredictHeader& header, const std::string& perturbations,
                     const std::vector<BadRow>& bad, const std::string& ranking,
                     const std::string& errors) const;

 private:
  std::string path_;
  std::optional<KeptWarnings> warnings_;
  std::optional<ScreenPageWriter> writer_;
};

}  // namespace unlasting::client
