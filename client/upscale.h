// One upscale over gRPC, in one blocking call.

#pragma once

#include <memory>

#include <absl/functional/any_invocable.h>
#include <absl/status/statusor.h>
#include <grpcpp/channel.h>

#include "client/retry.h"
#include "client/upscale_call.h"

namespace upscaler {

// Sends `order` and waits for the finished pictures, trying again as `retries` says.
// `on_event` is called on another thread, one event at a time, and not after the return;
// each attempt has events of its own; it may be null. Errors are the server's, with the
// details of common/error_details.h; without a reason among them they come from the way
// to the server.
absl::StatusOr<v1::UpscaleResponse> Upscale(
    const std::shared_ptr<grpc::Channel>& channel, UpscaleOrder order,
    absl::AnyInvocable<void(const v1::UpscaleStreamResponse&)> on_event = nullptr,
    const RetryOptions& retries = {});

}  // namespace upscaler
