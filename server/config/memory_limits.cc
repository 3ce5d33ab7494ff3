#include "server/config/memory_limits.h"

#include <algorithm>
#include <fstream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/message.h"

namespace unlasting::server {
namespace {

// The rest is for models, their caches and what every process takes.
constexpr double kShareOfLimits = 0.75;
// No limit gets smaller than this: requests would no longer fit.
constexpr int64_t kSmallestLimit = int64_t{8} << 20;

// The number that a file holds; 0 where there is none, as where it holds "max".
int64_t NumberIn(const std::string& path) {
  std::ifstream stream(path);
  std::string word;
  int64_t number = 0;
  return stream >> word && absl::SimpleAtoi(word, &number) ? number : 0;
}

int64_t MachineMemory(const std::string& root) {
  std::ifstream stream(root + "proc/meminfo");
  std::string word;
  int64_t kilobytes = 0;
  return stream >> word >> kilobytes && word == "MemTotal:" ? kilobytes << 10 : 0;
}

// The least limit of the process's control group and those above it, of version 1 or 2; 0 for none.
int64_t GroupMemory(const std::string& root) {
  std::ifstream stream(root + "proc/self/cgroup");
  std::string line;
  int64_t least = 0;
  while (std::getline(stream, line)) {
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    const bool unified = parts[1].empty();
    if (!unified && parts[1] != "memory") continue;
    const std::string base = root + (unified ? "sys/fs/cgroup" : "sys/fs/cgroup/memory");
    const char* const file = unified ? "/memory.max" : "/memory.limit_in_bytes";
    // In a container the group is often mounted as the root, whatever the path says.
    for (std::string path = parts[2] == "/" ? "" : parts[2];; path.resize(path.rfind('/'))) {
      const int64_t limit = NumberIn(absl::StrCat(base, path, file));
      if (limit > 0 && (least == 0 || limit < least)) least = limit;
      if (path.empty() || path.rfind('/') == std::string::npos) break;
    }
  }
  return least;
}

}  // namespace

int64_t AvailableMemory(const std::string& root) {
  const int64_t machine = MachineMemory(root);
  const int64_t group = GroupMemory(root);
  if (group == 0 || machine == 0) return std::max(group, machine);
  return std::min(group, machine);
}

void FitMemoryLimits(const MemoryConfig& set, int64_t available, ServerConfig* config) {
  if (available <= 0) return;
  MemoryConfig* const memory = config->mutable_memory();
  const google::protobuf::Reflection& reflection = *memory->GetReflection();
  const int64_t models = std::max(1, config->bundles_size());
  // Each model has a queue of its own, of which a client's part is a part.
  const std::pair<const char*, int64_t> terms[] = {{"max_queued_bytes", models},
                                                   {"max_incoming_bytes", 1},
                                                   {"transport_bytes", 1},
                                                   {"control_store_bytes", 1}};
  double given = 0, open = 0;
  for (const auto& [name, times] : terms) {
    const auto* field = memory->GetDescriptor()->FindFieldByName(name);
    const double bytes = static_cast<double>(times * reflection.GetInt64(*memory, field));
    (reflection.HasField(set, field) ? given : open) += bytes;
  }
  const double left = kShareOfLimits * static_cast<double>(available) - given;
  const double factor = open > 0 ? std::max(0.0, left) / open : 1;
  if (factor >= 1) return;
  for (const char* name : {"max_queued_bytes", "max_client_bytes", "max_incoming_bytes",
                           "transport_bytes", "control_store_bytes", "response_queue_bytes"}) {
    const auto* field = memory->GetDescriptor()->FindFieldByName(name);
    const int64_t before = reflection.GetInt64(*memory, field);
    if (reflection.HasField(set, field) || before == 0) continue;
    const auto fitting = static_cast<int64_t>(factor * static_cast<double>(before));
    reflection.SetInt64(memory, field, std::min(before, std::max(kSmallestLimit, fitting)));
  }
  if (memory->max_client_bytes() > memory->max_queued_bytes() && !set.has_max_client_bytes()) {
    memory->set_max_client_bytes(memory->max_queued_bytes());
  }
}

}  // namespace unlasting::server
