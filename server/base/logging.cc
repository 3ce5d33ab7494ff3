#include "server/base/logging.h"

#include <atomic>

#include "core/base/status.h"
#include "nlohmann/json.hpp"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace unlasting::server {
namespace {

std::atomic<bool> log_json{false};

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string Quoted(const std::string& value) {
  // Bytes that are not UTF-8 are replaced: a log line must never throw.
  return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool Plain(const std::string& value) {
  if (value.empty()) return false;
  for (const char letter : value) {
    if (letter <= ' ' || letter == '"' || letter == '=' || letter > '~') return false;
  }
  return true;
}

}  // namespace

absl::Status SetUpLogging(const std::string& format, const std::string& level) {
  if (format != "text" && format != "json") {
    return absl::InvalidArgumentError(
        absl::StrCat("--log-format: found '", format, "', expected text or json"));
  }
  const spdlog::level::level_enum parsed = level == "debug"     ? spdlog::level::debug
                                           : level == "info"    ? spdlog::level::info
                                           : level == "warning" ? spdlog::level::warn
                                           : level == "error"   ? spdlog::level::err
                                           : level == "off"     ? spdlog::level::off
                                                                : spdlog::level::n_levels;
  if (parsed == spdlog::level::n_levels) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--log-level: found '", level, "', expected debug, info, warning, error or off"));
  }
  log_json = format == "json";
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto logger = std::make_shared<spdlog::logger>("unlasting", std::move(sink));
  logger->set_pattern(log_json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})"
                               : "%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger->set_level(parsed);
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
  return absl::OkStatus();
}

void LogEvent(LogLevel level, const std::string& event, const LogFields& fields) {
  if (!spdlog::should_log(ToSpdlog(level))) return;
  std::string line = log_json ? absl::StrCat("\"event\":", Quoted(event)) : event;
  for (const auto& [key, value] : fields) {
    if (log_json) {
      absl::StrAppend(&line, ",", Quoted(key), ":", Quoted(value));
    } else {
      absl::StrAppend(&line, " ", key, "=", Plain(value) ? value : Quoted(value));
    }
  }
  // The line is an argument rather than the format, so that braces in a value mean nothing.
  spdlog::log(ToSpdlog(level), "{}", line);
}

}  // namespace unlasting::server
