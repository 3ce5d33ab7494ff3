#include "client/files/prediction_file.h"

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <utility>

// Long because a result is checked, put in order and annotated in one class.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/files/count_report.h"
#include "client/files/error_columns.h"
#include "client/files/resolved_perturbation.h"
#include "core/base/status.h"
#include "core/base/version.h"
#include "proto/codec/enums.h"
#include "proto/codec/matrix_codec.h"

namespace unlasting::client {
namespace {

// CSR takes 8 bytes a value and dense 4: sparse is smaller below this share of values.
constexpr double kSparseBelow = 0.5;

anndata::Categorical ToCategorical(const std::vector<std::string>& values) {
  anndata::Categorical column;
  column.categories = values;
  std::sort(column.categories.begin(), column.categories.end());
  column.categories.erase(std::unique(column.categories.begin(), column.categories.end()),
                          column.categories.end());
  for (const std::string& value : values) {
    column.codes.push_back(static_cast<int32_t>(
        std::lower_bound(column.categories.begin(), column.categories.end(), value) -
        column.categories.begin()));
  }
  return column;
}

CsrMatrix Concatenate(const std::vector<const CsrMatrix*>& blocks, int64_t cols) {
  CsrMatrix all;
  all.cols = cols;
  for (const CsrMatrix* block : blocks) {
    const int64_t offset = static_cast<int64_t>(all.values.size());
    all.rows += block->rows;
    for (size_t r = 1; r < block->indptr.size(); ++r) {
      all.indptr.push_back(offset + block->indptr[r]);
    }
    all.indices.insert(all.indices.end(), block->indices.begin(), block->indices.end());
    all.values.insert(all.values.end(), block->values.begin(), block->values.end());
  }
  return all;
}

// What is said of each perturbation, as columns: a row for each, in the order of the request.
nlohmann::json DistanceColumns(const v1::PredictHeader& header) {
  std::vector<std::string> labels, nearest, ranges, notes, contexts, together;
  std::vector<bool> seen;
  std::vector<double> hops, similarities;
  for (const v1::ResolvedPerturbation& perturbation : header.perturbations()) {
    labels.push_back(perturbation.label());
    seen.push_back(perturbation.seen_in_training());
    contexts.push_back(ContextSeen(perturbation));
    together.push_back(SeenTogether(perturbation));
    notes.push_back(absl::StrJoin(perturbation.notes(), "; "));
    similarities.push_back(MoleculeSimilarity(perturbation));
    nearest.push_back(perturbation.molecule().nearest_molecule());
    ranges.push_back(codec::DoseRangeName(perturbation.molecule().dose_range()));
    hops.push_back(NetworkHops(perturbation));
  }
  return {{"label", labels},
          {"seen_in_training", seen},
          {"context_seen", contexts},
          {"seen_together", together},
          {"network_hops", hops},
          {"nearest_molecule", nearest},
          {"molecule_similarity", similarities},
          {"dose_range", ranges},
          {"notes", notes}};
}

// Names of the covariates of any perturbation, ascending: the columns of obs that hold them.
std::vector<std::string> CovariatesOf(const v1::PredictHeader& header) {
  std::set<std::string> names;
  for (const auto& perturbation : header.perturbations()) {
    for (const auto& [name, unused] : perturbation.covariates()) names.insert(name);
  }
  return {names.begin(), names.end()};
}

// Which model and which options made the prediction.
nlohmann::json Provenance(const v1::PredictHeader& header) {
  const auto& filled_in = header.controls().missing_genes();
  return {{"notes", std::vector<std::string>(header.notes().begin(), header.notes().end())},
          {"filled_in_genes", std::vector<std::string>(filled_in.begin(), filled_in.end())},
          {"model", header.model()},
          {"version", header.model_version()},
          {"bundle_hash", header.bundle_hash()},
          {"solver", codec::SolverName(header.solver())},
          {"solver_steps", header.solver_steps()},
          {"mask", codec::MaskModeName(header.mask())},
          {"mask_threshold", header.mask_threshold()},
          {"seed", header.seed()},
          {"eta", header.eta()},
          {"target_sum", header.target_sum()},
          {"covariates", CovariatesOf(header)},
          {"software_version", kVersion},
          {"perturbations", DistanceColumns(header)}};
}

}  // namespace

absl::Status PredictionCollector::AddHeader(const v1::PredictHeader& header) {
  const v1::ResolvedControls& controls = header.controls();
  bool consistent = controls.cell_ids_in_chunks() ||
                    controls.cell_type_indices_size() == controls.cell_ids_size();
  for (const int32_t index : controls.cell_type_indices()) {
    consistent = consistent && index >= 0 && index < controls.cell_types_size();
  }
  if (!consistent) {
    return absl::InvalidArgumentError(
        absl::StrCat("response: found ", controls.cell_type_indices_size(), " cell types for ",
                     controls.cell_ids_size(), " cells, expected one of the ",
                     controls.cell_types_size(), " listed for each"));
  }
  header_ = header;
  has_header_ = true;
  cell_ids_.assign(controls.cell_ids().begin(), controls.cell_ids().end());
  cell_ids_.resize(cells());
  blocks_.assign(header_.perturbations_size(), {});
  return absl::OkStatus();
}

absl::Status PredictionCollector::AddPerturbations(const v1::ResolvedPerturbations& part) {
  if (part.first() != header_.perturbations_size()) {
    return absl::InvalidArgumentError(absl::StrCat("response: found perturbations from number ",
                                                   part.first(), " on, expected ",
                                                   header_.perturbations_size()));
  }
  header_.mutable_perturbations()->MergeFrom(part.perturbations());
  blocks_.resize(header_.perturbations_size());
  return absl::OkStatus();
}

absl::Status PredictionCollector::Add(const v1::PredictResponse& part) {
  if (part.has_header()) return AddHeader(part.header());
  if (!has_header_) {
    return absl::InvalidArgumentError("response: found another message first, expected the header");
  }
  if (part.has_perturbations()) return AddPerturbations(part.perturbations());
  if (part.has_profiles()) return AddRows(part.profiles());
  if (part.has_summary()) summaries_.push_back(part.summary());
  if (part.has_finished()) finished_ = part.finished();
  return absl::OkStatus();
}

absl::Status PredictionCollector::AddRows(const v1::ProfileChunk& chunk) {
  UNLASTING_ASSIGN_OR_RETURN(const DenseMatrix values, codec::DecodeDenseMatrix(chunk.matrix()));
  if (chunk.perturbation_indices_size() != values.rows ||
      chunk.control_indices_size() != values.rows || values.cols != header_.genes_size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "response: found a chunk of ", values.rows, " x ", values.cols, " values with ",
        chunk.perturbation_indices_size(), " perturbation and ", chunk.control_indices_size(),
        " control indices, expected one of each per row ", "and ", header_.genes_size(),
        " columns"));
  }
  const bool names_cells = header_.controls().cell_ids_in_chunks();
  if (names_cells && chunk.cell_ids_size() != values.rows) {
    return absl::InvalidArgumentError(absl::StrCat("response: found ", chunk.cell_ids_size(),
                                                   " cell ids in a chunk of ", values.rows,
                                                   " rows, expected one per row"));
  }
  for (int64_t r = 0; r < values.rows; ++r) {
    const int perturbation = chunk.perturbation_indices(static_cast<int>(r));
    const int cell = chunk.control_indices(static_cast<int>(r));
    if (perturbation < 0 || perturbation >= header_.perturbations_size() || cell < 0 ||
        cell >= cells()) {
      return absl::InvalidArgumentError(
          absl::StrCat("response: found a row of perturbation ", perturbation, " and control cell ",
                       cell, ", expected below ", header_.perturbations_size(), " and ", cells()));
    }
    if (names_cells) cell_ids_[cell] = chunk.cell_ids(static_cast<int>(r));
    Block& block = blocks_[perturbation];
    if (block.rows_arrived == 0) {
      block.arriving = DenseMatrix(cells(), values.cols);
      block.arrived.assign(cells(), false);
    }
    if (block.arrived.empty() || block.arrived[cell]) {
      return absl::InvalidArgumentError(absl::StrCat("response: found the row of perturbation ",
                                                     perturbation, " and control cell ", cell,
                                                     " twice, expected it once"));
    }
    block.arrived[cell] = true;
    std::copy(values.Row(r).begin(), values.Row(r).end(), block.arriving.Row(cell).begin());
    if (++block.rows_arrived == cells()) {
      block.complete = ToCsr(block.arriving);
      block.arriving = DenseMatrix();
      block.arrived.clear();
    }
  }
  return absl::OkStatus();
}

// varm of the summaries' spreads, [genes, perturbations], where every perturbation has one.
void PredictionCollector::AddSpread(anndata::AnnData* data) const {
  const int64_t perturbations = header_.perturbations_size();
  if (perturbations == 0 || static_cast<int64_t>(summaries_.size()) != perturbations) return;
  using Values = google::protobuf::RepeatedField<float>;
  const auto add = [&](const char* name, const Values& (v1::PerturbationSummary::*of)() const) {
    DenseMatrix matrix(header_.genes_size(), perturbations);
    for (const v1::PerturbationSummary& summary : summaries_) {
      const Values& values = (summary.*of)();
      const int column = summary.perturbation_index();
      // A server from before the field sends none.
      if (values.size() != header_.genes_size() || column < 0 || column >= perturbations) return;
      for (int g = 0; g < values.size(); ++g) matrix.At(g, column) = values[g];
    }
    data->varm[name] = std::move(matrix);
  };
  add("mean", &v1::PerturbationSummary::mean);
  add("standard_deviation", &v1::PerturbationSummary::standard_deviation);
  add("change_standard_error", &v1::PerturbationSummary::change_standard_error);
  add("mask_standard_deviation", &v1::PerturbationSummary::mask_standard_deviation);
  add("change_half_width", &v1::PerturbationSummary::change_half_width);
}

// A row for each cell of each perturbation; the columns of molecules only where there is one.
void PredictionCollector::AddObs(anndata::AnnData* data) const {
  std::vector<std::string> perturbations, conditions, cell_types, control_cells, smiles, units,
      names;
  std::vector<double> doses;
  bool molecules = false;
  for (int p = 0; p < header_.perturbations_size(); ++p) {
    const v1::ResolvedPerturbation& perturbation = header_.perturbations(p);
    const bool molecule = perturbation.dose_micromolar() > 0;
    molecules = molecules || molecule;
    for (int c = 0; c < cells(); ++c) {
      const v1::ResolvedControls& controls = header_.controls();
      data->obs.index.push_back(absl::StrCat(cell_ids_[c], "-", p));
      perturbations.push_back(perturbation.label());
      conditions.push_back(ConditionOf(perturbation));
      cell_types.push_back(controls.cell_types(controls.cell_type_indices(c)));
      control_cells.push_back(cell_ids_[c]);
      smiles.push_back(perturbation.smiles());
      if (!names_.empty()) names.push_back(names_[p]);
      units.push_back(molecule ? "uM" : "");
      doses.push_back(molecule ? perturbation.dose_micromolar()
                               : std::numeric_limits<double>::quiet_NaN());
    }
  }
  data->obs.Set("perturbation", ToCategorical(perturbations));
  if (!names_.empty()) data->obs.Set("name", ToCategorical(names));
  data->obs.Set("condition", ToCategorical(conditions));
  data->obs.Set("cell_type", ToCategorical(cell_types));
  data->obs.Set("control_cell", control_cells);
  if (molecules) {
    data->obs.Set("dose_val", doses);
    data->obs.Set("dose_unit", ToCategorical(units));
    data->obs.Set("SMILES", ToCategorical(smiles));
  }
}

void PredictionCollector::AddCovariates(anndata::AnnData* data) const {
  for (const std::string& name : CovariatesOf(header_)) {
    std::vector<double> values;
    for (const auto& perturbation : header_.perturbations()) {
      const auto value = perturbation.covariates().find(name);
      values.insert(values.end(), cells(),
                    value == perturbation.covariates().end()
                        ? std::numeric_limits<double>::quiet_NaN()
                        : value->second);
    }
    data->obs.Set(name, std::move(values));
  }
}

absl::StatusOr<anndata::AnnData> PredictionCollector::Finish() const {
  std::vector<const CsrMatrix*> complete;
  for (size_t p = 0; p < blocks_.size(); ++p) {
    if (blocks_[p].rows_arrived != cells()) {
      return absl::DataLossError(absl::StrCat("response: perturbation ", p, ": found ",
                                              blocks_[p].rows_arrived, " cells, expected ",
                                              cells()));
    }
    complete.push_back(&blocks_[p].complete);
  }
  anndata::AnnData data;
  CsrMatrix x = Concatenate(complete, header_.genes_size());
  const double share = static_cast<double>(x.values.size()) /
                       std::max<double>(1, static_cast<double>(x.rows) * x.cols);
  const bool sparse = share < kSparseBelow || header_.value_kind() == v1::VALUE_KIND_DRAWN_COUNTS;
  data.x = sparse ? anndata::Matrix(std::move(x)) : anndata::Matrix(ToDense(x));
  data.var.index.assign(header_.genes().begin(), header_.genes().end());
  AddObs(&data);
  AddCovariates(&data);
  data.uns["unlasting"] = Provenance(header_);
  AddCountFacts(header_, summaries_, &data);
  AddSpread(&data);
  AddErrorColumns(header_, summaries_, &data);
  return data;
}

}  // namespace unlasting::client
