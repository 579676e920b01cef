// A call that is answered by many messages, at the pace of who receives them, and that costs
// no thread while it waits.

#pragma once

#include <map>
#include <memory>
#include <utility>

#include <absl/base/thread_annotations.h>
#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <grpcpp/channel.h>
#include <grpcpp/support/client_callback.h>
#include <grpcpp/support/string_ref.h>

#include "client/call_options.h"
#include "client/grpc_error.h"
#include "client/pending_call.h"
#include "common/mutex.h"

namespace upscaler {

// What a server says before its first message.
using ServerMetadata = std::multimap<grpc::string_ref, grpc::string_ref>;

// All are called on gRPC's threads, one at a time. They must not block and must not throw.
template <typename Response>
struct ReadCallbacks {
  // At most once, and first. May be null.
  absl::AnyInvocable<void(const ServerMetadata&)> on_begin{};
  // The next message, which is the receiver's until it calls ReadOn: no other comes before.
  absl::AnyInvocable<void(Response&)> on_message;
  // Exactly once, and last.
  absl::AnyInvocable<void(const absl::Status&) &&> on_done;
};

// Thread-safe. Shared, because two sides hold it: whoever reads or may cancel the call, and
// the call itself until gRPC has let go of it. `Service` is the generated class.
template <typename Service, typename Request, typename Response>
class AsyncReadCall final
    : public PendingCall,
      public std::enable_shared_from_this<AsyncReadCall<Service, Request, Response>>,
      private grpc::ClientReadReactor<Response> {
 public:
  using Method = void (Service::StubInterface::async_interface::*)(
      grpc::ClientContext*, const Request*, grpc::ClientReadReactor<Response>*);

  // A call that is not started yet.
  static std::shared_ptr<AsyncReadCall> Create() {
    // Not make_shared, which has no access to the constructor.
    return std::shared_ptr<AsyncReadCall>(new AsyncReadCall());
  }

  // Sends `request` over `channel`, which nothing here holds any more when on_done is
  // called. Never blocks. At most one call. Where Prepare refuses the options, nothing is
  // sent: on_done hears the error before this returns.
  void Start(const std::shared_ptr<grpc::Channel>& channel, Method method, Request request,
             const CallOptions& options, ReadCallbacks<Response> callbacks) {
    const std::shared_ptr<grpc::ClientContext> call = this->context();
    if (const absl::Status status = Prepare(*call, options); !status.ok()) {
      std::move(callbacks.on_done)(status);
      return;
    }
    self_ = this->shared_from_this();
    callbacks_ = std::move(callbacks);
    request_ = std::move(request);
    (Service::NewStub(channel)->async()->*method)(call.get(), &request_, this);
    this->StartCall();
  }

  // Who has received a message is done with it. Never blocks. Without effect after Cancel.
  void ReadOn() ABSL_LOCKS_EXCLUDED(mutex_) {
    if (!Resume()) return;
    this->StartRead(&message_);
    this->RemoveHold();
  }

  void Cancel() override {
    PendingCall::Cancel();
    {
      const MutexLock lock(mutex_);
      cancelled_ = true;
    }
    // A receiver whose own reader has gone may never ask for the next message.
    if (Resume()) this->RemoveHold();
  }

 private:
  AsyncReadCall() = default;

  // The first message is asked for here, so that it comes after on_begin.
  void OnReadInitialMetadataDone(bool ok) override {
    if (!ok) return;
    if (callbacks_.on_begin != nullptr) {
      callbacks_.on_begin(this->context()->GetServerInitialMetadata());
    }
    this->StartRead(&message_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    // Without it gRPC may end a call of which nothing is asked at the moment.
    this->AddHold();
    if (Pause()) {
      callbacks_.on_message(message_);
    } else {
      this->RemoveHold();
    }
  }

  void OnDone(const grpc::Status& status) override {
    // gRPC touches the call no more after this; the last holder destroys it.
    const std::shared_ptr<AsyncReadCall> self = std::move(self_);
    // What the callbacks hold is let go of too: it may hold this call in turn.
    ReadCallbacks<Response> callbacks = std::move(callbacks_);
    this->LetGo();
    std::move(callbacks.on_done)(FromGrpcStatus(status));
  }

  // False where nobody wants the message.
  bool Pause() ABSL_LOCKS_EXCLUDED(mutex_) {
    const MutexLock lock(mutex_);
    paused_ = !cancelled_;
    return paused_;
  }

  // False unless it is paused.
  bool Resume() ABSL_LOCKS_EXCLUDED(mutex_) {
    const MutexLock lock(mutex_);
    return std::exchange(paused_, false);
  }

  ReadCallbacks<Response> callbacks_;
  Request request_;
  Response message_;  // gRPC's from StartRead to OnReadDone, then the receiver's.
  // Keeps the call alive from Start to OnDone, while gRPC calls it.
  std::shared_ptr<AsyncReadCall> self_;

  Mutex mutex_;
  bool paused_ ABSL_GUARDED_BY(mutex_) = false;  // The receiver has a message; gRPC is held.
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace upscaler
