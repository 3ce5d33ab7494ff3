#include "client/commands/page_flags.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "core/anndata/warnings.h"
#include "core/base/status.h"

namespace unlasting::client {

void AddReportFlag(CLI::App* command, std::string* path) {
  command
      ->add_option("--report", *path,
                   "HTML page to write: what changes and how surely, and how far the question lies "
                   "from the training data")
      ->type_name("FILE.html");
}

KeptWarnings::KeptWarnings() {
  anndata::SetWarningHandler([this](const std::string& message) {
    std::fprintf(stderr, "warning: %s\n", message.c_str());
    all_.push_back(message);
  });
}

KeptWarnings::~KeptWarnings() { anndata::SetWarningHandler(nullptr); }

absl::Status CheckReportFlag(const std::string& report, const std::string& out) {
  if (report.empty()) return absl::OkStatus();
  const auto whole = [](const std::string& path) {
    std::error_code ignored;
    return std::filesystem::weakly_canonical(path, ignored);
  };
  if (report != out && whole(report) != whole(out)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--report: found '", report, "', which --out names too; expected another file"));
}

absl::StatusOr<PageContext> PreparePage(const ControlFlags& controls, const PredictFlags& predict,
                                        Client* client, v1::PredictRequest* request) {
  PageContext context;
  UNLASTING_ASSIGN_OR_RETURN(context.model, client->GetModel(predict.model, predict.model_version));
  const bool own = controls.panel >= 0;
  context.controls_from =
      own ? "the model's own" : std::filesystem::path(controls.selection.path).filename().string();
  const int genes = predict.result_genes.empty() ? context.model.genes_size()
                                                 : static_cast<int>(predict.result_genes.size());
  request->mutable_options()->set_ranked_genes(std::max(genes, 1));
  return context;
}

}  // namespace unlasting::client
