#include "trainer/ranks/rank_group.h"

// Must precede every header of c10d.
#ifndef USE_C10D_GLOO
#define USE_C10D_GLOO
#endif
#include <torch/torch.h>

#include <chrono>
#include <csignal>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "core/base/status.h"
#include "trainer/ranks/device_sums.h"

namespace unlasting::trainer {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Every rank reads and prepares the data by itself before it joins.
constexpr std::chrono::minutes kJoinTimeout(30);
// Of a collective call: rank 0 may be scoring validation cells or writing a checkpoint meanwhile.
constexpr std::chrono::minutes kCollectiveTimeout(30);
// Of the roll call after a failure: ranks still running have seen the broken connection by then.
constexpr std::chrono::seconds kRollCallTimeout(5);
constexpr milliseconds kPollInterval(200);
// Prefixes of the keys that ranks set in the store.
constexpr char kJoined[] = "joined";
constexpr char kPresent[] = "present";

// Gloo and the store write without MSG_NOSIGNAL: when a rank is lost, the signal would end the
// others before they could name it and write a checkpoint. A handler of the program's own stays.
void SurviveBrokenConnections() {
  struct sigaction action = {};
  if (sigaction(SIGPIPE, nullptr, &action) == 0 && action.sa_handler == SIG_DFL) {
    std::signal(SIGPIPE, SIG_IGN);
  }
}

std::string FirstLine(const std::exception& error) {
  const std::string what = error.what();
  return what.substr(0, what.find('\n'));
}

class GlooGroup : public RankGroup {
 public:
  GlooGroup(const RankInfo& info, const Hooks& hooks) : info_(info), hooks_(hooks) {}

  absl::Status Connect() {
    SurviveBrokenConnections();
    try {
      c10d::TCPStoreOptions options;
      options.port = static_cast<uint16_t>(info_.port);
      options.isServer = info_.rank == 0 && !info_.served_by_launcher;
      options.waitWorkers = false;
      options.timeout = kJoinTimeout;
      auto tcp = c10::make_intrusive<c10d::TCPStore>(info_.host, options);
      store_ = tcp;
      if (!info_.prefix.empty()) {
        store_ = c10::make_intrusive<c10d::PrefixStore>(info_.prefix, store_);
      }
      if (hooks_.listening) UNLASTING_RETURN_IF_ERROR(hooks_.listening(tcp->getPort()));
      Sign(kJoined);
      if (info_.rank == 0) {
        const std::vector<int> absent = Absent(kJoined, kJoinTimeout);
        if (!absent.empty()) return LostRanks(absent, "did not join");
      }
      auto gloo = c10d::ProcessGroupGloo::Options::create(kCollectiveTimeout);
      gloo->devices.push_back(
          info_.interface.empty()
              ? c10d::ProcessGroupGloo::createDefaultDevice()
              : c10d::ProcessGroupGloo::createDeviceForInterface(info_.interface));
      group_ = c10::make_intrusive<c10d::ProcessGroupGloo>(store_, info_.rank, info_.size, gloo);
      device_sums_ = DeviceSums::Create(store_, info_);
      return absl::OkStatus();
    } catch (const std::exception& error) {
      return absl::UnavailableError(absl::StrCat("rank ", info_.rank, " of ", info_.size,
                                                 ": cannot join rank 0 at ", info_.host, ":",
                                                 info_.port, ": ", FirstLine(error)));
    }
  }

  int rank() const override { return info_.rank; }
  int size() const override { return info_.size; }

  absl::Status Sum(absl::Span<float> values) override {
    return Collective([&] {
      std::vector<torch::Tensor> one = {
          torch::from_blob(values.data(), {static_cast<int64_t>(values.size())})};
      group_->allreduce(one)->wait();
    });
  }

  bool sums_on_devices() const override { return device_sums_ != nullptr; }

  absl::Status SumOnDevices(absl::Span<float> values) override {
    return Collective(
        [&] { device_sums_->Sum(values.data(), static_cast<int64_t>(values.size())); });
  }

  absl::Status Broadcast(std::string* bytes) override {
    return Collective([&] {
      std::vector<torch::Tensor> size = {
          torch::tensor({static_cast<int64_t>(bytes->size())}, torch::kInt64)};
      group_->broadcast(size)->wait();
      bytes->resize(static_cast<size_t>(size[0].item<int64_t>()));
      if (bytes->empty()) return;
      std::vector<torch::Tensor> content = {
          torch::from_blob(bytes->data(), {static_cast<int64_t>(bytes->size())}, torch::kUInt8)};
      group_->broadcast(content)->wait();
    });
  }

 private:
  template <typename Call>
  absl::Status Collective(const Call& call) {
    if (broken_) return absl::UnavailableError("");
    try {
      call();
      return absl::OkStatus();
    } catch (const std::exception&) {
      broken_ = true;
      return CallRoll();
    }
  }

  // Gloo reports only that some connection broke. Ranks still running sign in the store, so the
  // lost ones are those that do not.
  absl::Status CallRoll() {
    // Closes this rank's connections, so that ranks which wait for it notice too.
    device_sums_.reset();
    group_.reset();
    try {
      // Since LibTorch 2 a signature does not wait for the store, which rank 0 may have taken
      // along; a question does.
      if (info_.rank != 0) store_->check({absl::StrCat(kPresent, "/", info_.rank)});
      Sign(kPresent);
      if (info_.rank != 0) return absl::UnavailableError("");
      return LostRanks(Absent(kPresent, kRollCallTimeout), "was lost");
    } catch (const std::exception&) {
      return LostRanks({0}, "was lost");
    }
  }

  void Sign(const std::string& list) {
    store_->set(absl::StrCat(list, "/", info_.rank), std::vector<uint8_t>{1});
  }

  std::vector<int> Absent(const std::string& list, std::chrono::seconds patience) {
    const auto deadline = steady_clock::now() + patience;
    std::vector<int> absent;
    for (int rank = 1; rank < info_.size; ++rank) {
      const std::string key = absl::StrCat(list, "/", rank);
      while (!Signed(key)) {
        // The process may have signed after the check above and then exited.
        const bool ended = hooks_.ended && hooks_.ended(rank) && !Signed(key);
        if (!ended && steady_clock::now() < deadline) continue;
        absent.push_back(rank);
        break;
      }
      // Training cannot start without this rank: there is no need to wait for the others.
      if (!absent.empty() && list == kJoined) break;
    }
    return absent;
  }

  bool Signed(const std::string& key) {
    try {
      store_->wait({key}, kPollInterval);
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }

  absl::Status LostRanks(const std::vector<int>& ranks, const char* what) const {
    // Every rank signed: a connection broke, not a process.
    if (ranks.empty()) return absl::UnavailableError("the connection between ranks was lost");
    std::string names;
    for (const int rank : ranks) absl::StrAppend(&names, names.empty() ? "" : ", ", rank);
    return absl::UnavailableError(absl::StrCat("rank ", names, " of ", info_.size, " ", what));
  }

  RankInfo info_;
  Hooks hooks_;
  c10::intrusive_ptr<c10d::Store> store_;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> group_;
  std::unique_ptr<DeviceSums> device_sums_;
  bool broken_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RankGroup>> RankGroup::Join(const RankInfo& info,
                                                           const Hooks& hooks) {
  auto group = std::make_unique<GlooGroup>(info, hooks);
  UNLASTING_RETURN_IF_ERROR(group->Connect());
  return group;
}

}  // namespace unlasting::trainer
