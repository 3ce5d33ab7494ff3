// What the server's tests share: a tiny bundle, a clock that tests move, a listener that keeps what
// it is told, requests to vary.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/bundle/bundle.h"
#include "core/predict/engine/engine.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"
#include "server/scheduling/scheduler.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::test {

// A bundle that knows genes and molecules, in a folder that lasts as long as the test program.
const std::string& TinyBundleFolder();
std::shared_ptr<const bundle::Bundle> TinyBundle();
// A sound bundle of another version; different seeds are different weights.
void WriteBundleVersion(const std::string& directory, const std::string& version,
                        uint64_t seed = 1);
std::unique_ptr<predict::Engine> TinyEngine(int64_t max_batch = 64);

class FakeClock : public server::Clock {
 public:
  absl::Time Now() const override {
    server::MutexLock lock(&mutex_);
    return now_;
  }
  void Advance(absl::Duration duration) {
    server::MutexLock lock(&mutex_);
    now_ += duration;
  }

 private:
  mutable server::Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_) = absl::UnixEpoch() + absl::Hours(1);
};

// Keeps everything; used from the thread that runs the scheduler.
class RecordingListener : public server::JobListener {
 public:
  bool Ready() override { return ready; }
  void OnProfiles(predict::Profiles result) override {
    const int perturbation = result.perturbation;
    profiles[perturbation] = std::move(result);
  }
  void OnProgress(const server::JobProgress& latest) override { progress = latest; }
  void OnEnd(const absl::Status& end, const server::JobTimings& spent) override {
    ++ends;
    status = end;
    timings = spent;
  }

  bool ready = true;
  std::map<int, predict::Profiles> profiles;
  server::JobProgress progress;
  int ends = 0;
  std::optional<absl::Status> status;
  server::JobTimings timings;
};

// `cells` control cells of type T0, log1p values fixed by `seed`.
std::shared_ptr<const predict::ControlSet> SomeControls(int64_t cells, uint64_t seed = 1);
std::shared_ptr<const predict::Perturbation> Knockout(const std::vector<std::string>& genes);

// Three log1p cells with all genes of the tiny bundle, knockout of G1, defaults.
v1::PredictRequest SomeRequest(int64_t cells = 3, uint64_t seed = 1);

}  // namespace unlasting::test
