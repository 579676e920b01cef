// Requests without a body that one call to the service answers.

#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include <absl/functional/any_invocable.h>

#include "client/pending_call.h"
#include "gateway/http_server.h"

namespace upscaler {

// Used by the server's thread, but for OnClientGone.
class CallHandler final : public RequestHandler {
 public:
  // Starts the call, whose answer is the request's.
  using Start = absl::AnyInvocable<void(Respond) &&>;

  CallHandler(std::shared_ptr<PendingCall> call, Start start)
      : call_(std::move(call)), start_(std::move(start)) {}

  void OnBody(std::string_view /*part*/) override {}
  void OnComplete(Respond respond) override { std::move(start_)(std::move(respond)); }
  void OnClientGone() override { call_->Cancel(); }

 private:
  const std::shared_ptr<PendingCall> call_;  // Shared with gRPC while it runs.
  Start start_;
};

}  // namespace upscaler
