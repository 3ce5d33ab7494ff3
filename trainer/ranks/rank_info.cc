#include "trainer/ranks/rank_info.h"

#include <cstdlib>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/status.h"

namespace unlasting::trainer {

bool EachHasItsOwn(const std::vector<std::string>& devices) {
  const std::set<std::string> different(devices.begin(), devices.end());
  return different.size() == devices.size() && different.count("") == 0;
}

namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

absl::StatusOr<int> Number(const char* name, int least, int most) {
  int value = 0;
  if (!absl::SimpleAtoi(Variable(name), &value) || value < least || value > most) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": found '", Variable(name), "', expected a number from ", least, " to ", most));
  }
  return value;
}

}  // namespace

absl::StatusOr<std::optional<RankInfo>> RankInfoFromEnvironment() {
  constexpr int kMaxRanks = 1 << 16;
  if (Variable("RANK").empty() || Variable("WORLD_SIZE").empty()) return std::nullopt;
  RankInfo info;
  UNLASTING_ASSIGN_OR_RETURN(info.size, Number("WORLD_SIZE", 1, kMaxRanks));
  UNLASTING_ASSIGN_OR_RETURN(info.rank, Number("RANK", 0, info.size - 1));
  if (info.size == 1) return std::nullopt;
  if (!Variable("LOCAL_RANK").empty()) {
    UNLASTING_ASSIGN_OR_RETURN(info.local_rank, Number("LOCAL_RANK", 0, kMaxRanks));
  }
  info.host = Variable("MASTER_ADDR");
  if (info.host.empty()) {
    return absl::InvalidArgumentError("MASTER_ADDR: found nothing, expected the host of rank 0");
  }
  UNLASTING_ASSIGN_OR_RETURN(info.port, Number("MASTER_PORT", 1, 65535));
  const std::vector<std::string> interfaces = absl::StrSplit(Variable("GLOO_SOCKET_IFNAME"), ',');
  info.interface = interfaces[0];
  // As torch.distributed does: a restarted group must not find the keys of the previous one.
  info.served_by_launcher = Variable("TORCHELASTIC_USE_AGENT_STORE") == "True";
  if (info.served_by_launcher) {
    info.prefix = absl::StrCat("/worker/attempt_", Variable("TORCHELASTIC_RESTART_COUNT"));
  }
  return info;
}

}  // namespace unlasting::trainer
