#include "core/cells/normalised_file.h"

#include "core/anndata/open_reader.h"
#include "core/anndata/warnings.h"
#include "core/base/status.h"
#include "core/cells/gene_index.h"
#include "core/cells/normalise.h"
#include "core/cells/obs_columns.h"
#include "core/cells/survey.h"

namespace unlasting::cells {
namespace {

// The reader's own errors begin with the path already.
absl::Status NameFile(const absl::Status& status, const std::string& path) {
  const bool named = status.message().find(path) != absl::string_view::npos;
  return status.ok() || named ? status : Annotate(status, path);
}

absl::StatusOr<std::vector<int64_t>> ColumnsOf(const Dataset& dataset,
                                               const std::vector<std::string>& genes) {
  const GeneIndex index(dataset.genes, dataset.gene_symbols);
  std::vector<int64_t> columns;
  for (const auto& gene : genes) {
    const int64_t column = index.Find(gene);
    if (column < 0) {
      return absl::NotFoundError(absl::StrCat("gene '", gene, "' of the bundle is missing"));
    }
    columns.push_back(column);
  }
  return columns;
}

}  // namespace

absl::StatusOr<std::unique_ptr<NormalisedFile>> NormalisedFile::Open(const std::string& path,
                                                                     const LoadOptions& load) {
  std::unique_ptr<NormalisedFile> file(new NormalisedFile);
  file->path_ = path;
  UNLASTING_RETURN_IF_ERROR(NameFile(file->Initialise(load), path));
  return file;
}

absl::Status NormalisedFile::Initialise(const LoadOptions& load) {
  UNLASTING_ASSIGN_OR_RETURN(reader_, anndata::OpenReader(path_, {load.obs_table}));
  UNLASTING_ASSIGN_OR_RETURN(annotations_, ReadAnnotations(reader_.get(), load));
  const std::string element = MatrixElement(load);
  rows_ = std::make_unique<FileRows>(reader_.get(), element, annotations_.n_cells(),
                                     annotations_.n_genes());
  SurveyOptions options;
  options.matrix = load.matrix;
  options.predictions = load.predictions;
  auto mark = ReadLogMark(reader_.get(), element);
  if (!mark.ok()) return mark.status();
  options.mark = *mark;
  // Sums of rows alone; moments are for choosing genes.
  options.training.assign(annotations_.n_cells(), false);
  auto survey = SurveyRows(rows_.get(), options);
  if (!survey.ok()) return NameFile(survey.status(), element);
  annotations_.kind = survey->kind;
  scale_ = survey->scale;
  range_ = survey->range;
  if (annotations_.kind == MatrixKind::kLog1p && !scale_.remark.empty()) {
    anndata::Warn(path_, scale_.remark);
  }
  if (load.library_size_column.empty() && !load.predictions) {
    WarnOfWholeCounts(reader_.get(), annotations_.kind, survey->row_sum, load);
  }
  library_sizes_ =
      annotations_.library_size.empty() ? std::move(survey->row_sum) : annotations_.library_size;
  return absl::OkStatus();
}

absl::Status NormalisedFile::ForEachBlock(const std::vector<std::string>& genes, double target_sum,
                                          const RowSource::Visit& visit) {
  return NameFile(Pass(genes, target_sum, visit), path_);
}

absl::Status NormalisedFile::Pass(const std::vector<std::string>& genes, double target_sum,
                                  const RowSource::Visit& visit) {
  const bool counts = annotations_.kind == MatrixKind::kCounts;
  if (counts && !(target_sum > 0)) {
    return absl::InvalidArgumentError(
        "found counts, expected log1p values: the bundle was trained on log1p values of an unknown "
        "target sum");
  }
  UNLASTING_ASSIGN_OR_RETURN(const auto columns, ColumnsOf(annotations_, genes));
  const LogConversion conversion(scale_, target_sum);
  return rows_->ForEachBlock([&](int64_t first, const CsrMatrix& block) {
    CsrMatrix part = SelectColumns(block, columns);
    if (counts) {
      const auto sizes = library_sizes_.begin() + first;
      NormaliseLog1p(std::vector<double>(sizes, sizes + block.rows), target_sum, &part);
    } else {
      conversion.Apply(&part);
    }
    return visit(first, part);
  });
}

absl::StatusOr<Dataset> LoadNormalised(const std::string& path, const LoadOptions& load,
                                       const std::vector<std::string>& genes, double target_sum) {
  UNLASTING_ASSIGN_OR_RETURN(const auto file, NormalisedFile::Open(path, load));
  Dataset data = file->annotations();
  data.values = CsrMatrix();
  data.values.cols = static_cast<int64_t>(genes.size());
  UNLASTING_RETURN_IF_ERROR(
      file->ForEachBlock(genes, target_sum, [&](int64_t, const CsrMatrix& block) {
        AppendRows(block, &data.values);
        return absl::OkStatus();
      }));
  data.kind = MatrixKind::kLog1p;
  data.genes = genes;
  return data;
}

void ChosenRows::Want(absl::Span<const int64_t> rows) {
  for (const int64_t row : rows) {
    if (places_[row].first == kUnwanted) places_[row].first = kWanted;
  }
}

void ChosenRows::Take(int64_t first, const CsrMatrix& block) {
  std::vector<int64_t> rows;
  for (int64_t r = 0; r < block.rows; ++r) {
    auto& place = places_[first + r];
    if (place.first != kWanted) continue;
    place = {static_cast<int32_t>(parts_.size()), static_cast<int32_t>(rows.size())};
    rows.push_back(r);
  }
  cols_ = block.cols;
  if (rows.empty()) return;
  parts_.push_back(SelectRows(block, rows));
  parts_.back().indices.shrink_to_fit();
  parts_.back().values.shrink_to_fit();
}

DenseMatrix ChosenRows::Dense(absl::Span<const int64_t> rows) const {
  DenseMatrix dense(static_cast<int64_t>(rows.size()), cols_);
  for (size_t k = 0; k < rows.size(); ++k) {
    const auto& [part, row] = places_[rows[k]];
    const auto columns = parts_[part].RowIndices(row);
    const auto values = parts_[part].RowValues(row);
    for (size_t j = 0; j < columns.size(); ++j) {
      dense.At(static_cast<int64_t>(k), columns[j]) = values[j];
    }
  }
  return dense;
}

}  // namespace unlasting::cells
