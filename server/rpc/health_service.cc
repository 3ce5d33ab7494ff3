#include "server/rpc/health_service.h"

#include <utility>

#include "grpc/health/v1/health.pb.h"
#include "server/rpc/wire.h"

namespace unlasting::server {
namespace {

namespace health = grpc::health::v1;
using Response = health::HealthCheckResponse;

constexpr char kService[] = "grpc.health.v1.Health";
// The longest name that a request may ask for, and a little more.
constexpr size_t kMaxRequestBytes = 1024;
constexpr int kUnknown = -1;

grpc::Status Malformed() {
  return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT,
                      "expected a HealthCheckRequest of at most 1024 bytes");
}

grpc::ByteBuffer StatusMessage(int status) {
  Response response;
  response.set_status(status == kUnknown ? Response::SERVICE_UNKNOWN
                                         : static_cast<Response::ServingStatus>(status));
  return SerializeResponse(response);
}

}  // namespace

// Its own, until OnDone.
class HealthService::CheckStream : public RawReactor {
 public:
  CheckStream(const HealthService& service, GuestStreams::Place place)
      : service_(service), place_(std::move(place)) {
    if (place_ == nullptr) {
      Finish(GuestStreams::Full());
    } else {
      StartRead(&request_);
    }
  }

  void OnReadDone(bool ok) override {
    health::HealthCheckRequest request;
    if (!ok || !ParseGuestMessage(request_, kMaxRequestBytes, &request)) {
      Finish(Malformed());
      return;
    }
    const int status = service_.StatusOf(request.service());
    if (status == kUnknown) {
      Finish(grpc::Status(grpc::StatusCode::NOT_FOUND, "the service is unknown"));
      return;
    }
    response_ = StatusMessage(status);
    StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
  }
  void OnDone() override { delete this; }

 private:
  const HealthService& service_;
  const GuestStreams::Place place_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
};

// Sends the status of one name whenever it is another than the one sent last. Its own, until
// OnDone.
class HealthService::WatchStream : public RawReactor {
 public:
  WatchStream(HealthService* service, GuestStreams::Place place)
      : service_(service), place_(std::move(place)) {
    if (place_ == nullptr) {
      done_ = true;
      Finish(GuestStreams::Full());
    } else {
      StartRead(&request_);
    }
  }

  void OnReadDone(bool ok) override {
    health::HealthCheckRequest request;
    MutexLock lock(&service_->mutex_);
    if (!ok || !ParseGuestMessage(request_, kMaxRequestBytes, &request)) {
      FinishOnce(Malformed());
      return;
    }
    name_ = request.service();
    service_->watchers_.insert(this);
    watches_ = true;
    Advance();
  }
  void OnWriteDone(bool ok) override {
    MutexLock lock(&service_->mutex_);
    writing_ = false;
    if (ok) {
      Advance();
    } else {
      FinishOnce(grpc::Status::CANCELLED);
    }
  }
  void OnCancel() override {
    MutexLock lock(&service_->mutex_);
    FinishOnce(grpc::Status::CANCELLED);
  }
  void OnDone() override {
    {
      MutexLock lock(&service_->mutex_);
      service_->watchers_.erase(this);
    }
    delete this;
  }

  // Sends what there is to tell. The lock of the service is held.
  void Advance() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (done_ || writing_ || !watches_) return;
    const auto found = service_->serving_.find(name_);
    const int status = found == service_->serving_.end() ? kUnknown
                       : found->second && !service_->ended_
                           ? static_cast<int>(Response::SERVING)
                           : static_cast<int>(Response::NOT_SERVING);
    if (status != sent_) {
      sent_ = status;
      writing_ = true;
      response_ = StatusMessage(status);
      StartWrite(&response_);
    } else if (service_->ended_) {
      FinishOnce(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server is shutting down"));
    }
  }

 private:
  void FinishOnce(const grpc::Status& status) {
    if (std::exchange(done_, true)) return;
    Finish(status);
  }

  HealthService* const service_;
  const GuestStreams::Place place_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  // Guarded by the lock of the service.
  std::string name_;
  int sent_ = kUnknown - 1;
  bool watches_ = false;
  bool writing_ = false;
  bool done_ = false;
};

HealthService::HealthService(GuestStreams* guests) {
  Offer(kService, "Check", [this, guests](grpc::CallbackServerContext*) {
    return new CheckStream(*this, guests->Enter());
  });
  Offer(kService, "Watch", [this, guests](grpc::CallbackServerContext*) {
    return new WatchStream(this, guests->Enter());
  });
}

HealthService::~HealthService() = default;

int HealthService::StatusOf(const std::string& name) const {
  MutexLock lock(&mutex_);
  const auto found = serving_.find(name);
  if (found == serving_.end()) return kUnknown;
  return static_cast<int>(found->second && !ended_ ? Response::SERVING : Response::NOT_SERVING);
}

void HealthService::Set(const std::string& name, bool serving) {
  MutexLock lock(&mutex_);
  serving_[name] = serving;
  for (WatchStream* watcher : watchers_) watcher->Advance();
}

void HealthService::End() {
  MutexLock lock(&mutex_);
  ended_ = true;
  for (WatchStream* watcher : watchers_) watcher->Advance();
}

}  // namespace unlasting::server
