// One upscale over gRPC, from the client's side.
//
// This is the asynchronous form, which costs no thread while it waits: the
// gateway holds thousands of them. A program that does one thing at a time uses
// the blocking form in client/upscale.h. What it does not do is to try again:
// client/retrying_upscale.h does.

#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <absl/base/thread_annotations.h>
#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include "client/response_assembler.h"
#include "client/upload_messages.h"
#include "common/mutex.h"
#include "proto/upscaler/v1/upscaler.grpc.pb.h"

namespace upscaler {

// What to upscale, and how.
struct UpscaleOrder {
  v1::UpscaleSpec spec{};
  std::string image;  // The encoded picture or, with `latents`, their numbers.
  // What the numbers of `image` are; none: it is a picture.
  std::optional<v1::LatentsInfo> latents{};
  // Let go of as soon as `image` is sent, or the call has ended: for those who count what is
  // in memory. On any thread. May be null.
  std::shared_ptr<const void> counted{};
  std::string api_key{};     // Empty: none is sent.
  std::string request_id{};  // For the server's log; empty: it makes one.
  // The trace that it is a part of, as in CallOptions; empty: none is sent.
  std::string traceparent{};
  std::string tracestate{};
  // How the request reached this client, for the server's count; the gateway says
  // "rest". Empty: it came from the program that makes the call.
  std::string via{};
  // For the whole call; none: no limit.
  std::optional<std::chrono::milliseconds> timeout{};
};

// OK unless a text of `spec` is not UTF-8: kInvalidArgument then, naming the field.
// Such a text cannot be sent.
absl::Status CheckTexts(const v1::UpscaleSpec& spec);

// Both are called on gRPC's threads, one at a time. They must not block and must
// not throw.
struct UpscaleCallbacks {
  // Every event but the chunks of pictures, in order. May be null.
  absl::AnyInvocable<void(const v1::UpscaleStreamResponse&)> on_event{};
  // Exactly once, and last: the finished pictures, or what went wrong, with the
  // details of common/error_details.h.
  absl::AnyInvocable<void(absl::StatusOr<v1::UpscaleResponse>) &&> on_done;
};

// Thread-safe. Shared, because two sides hold it: whoever may cancel the call,
// and the call itself until gRPC has let go of it.
class UpscaleCall final
    : public std::enable_shared_from_this<UpscaleCall>,
      private grpc::ClientBidiReactor<v1::UpscaleStreamRequest, v1::UpscaleStreamResponse> {
 public:
  // A call that is not started yet.
  static std::shared_ptr<UpscaleCall> Create();

  UpscaleCall(const UpscaleCall&) = delete;
  UpscaleCall& operator=(const UpscaleCall&) = delete;

  // Sends `order` over `channel`, which nothing here holds any more when on_done
  // is called. Never blocks. At most one call. Where CheckTexts refuses the spec, or
  // Prepare (client/call_options.h) the key or the id, nothing is sent: on_done hears
  // the error before this returns.
  void Start(const std::shared_ptr<grpc::Channel>& channel, UpscaleOrder order,
             UpscaleCallbacks callbacks);

  // Ends the call early: on_done hears kCancelled, unless it has heard something
  // else already. May be called at any time, even before Start, and repeatedly.
  void Cancel() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  UpscaleCall() = default;

  // Null when the call has ended.
  std::shared_ptr<grpc::ClientContext> context() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Closes the client's side when everything is sent.
  void SendNext();

  void OnWriteDone(bool ok) override;
  void OnReadDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

  UpscaleCallbacks callbacks_;

  // Used by one write after the other.
  UploadMessages upload_;
  v1::UpscaleStreamRequest request_;

  // Used by one read after the other, then by OnDone.
  v1::UpscaleStreamResponse event_;
  ResponseAssembler assembler_;
  absl::Status breach_;  // What the server did against the contract.

  // Keeps the call alive from Start to OnDone, while gRPC calls it.
  std::shared_ptr<UpscaleCall> self_;

  mutable Mutex mutex_;
  // It holds the channel, whose last holder must not be one of gRPC's threads:
  // so it goes before on_done is called, and not with the call. Shared with
  // Cancel, which may be using it then.
  std::shared_ptr<grpc::ClientContext> context_ ABSL_GUARDED_BY(mutex_) =
      std::make_shared<grpc::ClientContext>();
};

}  // namespace upscaler
