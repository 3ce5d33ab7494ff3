// A UnaryCall carries a call with one message either way: it asks for the caller's token when the
// headers arrive, then reads the request within the limits, has its method do the work, and sends
// the response.
//
//   Offer(service, "GetModel", [this, method = MakeUnaryMethod<...>("GetModel", work)](auto*
//   context) {
//     return UnaryCall::Start(services_, context, method);
//   });
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "core/base/status.h"
#include "google/protobuf/message.h"
#include "server/base/work_pool.h"
#include "server/rpc/self_owned_call.h"
#include "server/rpc/wire.h"

namespace unlasting::server {

// Requests of these methods hold a few names, so that they are kept shorter than others.
inline constexpr int64_t kMaxUnaryBytes = int64_t{1} << 20;

struct UnaryMethod {
  const char* name = "";
  Role role = Role::kPredict;
  // An empty request to parse into.
  std::function<std::unique_ptr<google::protobuf::Message>()> make_request;
  // Does the work, on a thread that may block.
  std::function<absl::StatusOr<grpc::ByteBuffer>(const google::protobuf::Message& request)> work;
  // The thread for the work; null: one of the pool that prepares requests.
  WorkPool* pool = nullptr;
};

// A method that is a function of its request.
template <typename Request, typename Response>
UnaryMethod MakeUnaryMethod(
    const char* name, std::function<absl::Status(const Request& request, Response* response)> work,
    Role role = Role::kPredict, WorkPool* pool = nullptr) {
  UnaryMethod method;
  method.name = name;
  method.role = role;
  method.pool = pool;
  method.make_request = [] { return std::make_unique<Request>(); };
  method.work = [work = std::move(work)](
                    const google::protobuf::Message& request) -> absl::StatusOr<grpc::ByteBuffer> {
    Response response;
    UNLASTING_RETURN_IF_ERROR(work(static_cast<const Request&>(request), &response));
    return SerializeResponse(response);
  };
  return method;
}

// States: admitted -> reading -> working -> finished; a call that is not admitted finishes at once.
class UnaryCall : public SelfOwnedCall<UnaryCall> {
 public:
  // `method` is copied. `services` bounds the request, by at most kMaxUnaryBytes.
  UnaryCall(const ServiceContext& services, grpc::CallbackServerContext* context,
            const UnaryMethod& method);

  void OnReadDone(bool ok) override;

 private:
  void Begin() override { BeginRead(&request_); }
  void FinishCall(const absl::Status& status) override { Finish(call_.End(status)); }
  void Work();
  absl::StatusOr<grpc::ByteBuffer> Respond();

  const RequestLimits limits_;
  const UnaryMethod method_;
  IncomingHold hold_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
};

}  // namespace unlasting::server
