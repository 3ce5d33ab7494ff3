// LoadDataset, which needs the survey of the values that itself knows datasets.
#include "core/anndata/open_reader.h"
#include "core/base/status.h"
#include "core/cells/dataset.h"
#include "core/cells/row_source.h"
#include "core/cells/survey.h"

namespace unlasting::cells {
namespace {

absl::StatusOr<Dataset> Load(const std::string& path, const LoadOptions& options) {
  UNLASTING_ASSIGN_OR_RETURN(auto reader, anndata::OpenReader(path, {options.obs_table}));
  UNLASTING_ASSIGN_OR_RETURN(auto dataset, ReadAnnotations(reader.get(), options));
  const std::string element = MatrixElement(options);
  UNLASTING_ASSIGN_OR_RETURN(auto matrix, reader->ReadMatrix(element));
  dataset.values = std::holds_alternative<CsrMatrix>(matrix)
                       ? std::move(std::get<CsrMatrix>(matrix))
                       : ToCsr(std::get<DenseMatrix>(matrix));
  SurveyOptions survey;
  survey.matrix = options.matrix;
  survey.predictions = options.predictions;
  survey.training.assign(dataset.n_cells(), false);
  UNLASTING_ASSIGN_OR_RETURN(survey.mark, ReadLogMark(reader.get(), element));
  MemoryRows rows(dataset.values);
  const auto surveyed = SurveyRows(&rows, survey);
  if (!surveyed.ok()) return Annotate(surveyed.status(), element);
  dataset.kind = surveyed->kind;
  if (dataset.kind == MatrixKind::kLog1p) LogConversion(surveyed->scale, 0).Apply(&dataset.values);
  return dataset;
}

}  // namespace

absl::StatusOr<Dataset> LoadDataset(const std::string& path, const LoadOptions& options) {
  auto dataset = Load(path, options);
  // The reader's own errors begin with the path already.
  if (!dataset.ok() && dataset.status().message().find(path) == absl::string_view::npos) {
    return Annotate(dataset.status(), path);
  }
  return dataset;
}

}  // namespace unlasting::cells
