// The tables that a screen writes beside its .h5ad: what it found, strongest first, and which rows
// it could not predict. Tab-separated, UTF-8, one header line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/screen/screen_table.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::client {

// What a summary says in a line.
struct RankedRow {
  // Euclidean length of predicted mean minus control mean, of log1p values, over the genes that the
  // control cells have.
  double change = 0;
  std::vector<std::string> top_genes;  // of the summary's ranking, "STAT1(-1.2)": log2 fold change
  // What the model says of its error, in the cell type of which it is least sure; absent where it
  // says nothing.
  std::optional<v1::PredictedError> error;
};
RankedRow RankedRowOf(const v1::PredictHeader& header, const v1::PerturbationSummary& summary);

// Writes a line per row, in descending order of `change`: rank, line, name, perturbation,
// condition, dose_um, change, top_genes, condition_seen, context_seen, seen_together, network_hops,
// nearest_molecule, molecule_similarity, dose_range, notes, predicted_e_distance, its lower and
// upper, and predicted_error, which says what it is of. `rows` and `ranked` are in the order of
// the header's perturbations. Replaces the file as a whole.
absl::Status WriteRanking(const std::string& path, const v1::PredictHeader& header,
                          const std::vector<ScreenRow>& rows, const std::vector<RankedRow>& ranked);

// Writes a line per bad row: line, name, reason, message, row. Replaces the file as a whole.
absl::Status WriteErrors(const std::string& path, const std::vector<BadRow>& bad);

// OUT without .h5ad, with `ending`: "screen.h5ad" -> "screen.ranking.tsv".
std::string BesideOutput(const std::string& out, const std::string& ending);

}  // namespace unlasting::client
