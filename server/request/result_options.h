// ResultOptions says what the response to a PredictRequest holds and how it is encoded, for those
// who build it. A plain value.
#pragma once

#include <cstdint>
#include <vector>

#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::server {

struct ResultOptions {
  std::vector<int64_t> columns;  // into Manifest.genes, in the order of the response
  bool profiles = true;
  bool summaries = true;
  v1::ValueKind value_kind = v1::VALUE_KIND_LOG1P;
  v1::MatrixEncoding encoding = v1::MATRIX_ENCODING_RAW_FLOAT32;
  int ranked_genes = 50;
};

}  // namespace unlasting::server
