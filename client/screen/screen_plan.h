// ParsePerturbations reads the perturbations of a screen from a table with one per line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::client {

// Tab-separated, with a header line that names the columns: `gene` (A, A+B, A+ctrl), or `smiles` or
// `molecule` (a name that the model knows) with `dose` (0.2uM); others are passed over. Lines that
// begin with '#' and empty ones too. INVALID_ARGUMENT names the line.
absl::StatusOr<std::vector<v1::Perturbation>> ParsePerturbations(const std::string& text);

// Perturbations [first, last) of each request of a screen, `batch` at a time.
struct ScreenBatch {
  int64_t first = 0;
  int64_t last = 0;
};
std::vector<ScreenBatch> CutIntoBatches(int64_t perturbations, int64_t batch);

}  // namespace unlasting::client
