#include "client/screen/screen_plan.h"

#include <algorithm>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/files/predict_request.h"
#include "core/base/status.h"

namespace unlasting::client {
namespace {

std::vector<std::string> Cells(absl::string_view line) {
  std::vector<std::string> cells;
  for (const absl::string_view cell : absl::StrSplit(line, '\t')) {
    cells.emplace_back(absl::StripAsciiWhitespace(cell));
  }
  return cells;
}

}  // namespace

absl::StatusOr<std::vector<v1::Perturbation>> ParsePerturbations(const std::string& text) {
  std::vector<v1::Perturbation> perturbations;
  std::vector<std::string> columns;
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    const absl::string_view content = absl::StripTrailingAsciiWhitespace(line);
    if (absl::StripAsciiWhitespace(content).empty() || content.front() == '#') continue;
    const std::vector<std::string> cells = Cells(content);
    if (columns.empty()) {
      columns = cells;
      const bool known = std::any_of(columns.begin(), columns.end(), [](const std::string& name) {
        return name == "gene" || name == "smiles" || name == "molecule" || name == "treatment";
      });
      if (known) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("line ", number, ": found columns '", absl::StrJoin(columns, "', '"),
                       "', expected gene, treatment, or smiles or molecule with dose"));
    }
    if (cells.size() > columns.size()) {
      return absl::InvalidArgumentError(absl::StrCat("line ", number, ": found ", cells.size(),
                                                     " columns, the header has ", columns.size()));
    }
    PredictFlags flags;
    const std::map<std::string, std::vector<std::string>*> fields = {
        {"gene", &flags.genes},           {"smiles", &flags.smiles},
        {"molecule", &flags.molecules},   {"dose", &flags.doses},
        {"treatment", &flags.treatments}, {"hours", &flags.hours},
        {"covariate", &flags.covariates}};
    for (size_t k = 0; k < cells.size(); ++k) {
      const auto field = fields.find(columns[k]);
      if (field != fields.end() && !cells[k].empty()) field->second->push_back(cells[k]);
    }
    const auto request = MakePredictRequest(flags);
    if (!request.ok()) return Annotate(request.status(), absl::StrCat("line ", number));
    if (request->perturbations_size() != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", number, ": expected one of gene, smiles, molecule and treatment"));
    }
    perturbations.push_back(request->perturbations(0));
  }
  if (perturbations.empty()) {
    return absl::InvalidArgumentError("expected one perturbation or more, found none");
  }
  return perturbations;
}

std::vector<ScreenBatch> CutIntoBatches(int64_t perturbations, int64_t batch) {
  std::vector<ScreenBatch> batches;
  for (int64_t first = 0; first < perturbations; first += batch) {
    batches.push_back({first, std::min(first + batch, perturbations)});
  }
  return batches;
}

}  // namespace unlasting::client
