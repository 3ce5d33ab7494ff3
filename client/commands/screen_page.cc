#include "client/commands/screen_page.h"

#include <filesystem>
#include <utility>

#include "client/commands/page_flags.h"
#include "core/base/file.h"
#include "core/base/status.h"

namespace unlasting::client {

PageOfScreen::PageOfScreen(const std::string& path) : path_(path) {
  if (!path.empty()) warnings_.emplace();
}

absl::Status PageOfScreen::Prepare(const ControlFlags& controls, const PredictFlags& predict,
                                   Client* client, v1::PredictRequest* request) {
  if (path_.empty()) return absl::OkStatus();
  UNLASTING_ASSIGN_OR_RETURN(PageContext context, PreparePage(controls, predict, client, request));
  writer_.emplace(std::move(context));
  return absl::OkStatus();
}

void PageOfScreen::Add(const v1::PredictHeader& header, size_t place,
                       const v1::PerturbationSummary& summary, const ScreenRow& row) {
  if (writer_.has_value()) writer_->Add(header, place, summary, row.name);
}

absl::Status PageOfScreen::Write(const v1::PredictHeader& header, const std::string& perturbations,
                                 const std::vector<BadRow>& bad, const std::string& ranking,
                                 const std::string& errors) const {
  if (!writer_.has_value()) return absl::OkStatus();
  std::vector<report::ScreenPageError> listed;
  for (const BadRow& row : bad) listed.push_back({row.line, row.name, row.reason, row.message});
  const auto name = [](const std::string& file) {
    return std::filesystem::path(file).filename().string();
  };
  return WriteFileAtomically(path_, writer_->Html(header, name(perturbations), listed,
                                                  name(ranking), name(errors), warnings_->all()));
}

}  // namespace unlasting::client
