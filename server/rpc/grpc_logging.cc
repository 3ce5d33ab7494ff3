#include "server/rpc/grpc_logging.h"

#include "grpc/support/log.h"
#include "server/base/logging.h"

namespace unlasting::server {
namespace {

void Forward(gpr_log_func_args* args) {
  // What gRPC calls an error is often a client's doing, so it is a warning to the operator.
  LogEvent(args->severity == GPR_LOG_SEVERITY_ERROR ? LogLevel::kWarning : LogLevel::kDebug, "grpc",
           {{"message", args->message}});
}

}  // namespace

void ForwardGrpcLog() { gpr_set_log_function(Forward); }

}  // namespace unlasting::server
