#include "server/rpc/call.h"

#include <algorithm>
#include <cstdint>

#include "core/base/status.h"
#include "grpcpp/security/auth_context.h"
#include "server/base/retry_delay.h"
#include "server/rpc/grpc_status.h"

namespace unlasting::server {
namespace {

absl::string_view View(const grpc::string_ref& text) { return {text.data(), text.size()}; }

// The first value of this name in the caller's metadata; "" where there is none.
std::string Metadata(const grpc::CallbackServerContext& context, const char* name) {
  const auto found = context.client_metadata().find(name);
  return found == context.client_metadata().end() ? "" : std::string(View(found->second));
}

Credentials CredentialsOf(const grpc::CallbackServerContext& context) {
  Credentials credentials;
  credentials.authorization = Metadata(context, "authorization");
  const auto auth = context.auth_context();
  if (auth != nullptr && auth->IsPeerAuthenticated()) {
    const auto names = auth->GetPeerIdentity();
    if (!names.empty()) credentials.certificate_name = std::string(View(names.front()));
  }
  credentials.peer = context.peer();
  return credentials;
}

}  // namespace

Call::Call(const ServiceContext& services, grpc::CallbackServerContext* context, const char* method)
    : services_(services),
      context_(context),
      method_(method),
      start_(services.clock->Now()),
      request_id_(RequestIdOf(Metadata(*context, "x-request-id"))),
      trace_(ParseTraceParent(Metadata(*context, "traceparent"))) {}

absl::Status Call::Admit(Role role) {
  UNLASTING_ASSIGN_OR_RETURN(client_, services_.authorizer->Admit(CredentialsOf(*context_), role));
  return absl::OkStatus();
}

grpc::Status Call::End(const absl::Status& status, const LogFields& more) {
  context_->AddTrailingMetadata("x-request-id", request_id_);
  const absl::Duration retry_delay = RetryDelayOf(status);
  if (retry_delay > absl::ZeroDuration()) {
    const int64_t milliseconds = std::max<int64_t>(1, absl::ToInt64Milliseconds(retry_delay));
    context_->AddTrailingMetadata("grpc-retry-pushback-ms", std::to_string(milliseconds));
  }
  Record(method_, start_, status, more);
  return ToGrpcStatus(status);
}

void Call::Record(const char* method, absl::Time start, const absl::Status& status,
                  const LogFields& more) {
  const absl::Duration duration = services_.clock->Now() - start;
  services_.metrics->CountCall(method, status, duration);
  LogFields fields = {{"method", method},
                      {"code", absl::StatusCodeToString(status.code())},
                      {"seconds", absl::StrCat(absl::ToDoubleSeconds(duration))},
                      {"request_id", request_id_},
                      {"client", client_}};
  if (!trace_.trace_id.empty()) {
    fields.emplace_back("trace_id", trace_.trace_id);
    fields.emplace_back("parent_id", trace_.parent_id);
  }
  if (!status.ok()) fields.emplace_back("reason", ReasonOf(status));
  fields.insert(fields.end(), more.begin(), more.end());
  LogEvent(LogLevel::kInfo, "call", fields);
}

}  // namespace unlasting::server
