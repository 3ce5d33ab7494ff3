#include "server/config/flags.h"

#include <iostream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "core/base/status.h"
#include "core/base/version.h"
#include "core/cli/command_line.h"

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
  app.set_version_flag("--version", VersionText("unlasting-server"));

  std::string config_path;
  bool print_config = false;
  std::vector<std::string> bundles;
  ServerConfig flags;
  app.add_option("--bundle", bundles, "Model to serve, under its own name or NAME; repeatable")
      ->type_name("[NAME=]DIR")
      ->take_all();
  app.add_option("--config", config_path,
                 "JSON file of settings, more than there are flags; flags take precedence over it")
      ->type_name("FILE");
  app.add_flag("--print-config", print_config,
               "Print the configuration in force as JSON for --config, and exit");
  cli::AddSettingsListings(ServerSettings(), "Settings of unlasting-server", &app);
  cli::AddSettingFlags(ServerSettings(), &flags, &app);
  UNLASTING_ASSIGN_OR_RETURN(const bool goes_on, cli::ParseArguments(argc, argv, &app));
  if (!goes_on) return std::nullopt;

  for (const std::string& bundle : bundles) *flags.add_bundles() = ParseBundle(bundle);
  UNLASTING_ASSIGN_OR_RETURN(const ServerConfig config, ResolveConfig(config_path, flags));
  if (print_config) {
    std::cout << ConfigAsJson(config);
    return std::nullopt;
  }
  return config;
}

}  // namespace unlasting::server
