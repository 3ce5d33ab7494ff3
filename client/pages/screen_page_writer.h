// ScreenPageWriter makes the page of `unlasting screen --report` while the summaries of its rows
// are collected; it keeps no cells.
#pragma once

#include <string>
#include <vector>

#include "client/pages/prediction_page_writer.h"
#include "core/report/screen_page.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::client {

// One thread. The page does not depend on the order of Add.
class ScreenPageWriter {
 public:
  explicit ScreenPageWriter(PageContext context) : context_(std::move(context)) {}

  // The summary of the perturbation at `place` of `header`; `given` is the name that the table
  // gives it.
  void Add(const v1::PredictHeader& header, size_t place, const v1::PerturbationSummary& summary,
           const std::string& given);

  // `table` names the file with the perturbations, `ranking` and `errors_file` what is written
  // beside the predictions.
  std::string Html(const v1::PredictHeader& header, const std::string& table,
                   const std::vector<report::ScreenPageError>& errors, const std::string& ranking,
                   const std::string& errors_file, const std::vector<std::string>& warnings) const;

 private:
  PageContext context_;
  report::ScreenPage page_;
  std::vector<int64_t> columns_;  // of every summary
};

}  // namespace unlasting::client
