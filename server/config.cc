#include "server/config.h"

#include "core/base/file.h"
#include "core/base/status.h"
#include "google/protobuf/util/json_util.h"

namespace unlasting::server {

ServerConfig DefaultConfig() {
  ServerConfig config;
  config.set_listen("127.0.0.1:50051");
  config.set_admin_listen("127.0.0.1:9464");
  config.set_health_listen("");
  config.set_device("auto");
  config.set_threads(0);
  config.set_max_batch(64);
  config.set_log_format("text");
  config.set_log_level("info");
  config.set_enable_reflection(true);
  config.set_grace_seconds(30);
  LimitsConfig* limits = config.mutable_limits();
  limits->set_max_message_bytes(64 << 20);
  limits->set_max_cells(20000);
  limits->set_max_perturbations(20000);
  limits->set_max_rows(4000000);
  MemoryConfig* memory = config.mutable_memory();
  memory->set_max_queued_rows(8000000);
  memory->set_outbox_bytes(32 << 20);
  memory->set_control_store_bytes(int64_t{1} << 30);
  memory->set_control_store_seconds(3600);
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
  const auto at_least = [](const char* field, double value, double least) {
    if (value >= least) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(field, ": found ", value, ", expected ", least, " or more"));
  };
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
  UNLASTING_RETURN_IF_ERROR(at_least("threads", config.threads(), 0));
  UNLASTING_RETURN_IF_ERROR(at_least("max_batch", config.max_batch(), 1));
  UNLASTING_RETURN_IF_ERROR(at_least("grace_seconds", config.grace_seconds(), 0));
  const LimitsConfig& limits = config.limits();
  UNLASTING_RETURN_IF_ERROR(
      at_least("limits.max_message_bytes", limits.max_message_bytes(), 1 << 16));
  UNLASTING_RETURN_IF_ERROR(at_least("limits.max_cells", limits.max_cells(), 1));
  UNLASTING_RETURN_IF_ERROR(at_least("limits.max_perturbations", limits.max_perturbations(), 1));
  UNLASTING_RETURN_IF_ERROR(at_least("limits.max_rows", limits.max_rows(), 1));
  const MemoryConfig& memory = config.memory();
  UNLASTING_RETURN_IF_ERROR(at_least("memory.max_queued_rows", memory.max_queued_rows(), 1));
  UNLASTING_RETURN_IF_ERROR(at_least("memory.outbox_bytes", memory.outbox_bytes(), 1));
  UNLASTING_RETURN_IF_ERROR(
      at_least("memory.control_store_bytes", memory.control_store_bytes(), 1));
  return at_least("memory.control_store_seconds", memory.control_store_seconds(), 1);
}

}  // namespace unlasting::server
