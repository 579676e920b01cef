// A call of one message each way that costs no thread while it waits. The blocking form is
// in client/unary_call.h.

#pragma once

#include <memory>
#include <utility>

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/channel.h>
#include <grpcpp/support/client_callback.h>

#include "client/call_options.h"
#include "client/grpc_error.h"
#include "client/pending_call.h"

namespace upscaler {

// Thread-safe. Shared, because two sides hold it: whoever may cancel the call, and the call
// itself until gRPC has let go of it. `Service` is the generated class.
template <typename Service, typename Request, typename Response>
class AsyncUnaryCall final
    : public PendingCall,
      public std::enable_shared_from_this<AsyncUnaryCall<Service, Request, Response>>,
      private grpc::ClientUnaryReactor {
 public:
  using Method = void (Service::StubInterface::async_interface::*)(grpc::ClientContext*,
                                                                   const Request*, Response*,
                                                                   grpc::ClientUnaryReactor*);
  // Called exactly once, on any thread. Must not block and must not throw.
  using OnAnswer = absl::AnyInvocable<void(absl::StatusOr<Response>) &&>;

  // A call that is not started yet.
  static std::shared_ptr<AsyncUnaryCall> Create() {
    // Not make_shared, which has no access to the constructor.
    return std::shared_ptr<AsyncUnaryCall>(new AsyncUnaryCall());
  }

  // Sends `request` over `channel`, which nothing here holds any more when `on_answer` is
  // called. Never blocks. At most one call. Where Prepare refuses the options, nothing is
  // sent: `on_answer` hears the error before this returns.
  void Start(const std::shared_ptr<grpc::Channel>& channel, Method method, Request request,
             const CallOptions& options, OnAnswer on_answer) {
    const std::shared_ptr<grpc::ClientContext> call = this->context();
    if (absl::Status status = Prepare(*call, options); !status.ok()) {
      std::move(on_answer)(std::move(status));
      return;
    }
    self_ = this->shared_from_this();
    on_answer_ = std::move(on_answer);
    request_ = std::move(request);
    (Service::NewStub(channel)->async()->*method)(call.get(), &request_, &response_, this);
    StartCall();
  }

 private:
  AsyncUnaryCall() = default;

  void OnDone(const grpc::Status& status) override {
    // gRPC touches the call no more after this; the last holder destroys it.
    const std::shared_ptr<AsyncUnaryCall> self = std::move(self_);
    OnAnswer on_answer = std::move(on_answer_);
    this->LetGo();
    if (status.ok()) {
      std::move(on_answer)(std::move(response_));
    } else {
      std::move(on_answer)(FromGrpcStatus(status));
    }
  }

  OnAnswer on_answer_;
  Request request_;
  Response response_;
  // Keeps the call alive from Start to OnDone, while gRPC calls it.
  std::shared_ptr<AsyncUnaryCall> self_;
};

}  // namespace upscaler
