// LogEvent writes the server's log for operators: one event per line on stderr, as text or as JSON.
// Nothing of a request's content may be logged.
//
//   LogEvent(LogLevel::kInfo, "listening", {{"address", "127.0.0.1:50051"}});
//   2026-01-02T03:04:05.678+0000 info listening address=127.0.0.1:50051
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace unlasting::server {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
using LogFields = std::vector<std::pair<std::string, std::string>>;

// `format`: "text" or "json"; `level`: "debug", "info", "warning", "error" or "off".
// INVALID_ARGUMENT for other words. Call once, before other threads log.
absl::Status SetUpLogging(const std::string& format, const std::string& level);

// Any thread. Values with blanks, quotes or control characters are quoted and escaped, so that a
// value never starts a line or a field of its own.
void LogEvent(LogLevel level, const std::string& event, const LogFields& fields = {});

}  // namespace unlasting::server
