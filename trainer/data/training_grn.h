// BuildTrainingGrn builds the gene regulatory network that `fit` trains with and `network` writes.
#pragma once

#include "absl/status/statusor.h"
#include "core/cells/preprocess.h"
#include "core/grn/graph.h"
#include "trainer/settings/config.pb.h"

namespace unlasting::trainer {

// The co-expression network (eq 4) of the training control cells, together with the edges of
// `grn.prior` where one is set. Nodes are numbered as cells::Prepared::NodeOf numbers them. The
// result does not depend on `threads`. INVALID_ARGUMENT without training control cells, or where
// the prior cannot be read or names none of the data's genes.
absl::StatusOr<grn::Graph> BuildTrainingGrn(const cells::Prepared& prepared,
                                            const GrnConfig& config, int threads);

}  // namespace unlasting::trainer
