// FitMemoryLimits makes the default limits of memory small enough for the machine or the container
// that the server runs in: together they must not take what the system would end it for.
#pragma once

#include <cstdint>
#include <string>

#include "server/config/config.pb.h"

namespace unlasting::server {

// Memory that this process may use, in bytes: that of the machine, or less where a control group
// says so. `root` stands for "/" in tests. 0 where nothing says.
int64_t AvailableMemory(const std::string& root = "/");

// Lowers the limits of `config`, whose settings are complete, that `set` leaves out, all by the
// same factor, so that those of all models, of requests, of gRPC and of registered cells are three
// quarters of `available` bytes at most. Limits that an operator set stay, and what they take is
// not there for the others. 0 bytes change nothing.
void FitMemoryLimits(const MemoryConfig& set, int64_t available, ServerConfig* config);

}  // namespace unlasting::server
