#include "server/config/flags.h"

#include <cstdint>
#include <functional>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "core/base/status.h"
#include "core/base/version.h"

namespace unlasting::server {
namespace {

constexpr char kExamples[] = R"(Examples:
  unlasting-server --bundle bundles/thp1
  unlasting-server --bundle thp1=bundles/thp1 --bundle glioma=bundles/panobinostat \
      --listen 0.0.0.0:50051 --tls-cert server.pem --tls-key server.key
  unlasting-server --profile production --config server.json --auth-tokens tokens.txt \
      --log-format json
  unlasting-server --bundle bundles/thp1 --print-config > server.json
)";

// "NAME=DIR" or "DIR".
BundleConfig ParseBundle(const std::string& text) {
  BundleConfig bundle;
  const size_t equals = text.find('=');
  // A folder whose path holds '=' is still reachable as "./a=b": a name has no slash.
  const bool named = equals != std::string::npos && text.find('/') > equals;
  bundle.set_name(named ? text.substr(0, equals) : "");
  bundle.set_directory(named ? text.substr(equals + 1) : text);
  return bundle;
}

}  // namespace

absl::StatusOr<std::optional<ServerConfig>> ParseFlags(int argc, const char* const* argv) {
  CLI::App app("Serves predictions of single-cell responses over gRPC.", "unlasting-server");
  app.footer(kExamples);
  app.set_version_flag("--version", std::string("unlasting-server ") + kVersion);

  std::string config_path;
  bool print_config = false;
  std::vector<std::string> bundles;
  ServerConfig flags;
  app.add_option("--config", config_path, "JSON file with any of these settings and more")
      ->type_name("FILE");
  app.add_flag("--print-config", print_config,
               "Print what flags, file and defaults come to, as JSON for --config, and end");
  app.add_option("--bundle", bundles, "Model to serve; repeatable")
      ->type_name("[NAME=]DIR")
      ->take_all();
  // Each option writes its field as it is parsed; only fields that were given are set.
  const auto add_text = [&app](const char* flag, const char* help, const char* type,
                               const std::function<void(const std::string&)>& store) {
    app.add_option_function<std::string>(flag, store, help)->type_name(type);
  };
  add_text("--listen", "Address of the gRPC service (127.0.0.1:50051)", "ADDR:PORT",
           [&](const std::string& value) { flags.set_listen(value); });
  add_text("--admin-listen",
           "Address of /metrics, /healthz, /readyz, /version; '' for none (127.0.0.1:9464)",
           "ADDR:PORT", [&](const std::string& value) { flags.set_admin_listen(value); });
  add_text("--health-listen", "Address of gRPC health without TLS (none)", "ADDR:PORT",
           [&](const std::string& value) { flags.set_health_listen(value); });
  add_text("--evaluator", "fused or torchscript (fused)", "NAME",
           [&](const std::string& value) { flags.set_evaluator(value); });
  add_text("--device", "auto, cpu, cuda or cuda:INDEX (auto)", "NAME",
           [&](const std::string& value) { flags.set_device(value); });
  app.add_option_function<int32_t>(
         "--threads", [&](int32_t value) { flags.set_threads(value); },
         "Threads of one evaluation on the CPU; 0: one per core (0)")
      ->type_name("N");
  app.add_option_function<int64_t>(
         "--max-batch", [&](int64_t value) { flags.set_max_batch(value); }, "Rows of one step (64)")
      ->type_name("N");
  add_text("--tls-cert", "Certificate chain, PEM; turns TLS on", "FILE",
           [&](const std::string& value) { flags.mutable_tls()->set_certificate(value); });
  add_text("--tls-key", "Private key, PEM", "FILE",
           [&](const std::string& value) { flags.mutable_tls()->set_key(value); });
  add_text("--tls-client-ca", "Authorities of client certificates, PEM; turns mutual TLS on",
           "FILE", [&](const std::string& value) { flags.mutable_tls()->set_client_ca(value); });
  app.add_option_function<uint32_t>(
         "--tls-refresh-seconds",
         [&](uint32_t value) { flags.mutable_tls()->set_refresh_seconds(value); },
         "Seconds between looks at the TLS files (60)")
      ->type_name("S");
  add_text("--auth-tokens", "Bearer tokens that calls must carry (none)", "FILE",
           [&](const std::string& value) { flags.set_auth_tokens(value); });
  add_text("--profile", "development, or production: no reflection, connections of an hour", "NAME",
           [&](const std::string& value) { flags.set_profile(value); });
  app.add_option_function<bool>(
         "--enable-admin", [&](bool value) { flags.mutable_admin()->set_enabled(value); },
         "Whether tokens with the role admin may load and unload models (false)")
      ->type_name("true|false");
  add_text("--admin-bundle-root", "Folder below which they may load bundles (none)", "DIR",
           [&](const std::string& value) { flags.mutable_admin()->set_bundle_root(value); });
  const auto add_number = [&app](const char* flag, const char* help,
                                 const std::function<void(double)>& store) {
    app.add_option_function<double>(flag, store, help)->type_name("X");
  };
  add_number("--watch-seconds", "Seconds between looks at bundles and tokens; 0: never (5)",
             [&](double value) { flags.set_watch_seconds(value); });
  add_number("--grace-seconds", "Seconds that calls have to finish after SIGTERM (30)",
             [&](double value) { flags.set_grace_seconds(value); });
  add_number("--requests-per-second", "Calls a second of one client; 0: no bound (0)",
             [&](double value) { flags.mutable_limits()->set_requests_per_second(value); });
  add_number("--burst-requests", "Calls of one client at once after a rest (20)",
             [&](double value) { flags.mutable_limits()->set_burst_requests(value); });
  add_text("--log-format", "text or json (text)", "NAME",
           [&](const std::string& value) { flags.set_log_format(value); });
  add_text("--log-level", "debug, info, warning, error or off (info)", "NAME",
           [&](const std::string& value) { flags.set_log_level(value); });
  app.add_option_function<bool>(
         "--enable-reflection", [&](bool value) { flags.set_enable_reflection(value); },
         "Whether clients may ask for the API's description (true in development)")
      ->type_name("true|false");

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    app.exit(success, std::cout, std::cout);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(absl::StrCat(error.what(), "; see --help"));
  }

  ServerConfig given;
  if (!config_path.empty()) {
    UNLASTING_ASSIGN_OR_RETURN(given, ReadConfig(config_path));
  }
  for (const std::string& bundle : bundles) *flags.add_bundles() = ParseBundle(bundle);
  given = MergeConfig(std::move(given), flags);
  const ServerConfig config = MergeConfig(DefaultConfig(given.profile()), given);
  UNLASTING_RETURN_IF_ERROR(CheckConfig(config));
  if (print_config) {
    std::cout << ConfigAsJson(config);
    return std::nullopt;
  }
  return config;
}

}  // namespace unlasting::server
