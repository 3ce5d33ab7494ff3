#include "server/rpc/response_builder.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/predict/job/counts.h"
#include "core/predict/query/contexts.h"
#include "proto/codec/enums.h"
#include "proto/codec/matrix_codec.h"
#include "server/rpc/count_summary.h"
#include "server/rpc/predicted_errors.h"

namespace unlasting::server {
namespace {

// A list in the header that would be longer is left to other parts.
constexpr int64_t kMaxListBytes = 1 << 20;
// About what the tag and the length of a list's entry take.
constexpr int64_t kFieldBytes = 4;
constexpr size_t kNamedGenes = 10;

v1::Solver ToMessage(diffusion::Solver solver) {
  return codec::SolverFromName(diffusion::SolverName(solver)).value_or(v1::SOLVER_UNSPECIFIED);
}

v1::MaskMode ToMessage(predict::MaskMode mode) {
  return codec::MaskModeFromName(predict::MaskModeName(mode)).value_or(v1::MASK_MODE_UNSPECIFIED);
}

v1::GeneTraining ToMessage(bundle::TrainedGenes::Training training) {
  switch (training) {
    case bundle::TrainedGenes::Training::kSingly:
      return v1::GENE_TRAINING_SINGLY;
    case bundle::TrainedGenes::Training::kInCombination:
      return v1::GENE_TRAINING_IN_COMBINATION;
    case bundle::TrainedGenes::Training::kNever:
      return v1::GENE_TRAINING_NEVER;
  }
  return v1::GENE_TRAINING_UNSPECIFIED;
}

v1::DoseRange ToMessage(predict::DoseRange range) {
  switch (range) {
    case predict::DoseRange::kBelow:
      return v1::DOSE_RANGE_BELOW;
    case predict::DoseRange::kWithin:
      return v1::DOSE_RANGE_WITHIN;
    case predict::DoseRange::kAbove:
      return v1::DOSE_RANGE_ABOVE;
    case predict::DoseRange::kUnknown:
      break;
  }
  return v1::DOSE_RANGE_UNSPECIFIED;
}

void AddDistances(const predict::Perturbation& perturbation, v1::ResolvedPerturbation* resolved) {
  for (const predict::GeneDistance& distance : perturbation.genes) {
    v1::GeneTrainingDistance* gene = resolved->add_genes();
    gene->set_gene(distance.gene);
    gene->set_training(ToMessage(distance.training));
    if (distance.hops.has_value()) gene->set_hops(*distance.hops);
    gene->set_nearest_gene(distance.nearest);
  }
  if (!perturbation.molecule_distance.has_value()) return;
  const predict::MoleculeDistance& distance = *perturbation.molecule_distance;
  v1::MoleculeTrainingDistance* molecule = resolved->mutable_molecule();
  if (distance.similarity.has_value()) {
    if (distance.cosine) {
      molecule->set_embedding_cosine(*distance.similarity);
    } else {
      molecule->set_tanimoto_similarity(*distance.similarity);
    }
  }
  molecule->set_nearest_molecule(distance.nearest);
  molecule->set_lowest_dose_micromolar(distance.lowest_dose_um);
  molecule->set_highest_dose_micromolar(distance.highest_dose_um);
  molecule->set_dose_range(ToMessage(predict::DoseRangeOf(distance, perturbation.dose_um)));
}

std::string FilledInNote(const std::vector<std::string>& genes) {
  const size_t named = std::min(genes.size(), kNamedGenes);
  return absl::StrCat(
      "the control cells lack ", genes.size(), genes.size() == 1 ? " gene" : " genes",
      " of the model, which missing_genes filled in: ",
      absl::StrJoin(genes.begin(), genes.begin() + static_cast<int64_t>(named), ", "),
      named < genes.size() ? ", ..." : "", "; what is predicted for ",
      genes.size() == 1 ? "it" : "them", " is no measurement, and rankings leave ",
      genes.size() == 1 ? "it" : "them", " out");
}

}  // namespace

ResponseBuilder::ResponseBuilder(std::shared_ptr<const bundle::Bundle> bundle,
                                 std::shared_ptr<const ValidRequest> request, int64_t chunk_bytes)
    : bundle_(std::move(bundle)), request_(std::move(request)) {
  const ResultOptions& result = request_->result;
  const predict::ControlSet& cells = *request_->task.controls;
  cell_types_.assign(cells.cell_type.begin(), cells.cell_type.end());
  std::sort(cell_types_.begin(), cell_types_.end());
  cell_types_.erase(std::unique(cell_types_.begin(), cell_types_.end()), cell_types_.end());
  int64_t row_bytes = static_cast<int64_t>(result.columns.size() * sizeof(float));
  int64_t id_bytes = 0, longest_id = 0;
  for (const std::string& id : cells.barcodes) {
    const auto bytes = static_cast<int64_t>(id.size()) + kFieldBytes;
    id_bytes += bytes;
    longest_id = std::max(longest_id, bytes);
  }
  cell_ids_in_chunks_ = id_bytes > kMaxListBytes;
  if (cell_ids_in_chunks_) row_bytes += longest_id;
  int64_t perturbation_bytes = 0;
  for (const auto& perturbation : request_->task.perturbations) {
    if (perturbation_bytes > kMaxListBytes) break;
    perturbation_bytes +=
        static_cast<int64_t>(Resolved(*perturbation).ByteSizeLong()) + kFieldBytes;
  }
  perturbations_follow_ = perturbation_bytes > kMaxListBytes;
  rows_per_chunk_ = std::max<int64_t>(1, chunk_bytes / std::max<int64_t>(1, row_bytes));
  for (const int64_t column : result.columns) genes_.push_back(bundle_->manifest().genes[column]);
  if (result.summaries) {
    summarizer_ = std::make_unique<const Summarizer>(cells.values, result.columns, genes_,
                                                     result.ranked_genes, cells.missing_genes);
  }
}

std::string ResponseBuilder::CellId(int64_t row) const {
  const std::vector<std::string>& barcodes = request_->task.controls->barcodes;
  return barcodes.empty() ? std::to_string(row) : barcodes[row];
}

v1::ResolvedPerturbation ResponseBuilder::Resolved(
    const predict::Perturbation& perturbation) const {
  v1::ResolvedPerturbation resolved;
  resolved.set_label(perturbation.label);
  resolved.set_smiles(perturbation.smiles);
  resolved.set_dose_micromolar(perturbation.dose_um);
  resolved.set_seen_in_training(perturbation.seen_in_training);
  resolved.mutable_notes()->Add(perturbation.notes.begin(), perturbation.notes.end());
  resolved.set_condition(perturbation.condition);
  resolved.mutable_covariates()->insert(perturbation.covariates.begin(),
                                        perturbation.covariates.end());
  AddDistances(perturbation, &resolved);
  const auto contexts = predict::ContextsOf(*bundle_, perturbation, cell_types_);
  for (const predict::TrainedContext& trained : contexts) {
    v1::TrainingContext* context = resolved.add_contexts();
    context->set_cell_type(
        predict::CellTypeName(*bundle_, *request_->task.controls, trained.cell_type));
    context->set_condition_seen(trained.condition_seen);
    if (trained.context_seen.has_value()) context->set_context_seen(*trained.context_seen);
    if (trained.seen_together.has_value()) context->set_seen_together(*trained.seen_together);
  }
  const std::string note = predict::NotTogetherNote(*bundle_, contexts);
  if (!note.empty()) resolved.add_notes(note);
  return resolved;
}

std::optional<v1::PredictResponse> ResponseBuilder::FollowingPerturbations(size_t* next) const {
  const auto& perturbations = request_->task.perturbations;
  if (!perturbations_follow_ || *next >= perturbations.size()) return std::nullopt;
  v1::PredictResponse response;
  v1::ResolvedPerturbations* part = response.mutable_perturbations();
  part->set_first(static_cast<int32_t>(*next));
  for (int64_t bytes = 0; *next < perturbations.size() && bytes < kMaxListBytes; ++*next) {
    *part->add_perturbations() = Resolved(*perturbations[*next]);
    bytes += static_cast<int64_t>(part->perturbations().rbegin()->ByteSizeLong()) + kFieldBytes;
  }
  return response;
}

void ResponseBuilder::AddControls(v1::PredictHeader* header) const {
  const predict::ControlSet& cells = *request_->task.controls;
  v1::ResolvedControls* controls = header->mutable_controls();
  controls->set_cell_ids_in_chunks(cell_ids_in_chunks_);
  for (int64_t r = 0; !cell_ids_in_chunks_ && r < cells.values.rows; ++r) {
    controls->add_cell_ids(CellId(r));
  }
  // Only the types that occur, so that a small request has a small header.
  for (const int32_t type : cell_types_) {
    controls->add_cell_types(predict::CellTypeName(*bundle_, cells, type));
  }
  if (cells.new_context != nullptr) controls->set_new_context(cells.new_context->name);
  for (const int32_t type : cells.cell_type) {
    controls->add_cell_type_indices(static_cast<int32_t>(
        std::lower_bound(cell_types_.begin(), cell_types_.end(), type) - cell_types_.begin()));
  }
  controls->mutable_missing_genes()->Add(cells.missing_genes.begin(), cells.missing_genes.end());
  controls->set_ignored_genes(cells.ignored_genes);
  header->mutable_notes()->Add(cells.notes.begin(), cells.notes.end());
  if (!cells.missing_genes.empty()) header->add_notes(FilledInNote(cells.missing_genes));
  for (std::string& note : predict::UnseenContextNotes(*bundle_, cell_types_)) {
    header->add_notes(std::move(note));
  }
}

v1::PredictResponse ResponseBuilder::Header(const std::string& model) const {
  const bundle::Manifest& manifest = bundle_->manifest();
  v1::PredictResponse response;
  v1::PredictHeader* header = response.mutable_header();
  header->set_model(model);
  header->set_model_version(manifest.version);
  header->set_bundle_hash(bundle_->hash());
  header->mutable_genes()->Add(genes_.begin(), genes_.end());
  header->set_value_kind(request_->result.value_kind);
  header->set_target_sum(manifest.normalisation.target_sum);
  header->set_solver(ToMessage(request_->task.options.solver));
  header->set_solver_steps(request_->task.options.solver_steps);
  header->set_mask(ToMessage(request_->task.options.mask));
  header->set_mask_threshold(request_->task.options.mask_threshold);
  header->set_seed(request_->task.options.seed);
  header->set_eta(request_->task.options.eta);
  header->set_count_depth(request_->task.options.count_depth);
  AddControls(header);
  header->set_perturbations_follow(perturbations_follow_);
  if (perturbations_follow_) return response;
  for (const auto& perturbation : request_->task.perturbations) {
    *header->add_perturbations() = Resolved(*perturbation);
  }
  return response;
}

v1::PredictResponse ResponseBuilder::Chunk(const predict::Profiles& profiles,
                                           int64_t first_row) const {
  const ResultOptions& result = request_->result;
  const int64_t rows = std::min(rows_per_chunk_, profiles.values.rows - first_row);
  DenseMatrix values(rows, static_cast<int64_t>(result.columns.size()));
  v1::PredictResponse response;
  v1::ProfileChunk* chunk = response.mutable_profiles();
  for (int64_t r = 0; r < rows; ++r) {
    chunk->add_perturbation_indices(profiles.perturbation);
    chunk->add_control_indices(static_cast<int32_t>(first_row + r));
    if (cell_ids_in_chunks_) chunk->add_cell_ids(CellId(first_row + r));
    const absl::Span<const float> source = profiles.values.Row(first_row + r);
    const absl::Span<float> target = values.Row(r);
    if (result.value_kind == v1::VALUE_KIND_DRAWN_COUNTS) {
      predict::DrawCounts(source, bundle_->manifest().counts.dispersion,
                          profiles.draws[first_row + r], result.columns, target);
      continue;
    }
    for (size_t k = 0; k < result.columns.size(); ++k) target[k] = source[result.columns[k]];
    if (result.value_kind == v1::VALUE_KIND_COUNTS) {
      for (float& value : target) value = std::expm1(value);
    }
  }
  *chunk->mutable_matrix() = codec::EncodeMatrix(values, result.encoding);
  return response;
}

v1::PredictResponse ResponseBuilder::Summary(const predict::Profiles& profiles) const {
  v1::PredictResponse response;
  if (summarizer_ == nullptr) return response;
  *response.mutable_summary() = summarizer_->Summarize(profiles);
  AddPredictedErrors(*bundle_, request_->task, cell_types_, profiles, response.mutable_summary());
  if (request_->result.value_kind == v1::VALUE_KIND_DRAWN_COUNTS) {
    *response.mutable_summary()->mutable_drawn_counts() =
        SummarizeCounts(profiles, bundle_->manifest().counts.dispersion, request_->result.columns);
  }
  return response;
}

v1::PredictResponse ResponseBuilder::Progress(const JobProgress& progress) const {
  v1::PredictResponse response;
  response.mutable_progress()->set_evaluations_done(progress.evaluations_done);
  response.mutable_progress()->set_evaluations_total(progress.evaluations_total);
  response.mutable_progress()->set_perturbations_done(progress.perturbations_done);
  return response;
}

v1::PredictResponse ResponseBuilder::Finished(const JobTimings& timings) const {
  v1::PredictResponse response;
  v1::PredictFinished* finished = response.mutable_finished();
  finished->set_rows(request_->task.predictions());
  finished->set_evaluations(timings.evaluations);
  finished->set_queue_seconds(absl::ToDoubleSeconds(timings.queue));
  finished->set_compute_seconds(absl::ToDoubleSeconds(timings.compute));
  finished->set_total_seconds(absl::ToDoubleSeconds(timings.total));
  return response;
}

}  // namespace unlasting::server
