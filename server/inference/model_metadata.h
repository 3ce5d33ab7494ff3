// ModelMetadata describes a model in service to callers of the Open Inference Protocol: the inputs
// that it takes and the output that it gives, with names, datatypes and shapes.
//
// A pure function; any thread.
#pragma once

#include "absl/status/statusor.h"
#include "inference/grpc_service.pb.h"
#include "server/models/model_registry.h"

namespace unlasting::server {

// A dimension of any size is -1; that of genes is the model's number of genes, all of which a
// request names in any order unless its parameter missing_genes says otherwise. Errors: those of
// ModelRegistry::Find.
absl::StatusOr<inference::ModelMetadataResponse> ModelMetadata(
    const ModelRegistry& models, const inference::ModelMetadataRequest& request);

}  // namespace unlasting::server
