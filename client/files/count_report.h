// CountReport adds up what drawn counts keep of the profiles that they are drawn from, for the
// client's commands, and AddCountFacts writes what a file of predictions holds. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/anndata/anndata.h"
#include "nlohmann/json.hpp"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::client {

// Of one result; each perturbation counts alike.
class CountReport {
 public:
  // Summaries without drawn counts are left out.
  void Add(const v1::PerturbationSummary& summary);
  // A line for the terminal, without its end; "" where no counts were drawn.
  std::string Text() const;
  // The same numbers; null where no counts were drawn.
  nlohmann::json Json() const;

 private:
  int64_t perturbations_ = 0;
  double lost_share_ = 0, total_ = 0, expected_total_ = 0;  // sums over perturbations
};

// Says in uns "unlasting" what X is: value_kind (log1p, normalised counts or counts) and, of
// counts, count_depth (0: as the control cells). Where each perturbation has its summary, varm
// drawn_active_share [genes, perturbations] is added.
void AddCountFacts(const v1::PredictHeader& header,
                   const std::vector<v1::PerturbationSummary>& summaries, anndata::AnnData* data);

}  // namespace unlasting::client
