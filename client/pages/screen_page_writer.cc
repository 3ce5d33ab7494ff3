#include "client/pages/screen_page_writer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/files/resolved_perturbation.h"
#include "client/pages/statements.h"
#include "client/pages/summary_genes.h"

namespace unlasting::client {

void ScreenPageWriter::Add(const v1::PredictHeader& header, size_t place,
                           const v1::PerturbationSummary& summary, const std::string& given) {
  if (columns_.empty()) columns_ = MeasuredColumns(header);
  const v1::ResolvedPerturbation& perturbation = header.perturbations(static_cast<int>(place));
  report::ScreenPageRow row;
  row.place = static_cast<int64_t>(place);
  row.name = NameOf(perturbation);
  row.given = given;
  row.seen = SeenText(perturbation);
  row.remarks = {DistanceStatement(perturbation), ErrorStatement(&summary, std::nullopt)};
  row.genes = GenesOf(header, summary, columns_, context_.model);
  const v1::PredictedError* const error = WorstError(summary);
  if (error != nullptr && error->has_expected_e_distance()) {
    row.expected_error = error->expected_e_distance();
    row.expected_error_range = ErrorRange(*error);
  }
  page_.Add(row);
}

std::string ScreenPageWriter::Html(const v1::PredictHeader& header, const std::string& table,
                                   const std::vector<report::ScreenPageError>& errors,
                                   const std::string& ranking, const std::string& errors_file,
                                   const std::vector<std::string>& warnings) const {
  ResultStatements statements = StatementsOnResult(header, context_.model.genes_size());
  report::PredictionFrame frame;
  frame.title = absl::StrCat("Screen of ", table);
  frame.subtitle = absl::StrCat(header.perturbations_size(), " perturbations of ",
                                header.controls().cell_type_indices_size(), " control cells by ",
                                header.model(), ", version ", header.model_version());
  frame.asked = AskedFacts(header, context_);
  frame.model = ModelFacts(header, context_.model);
  frame.remarks = std::move(statements.remarks);
  if (!errors.empty()) {
    frame.remarks.push_back(
        {report::Light::kCare, "Rows not predicted",
         absl::StrCat(errors.size(), " of ",
                      errors.size() + static_cast<size_t>(header.perturbations_size()),
                      " rows of the table could not be predicted and are listed below."),
         false});
  }
  frame.adjusted = std::move(statements.adjusted);
  frame.adjusted.insert(frame.adjusted.end(), warnings.begin(), warnings.end());
  return page_.Html(frame, errors, ranking, errors_file);
}

}  // namespace unlasting::client
