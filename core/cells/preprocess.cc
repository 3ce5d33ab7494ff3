#include "core/cells/preprocess.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "absl/strings/numbers.h"
#include "core/anndata/open_reader.h"
#include "core/anndata/warnings.h"
#include "core/base/status.h"
#include "core/cells/gene_index.h"
#include "core/cells/log_scale.h"
#include "core/cells/normalise.h"
#include "core/cells/obs_columns.h"
#include "core/cells/row_source.h"
#include "core/cells/survey.h"

namespace unlasting::cells {
namespace {

absl::StatusOr<double> TargetSum(const std::vector<double>& library_sizes,
                                 const std::string& setting, const std::vector<int64_t>& training) {
  if (setting == "median") return MedianLibrarySize(library_sizes, training);
  double value = 0;
  if (!absl::SimpleAtod(setting, &value) || !(value > 0) || !std::isfinite(value)) {
    return absl::InvalidArgumentError(
        absl::StrCat("target_sum: found '", setting, "', expected median or a number above 0"));
  }
  return value;
}

absl::Status CheckOptions(const PreprocessOptions& options) {
  if (options.hvg_flavor != "seurat" && options.hvg_flavor != "seurat_v3") {
    return absl::InvalidArgumentError(
        absl::StrCat("hvg_flavor: found '", options.hvg_flavor, "', expected seurat or seurat_v3"));
  }
  if (options.genes < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("genes: found ", options.genes, ", expected 0 (all) or more"));
  }
  return absl::OkStatus();
}

// Genes by the flavour that the options name.
absl::StatusOr<std::vector<int64_t>> VariableGenes(const PreprocessOptions& options,
                                                   const Survey& survey, double target_sum,
                                                   const std::vector<bool>& training,
                                                   RowSource* rows) {
  if (options.hvg_flavor == "seurat") {
    GeneMoments moments = survey.linear;
    if (survey.kind == MatrixKind::kCounts) {
      for (double& sum : moments.sum) sum *= target_sum;
      for (double& squares : moments.squares) squares *= target_sum * target_sum;
    }
    return HighlyVariableGenes(SeuratDispersion(moments), options.genes);
  }
  if (survey.kind != MatrixKind::kCounts) {
    return absl::InvalidArgumentError(
        "hvg_flavor: seurat_v3 expects counts, found log1p values; use seurat, or name a layer of "
        "counts");
  }
  const SeuratV3Model model = FitSeuratV3(survey.raw);
  UNLASTING_ASSIGN_OR_RETURN(const auto clipped, ClippedMoments(rows, training, model.clip));
  return LargestVariance(SeuratV3Variance(model, clipped), options.genes);
}

// Columns to keep, rising; perturbed genes without a column go to `perturbed_only`.
std::set<int64_t> PerturbedColumns(const Dataset& data, std::vector<std::string>* perturbed_only) {
  const GeneIndex index(data.genes, data.gene_symbols);
  std::set<int64_t> kept;
  std::set<std::string> absent;
  for (const auto& condition : data.conditions) {
    for (const auto& gene : condition.genes) {
      const int64_t column = index.Find(gene);
      if (column >= 0) {
        kept.insert(column);
      } else if (absent.insert(gene).second) {
        perturbed_only->push_back(gene);
      }
    }
  }
  return kept;
}

void KeepGenes(const std::vector<int64_t>& columns, Dataset* data) {
  std::vector<std::string> genes;
  std::map<std::string, std::string> symbols;
  for (const int64_t g : columns) {
    genes.push_back(data->genes[g]);
    const auto symbol = data->gene_symbols.find(data->genes[g]);
    if (symbol != data->gene_symbols.end()) symbols.insert(*symbol);
  }
  data->genes = std::move(genes);
  data->gene_symbols = std::move(symbols);
}

// The columns of all rows as natural logarithms: counts normalised to `target_sum`, or logarithms
// of `scale` brought to it.
absl::StatusOr<CsrMatrix> Gather(RowSource* rows, const std::vector<int64_t>& columns,
                                 const Survey& survey, const std::vector<double>& library_sizes,
                                 double target_sum) {
  const LogConversion conversion(survey.scale, target_sum);
  CsrMatrix gathered;
  gathered.cols = static_cast<int64_t>(columns.size());
  gathered.indptr.reserve(rows->rows() + 1);
  UNLASTING_RETURN_IF_ERROR(rows->ForEachBlock([&](int64_t first, const CsrMatrix& block) {
    CsrMatrix part = SelectColumns(block, columns);
    if (survey.kind == MatrixKind::kCounts) {
      const auto sizes = library_sizes.begin() + first;
      NormaliseLog1p(std::vector<double>(sizes, sizes + block.rows), target_sum, &part);
    } else {
      conversion.Apply(&part);
    }
    AppendRows(part, &gathered);
    return absl::OkStatus();
  }));
  return gathered;
}

// The sum that logarithms are brought to, where it is known: the setting's, else their own.
absl::StatusOr<double> LogTargetSum(const PreprocessOptions& options, const LogScale& scale,
                                    std::string* remark) {
  *remark = scale.remark;
  UNLASTING_ASSIGN_OR_RETURN(const double wanted, TargetSum({}, options.target_sum, {}));
  if (options.target_sum == "median") return scale.target_sum;
  const auto add = [remark](const std::string& text) {
    absl::StrAppend(remark, remark->empty() ? "" : "; ", text);
  };
  if (!(scale.target_sum > 0)) {
    add(absl::StrCat("target_sum=", options.target_sum,
                     " is without effect: values are logarithms of counts normalised to an unknown "
                     "sum"));
    return 0;
  }
  if (LogConversion(scale, wanted).rescales()) {
    add(absl::StrCat("log1p of ", SumText(scale.target_sum), " a cell, rescaled to ",
                     SumText(wanted)));
  }
  return wanted;
}

// `survey_options` say all but which cells train.
absl::StatusOr<Prepared> PreprocessRows(Dataset annotations, RowSource* rows,
                                        SurveyOptions survey_options,
                                        const PreprocessOptions& options,
                                        const std::function<void(const Survey&)>& surveyed) {
  UNLASTING_RETURN_IF_ERROR(CheckOptions(options));
  Prepared prepared;
  UNLASTING_ASSIGN_OR_RETURN(prepared.split, MakeSplit(annotations, options.split));
  const std::vector<int64_t> training = prepared.split.Cells(false);
  survey_options.training = prepared.split.test;
  survey_options.training.flip();
  survey_options.library_size = annotations.library_size;
  UNLASTING_ASSIGN_OR_RETURN(const Survey survey, SurveyRows(rows, survey_options));
  if (surveyed) surveyed(survey);
  prepared.kind = survey.kind;
  const auto& library_sizes =
      annotations.library_size.empty() ? survey.row_sum : annotations.library_size;
  if (survey.kind == MatrixKind::kCounts) {
    UNLASTING_ASSIGN_OR_RETURN(prepared.target_sum,
                               TargetSum(library_sizes, options.target_sum, training));
  } else {
    UNLASTING_ASSIGN_OR_RETURN(prepared.target_sum,
                               LogTargetSum(options, survey.scale, &prepared.remark));
  }
  std::set<int64_t> kept = PerturbedColumns(annotations, &prepared.perturbed_only);
  // Zero genes, or as many as there are: all of them, in either flavour.
  const bool all = options.genes == 0 || options.genes >= annotations.n_genes();
  if (all) {
    for (int64_t g = 0; g < annotations.n_genes(); ++g) kept.insert(g);
  } else {
    UNLASTING_ASSIGN_OR_RETURN(
        const auto variable,
        VariableGenes(options, survey, prepared.target_sum, survey_options.training, rows));
    kept.insert(variable.begin(), variable.end());
  }
  const std::vector<int64_t> columns(kept.begin(), kept.end());
  UNLASTING_ASSIGN_OR_RETURN(CsrMatrix values,
                             Gather(rows, columns, survey, library_sizes, prepared.target_sum));
  if (survey.kind == MatrixKind::kCounts) prepared.library_size = library_sizes;
  prepared.data = std::move(annotations);
  prepared.data.values = std::move(values);
  prepared.data.kind = MatrixKind::kLog1p;
  KeepGenes(columns, &prepared.data);
  float largest = 0;
  for (const int64_t cell : training) {
    for (const float value : prepared.data.values.RowValues(cell)) {
      largest = std::max(largest, value);
    }
  }
  if (largest <= 0) {
    return absl::InvalidArgumentError("found no expression in the training cells");
  }
  prepared.x_max = largest;
  return prepared;
}

// A file's annotations with a source of its rows.
struct OpenFile {
  std::unique_ptr<anndata::Reader> reader;
  Dataset annotations;
  std::unique_ptr<FileRows> rows;
  SurveyOptions survey;
};

absl::StatusOr<OpenFile> OpenRows(const std::string& path, const LoadOptions& load,
                                  FileRows::Progress progress) {
  OpenFile file;
  UNLASTING_ASSIGN_OR_RETURN(file.reader, anndata::OpenReader(path, {load.obs_table}));
  UNLASTING_ASSIGN_OR_RETURN(file.annotations, ReadAnnotations(file.reader.get(), load));
  file.rows =
      std::make_unique<FileRows>(file.reader.get(), MatrixElement(load), file.annotations.n_cells(),
                                 file.annotations.n_genes(), std::move(progress));
  file.survey.matrix = load.matrix;
  UNLASTING_ASSIGN_OR_RETURN(file.survey.mark, ReadLogMark(file.reader.get(), MatrixElement(load)));
  return file;
}

// The reader's own errors begin with the path already.
absl::Status NameFile(const absl::Status& status, const std::string& path) {
  const bool named = status.message().find(path) != absl::string_view::npos;
  return named ? status : Annotate(status, path);
}

}  // namespace

int32_t Prepared::NodeOf(const std::string& gene) const {
  const int64_t column = GeneIndex(data.genes, data.gene_symbols).Find(gene);
  if (column >= 0) return static_cast<int32_t>(column);
  const auto extra = std::find(perturbed_only.begin(), perturbed_only.end(), gene);
  if (extra == perturbed_only.end()) return -1;
  return static_cast<int32_t>(data.n_genes() + (extra - perturbed_only.begin()));
}

absl::StatusOr<Prepared> Preprocess(Dataset dataset, const PreprocessOptions& options) {
  const CsrMatrix values = std::exchange(dataset.values, CsrMatrix());
  dataset.values.rows = values.rows;
  dataset.values.cols = values.cols;
  dataset.values.indptr.assign(values.rows + 1, 0);
  MemoryRows rows(values);
  SurveyOptions survey;
  survey.known = dataset.kind;
  // The values of a Dataset are natural logarithms, whatever they look like.
  if (dataset.kind == MatrixKind::kLog1p) survey.mark.base = LogScale().base;
  return PreprocessRows(std::move(dataset), &rows, std::move(survey), options, nullptr);
}

absl::StatusOr<Prepared> PreprocessFile(const std::string& path, const LoadOptions& load,
                                        const PreprocessOptions& options,
                                        const PreprocessProgress& progress) {
  const int64_t passes = options.hvg_flavor == "seurat_v3" && options.genes > 0 ? 3 : 2;
  int64_t done = 0, in_pass = 0, cells = 0;
  const auto rows_done = [&](int64_t rows) {
    if (rows <= in_pass) in_pass = 0;
    done += rows - in_pass;
    in_pass = rows;
    if (progress) progress(std::min(done, passes * cells), passes * cells);
  };
  auto file = OpenRows(path, load, rows_done);
  if (!file.ok()) return NameFile(file.status(), path);
  cells = file->annotations.n_cells();
  const bool sums_rows = load.library_size_column.empty();
  const auto surveyed = [&](const Survey& survey) {
    if (sums_rows) WarnOfWholeCounts(file->reader.get(), survey.kind, survey.row_sum, load);
  };
  auto prepared = PreprocessRows(std::move(file->annotations), file->rows.get(), file->survey,
                                 options, surveyed);
  if (!prepared.ok()) return NameFile(prepared.status(), path);
  if (!prepared->remark.empty()) anndata::Warn(path, prepared->remark);
  return prepared;
}

}  // namespace unlasting::cells
