// How large one request may be. Exceeding one is the caller's error, not a busy server.
#pragma once

#include <cstdint>

namespace unlasting::server {

struct RequestLimits {
  // One message, as it is sent and as it is inflated.
  int64_t max_message_bytes = int64_t{64} << 20;
  // Control cells of one request or one registered set.
  int64_t max_cells = 20000;
  // Columns of control cells, genes unknown to the model included.
  int64_t max_columns = 200000;
  int64_t max_perturbations = 20000;
  // Genes knocked out together.
  int64_t max_genes_per_perturbation = 64;
  // Control cells times perturbations: the predicted cells of one request.
  int64_t max_rows = 4000000;
  int64_t max_ranked_genes = 100000;
};

}  // namespace unlasting::server
