#include "trainer/ranks/rank_group.h"

// Must stand before any header of c10d.
#ifndef USE_C10D_GLOO
#define USE_C10D_GLOO
#endif
#include <torch/torch.h>

#include <chrono>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "core/base/status.h"

namespace unlasting::trainer {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Ranks read and prepare the data each for itself before they meet.
constexpr std::chrono::minutes kArrival(30);
// A collective call: others may be scoring held-out cells or writing a checkpoint meanwhile.
constexpr std::chrono::minutes kCollective(30);
// The roll after a failure: those who live have seen the broken connection by then.
constexpr std::chrono::seconds kRollCall(5);
constexpr milliseconds kSlice(200);
// Lists in the store that ranks sign.
constexpr char kArrived[] = "arrived";
constexpr char kPresent[] = "present";

std::string FirstLine(const std::exception& error) {
  const std::string what = error.what();
  return what.substr(0, what.find('\n'));
}

class GlooGroup : public RankGroup {
 public:
  GlooGroup(const RankInfo& place, const Hooks& hooks) : place_(place), hooks_(hooks) {}

  absl::Status Connect() {
    try {
      c10d::TCPStoreOptions options;
      options.port = static_cast<uint16_t>(place_.port);
      options.isServer = place_.rank == 0 && !place_.served_by_launcher;
      options.waitWorkers = false;
      options.timeout = kArrival;
      auto tcp = c10::make_intrusive<c10d::TCPStore>(place_.host, options);
      store_ = tcp;
      if (!place_.prefix.empty()) {
        store_ = c10::make_intrusive<c10d::PrefixStore>(place_.prefix, store_);
      }
      if (hooks_.listening) UNLASTING_RETURN_IF_ERROR(hooks_.listening(tcp->getPort()));
      Sign(kArrived);
      if (place_.rank == 0) {
        const std::vector<int> absent = Absent(kArrived, kArrival);
        if (!absent.empty()) return Named(absent, "did not arrive");
      }
      auto gloo = c10d::ProcessGroupGloo::Options::create(kCollective);
      gloo->devices.push_back(
          place_.interface.empty()
              ? c10d::ProcessGroupGloo::createDefaultDevice()
              : c10d::ProcessGroupGloo::createDeviceForInterface(place_.interface));
      group_ = c10::make_intrusive<c10d::ProcessGroupGloo>(store_, place_.rank, place_.size, gloo);
      return absl::OkStatus();
    } catch (const std::exception& error) {
      return absl::UnavailableError(absl::StrCat("rank ", place_.rank, " of ", place_.size,
                                                 ": cannot join rank 0 at ", place_.host, ":",
                                                 place_.port, ": ", FirstLine(error)));
    }
  }

  int rank() const override { return place_.rank; }
  int size() const override { return place_.size; }

  absl::Status Sum(absl::Span<float> values) override {
    return Collective([&] {
      std::vector<torch::Tensor> one = {
          torch::from_blob(values.data(), {static_cast<int64_t>(values.size())})};
      group_->allreduce(one)->wait();
    });
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

  // Gloo only says that some connection broke; the living sign, so the lost are those who did not.
  absl::Status CallRoll() {
    // Closes this rank's connections, so that ranks which wait for it notice too.
    group_.reset();
    try {
      Sign(kPresent);
      if (place_.rank != 0) return absl::UnavailableError("");
      return Named(Absent(kPresent, kRollCall), "was lost");
    } catch (const std::exception&) {
      return Named({0}, "was lost");
    }
  }

  void Sign(const std::string& list) {
    store_->set(absl::StrCat(list, "/", place_.rank), std::vector<uint8_t>{1});
  }

  std::vector<int> Absent(const std::string& list, std::chrono::seconds patience) {
    const auto deadline = steady_clock::now() + patience;
    std::vector<int> absent;
    for (int rank = 1; rank < place_.size; ++rank) {
      const std::string key = absl::StrCat(list, "/", rank);
      while (!Signed(key)) {
        // Before its end it may have signed since the last look.
        const bool ended = hooks_.ended && hooks_.ended(rank) && !Signed(key);
        if (!ended && steady_clock::now() < deadline) continue;
        absent.push_back(rank);
        break;
      }
      // Without this one nothing begins: no need to wait for the others.
      if (!absent.empty() && list == kArrived) break;
    }
    return absent;
  }

  bool Signed(const std::string& key) {
    try {
      store_->wait({key}, kSlice);
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }

  absl::Status Named(const std::vector<int>& ranks, const char* what) const {
    // Everyone signed: a connection broke, not a process.
    if (ranks.empty()) return absl::UnavailableError("the connection between ranks was lost");
    std::string names;
    for (const int rank : ranks) absl::StrAppend(&names, names.empty() ? "" : ", ", rank);
    return absl::UnavailableError(absl::StrCat("rank ", names, " of ", place_.size, " ", what));
  }

  RankInfo place_;
  Hooks hooks_;
  c10::intrusive_ptr<c10d::Store> store_;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> group_;
  bool broken_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RankGroup>> RankGroup::Join(const RankInfo& place,
                                                           const Hooks& hooks) {
  auto group = std::make_unique<GlooGroup>(place, hooks);
  UNLASTING_RETURN_IF_ERROR(group->Connect());
  return group;
}

}  // namespace unlasting::trainer
