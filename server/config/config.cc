#include "server/config/config.h"

#include <initializer_list>

#include "core/base/file.h"
#include "core/base/status.h"
#include "google/protobuf/util/json_util.h"

namespace unlasting::server {

namespace {

constexpr char kProduction[] = "production";
constexpr char kDevelopment[] = "development";
constexpr char kContinuous[] = "continuous";
constexpr char kRequest[] = "request";

absl::Status AtLeast(const char* field, double value, double least) {
  // Written so that NaN fails.
  if (value >= least) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": found ", value, ", expected ", least, " or more"));
}

absl::Status CheckBounds(const ServerConfig& config) {
  const LimitsConfig& limits = config.limits();
  const MemoryConfig& memory = config.memory();
  const ConnectionConfig& connections = config.connections();
  const SchedulingConfig& scheduling = config.scheduling();
  struct Bound {
    const char* field;
    double value;
    double least;
  };
  for (const Bound& bound : std::initializer_list<Bound>{
           {"threads", 1.0 * config.threads(), 0},
           {"max_batch", 1.0 * config.max_batch(), 1},
           {"grace_seconds", config.grace_seconds(), 0},
           {"watch_seconds", config.watch_seconds(), 0},
           {"limits.max_message_bytes", 1.0 * limits.max_message_bytes(), 1 << 16},
           {"limits.max_cells", 1.0 * limits.max_cells(), 1},
           {"limits.max_perturbations", 1.0 * limits.max_perturbations(), 1},
           {"limits.max_rows", 1.0 * limits.max_rows(), 1},
           {"limits.requests_per_second", limits.requests_per_second(), 0},
           {"limits.burst_requests", limits.burst_requests(), 1},
           {"limits.max_metadata_bytes", 1.0 * limits.max_metadata_bytes(), 1024},
           {"memory.max_queued_rows", 1.0 * memory.max_queued_rows(), 1},
           {"memory.max_client_rows", 1.0 * memory.max_client_rows(), 1},
           {"memory.max_queued_bytes", 1.0 * memory.max_queued_bytes(), 1},
           {"memory.max_client_bytes", 1.0 * memory.max_client_bytes(), 1},
           {"memory.max_incoming_bytes", 1.0 * memory.max_incoming_bytes(), 1 << 16},
           {"memory.transport_bytes", 1.0 * memory.transport_bytes(), 0},
           {"memory.outbox_bytes", 1.0 * memory.outbox_bytes(), 1},
           {"memory.control_store_bytes", 1.0 * memory.control_store_bytes(), 1},
           {"memory.control_store_seconds", memory.control_store_seconds(), 1},
           {"connections.max_age_seconds", connections.max_age_seconds(), 0},
           {"connections.max_age_grace_seconds", connections.max_age_grace_seconds(), 0},
           {"connections.max_idle_seconds", connections.max_idle_seconds(), 0},
           {"connections.keepalive_seconds", connections.keepalive_seconds(), 1},
           {"connections.keepalive_timeout_seconds", connections.keepalive_timeout_seconds(), 1},
           {"connections.min_ping_interval_seconds", connections.min_ping_interval_seconds(), 0},
           {"connections.max_concurrent_calls", 1.0 * connections.max_concurrent_calls(), 1},
           {"scheduling.bulk_patience_seconds", scheduling.bulk_patience_seconds(), 0},
           {"scheduling.reader_patience_seconds", scheduling.reader_patience_seconds(), 1}}) {
    UNLASTING_RETURN_IF_ERROR(AtLeast(bound.field, bound.value, bound.least));
  }
  return absl::OkStatus();
}

}  // namespace

ServerConfig DefaultConfig(const std::string& profile) {
  const bool production = profile == kProduction;
  ServerConfig config;
  config.set_profile(profile.empty() ? kDevelopment : profile);
  config.set_listen("127.0.0.1:50051");
  config.set_admin_listen("127.0.0.1:9464");
  config.set_health_listen("");
  config.set_device("auto");
  config.set_evaluator("fused");
  config.set_threads(0);
  config.set_max_batch(64);
  config.set_log_format("text");
  config.set_log_level("info");
  config.set_enable_reflection(!production);
  config.set_grace_seconds(30);
  config.set_auth_tokens("");
  config.set_watch_seconds(5);
  config.mutable_admin()->set_enabled(false);
  LimitsConfig* limits = config.mutable_limits();
  limits->set_max_message_bytes(64 << 20);
  limits->set_max_cells(20000);
  limits->set_max_perturbations(20000);
  limits->set_max_rows(4000000);
  limits->set_requests_per_second(0);
  limits->set_burst_requests(20);
  limits->set_max_metadata_bytes(16384);
  MemoryConfig* memory = config.mutable_memory();
  memory->set_max_queued_rows(8000000);
  memory->set_max_client_rows(5000000);
  memory->set_max_queued_bytes(int64_t{4} << 30);
  memory->set_max_client_bytes(int64_t{3} << 30);
  memory->set_max_incoming_bytes(int64_t{512} << 20);
  memory->set_transport_bytes(int64_t{512} << 20);
  memory->set_outbox_bytes(32 << 20);
  memory->set_control_store_bytes(int64_t{1} << 30);
  memory->set_control_store_seconds(3600);
  ConnectionConfig* connections = config.mutable_connections();
  connections->set_max_age_seconds(production ? 3600 : 0);
  connections->set_max_age_grace_seconds(300);
  connections->set_max_idle_seconds(0);
  connections->set_keepalive_seconds(120);
  connections->set_keepalive_timeout_seconds(20);
  connections->set_min_ping_interval_seconds(10);
  connections->set_max_concurrent_calls(1000);
  SchedulingConfig* scheduling = config.mutable_scheduling();
  scheduling->set_bulk_patience_seconds(1);
  scheduling->set_reader_patience_seconds(300);
  scheduling->set_refuse_late(true);
  scheduling->set_batching(kContinuous);
  return config;
}

absl::StatusOr<ServerConfig> ReadConfig(const std::string& path) {
  UNLASTING_ASSIGN_OR_RETURN(const std::string json, ReadFile(path));
  ServerConfig config;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &config);
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", std::string(status.message().data(), status.message().size())));
  }
  return config;
}

ServerConfig MergeConfig(ServerConfig base, const ServerConfig& over) {
  base.MergeFrom(over);
  return base;
}

absl::Status CheckConfig(const ServerConfig& config) {
  if (config.profile() != kProduction && config.profile() != kDevelopment) {
    return absl::InvalidArgumentError(absl::StrCat("profile: found '", config.profile(),
                                                   "', expected development or production"));
  }
  if (config.bundles().empty()) {
    return absl::InvalidArgumentError("bundles: found none; name one with --bundle DIR");
  }
  for (const BundleConfig& bundle : config.bundles()) {
    if (bundle.directory().empty()) {
      return absl::InvalidArgumentError("bundles.directory: found '', expected a folder");
    }
  }
  if (config.listen().empty()) {
    return absl::InvalidArgumentError("listen: found '', expected ADDRESS:PORT");
  }
  if (config.has_tls() && (config.tls().certificate().empty() || config.tls().key().empty())) {
    return absl::InvalidArgumentError("tls: expected both a certificate and a key");
  }
  if (config.has_tls() && config.tls().has_refresh_seconds() &&
      config.tls().refresh_seconds() < 1) {
    return absl::InvalidArgumentError("tls.refresh_seconds: found 0, expected 1 or more");
  }
  if (config.admin().enabled() && config.auth_tokens().empty()) {
    return absl::InvalidArgumentError(
        "admin.enabled: expected auth_tokens with it; only a token with the role admin may use it");
  }
  const std::string& batching = config.scheduling().batching();
  if (batching != kContinuous && batching != kRequest) {
    return absl::InvalidArgumentError(absl::StrCat("scheduling.batching: found '", batching,
                                                   "', expected continuous or request"));
  }
  return CheckBounds(config);
}

std::string ConfigAsJson(const ServerConfig& config) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  // A message of ours has nothing that JSON cannot hold.
  static_cast<void>(google::protobuf::util::MessageToJsonString(config, &json, options));
  return json;
}

}  // namespace unlasting::server
