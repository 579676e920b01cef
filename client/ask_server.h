// Questions to a server that cost it nothing, in blocking calls.

#pragma once

#include <memory>
#include <vector>

#include <absl/status/statusor.h>
#include <grpcpp/channel.h>

#include "client/call_options.h"
#include "proto/upscaler/v1/upscaler.pb.h"

namespace upscaler {

// What a request would take. Refused for the same reasons as the request itself, with the
// same errors; see client/upscale.h.
absl::StatusOr<v1::EstimateUpscaleResponse> AskEstimate(
    const std::shared_ptr<grpc::Channel>& channel, const v1::EstimateUpscaleRequest& request,
    const CallOptions& options = {});

// What the server is and allows.
absl::StatusOr<v1::GetServerInfoResponse> AskServerInfo(
    const std::shared_ptr<grpc::Channel>& channel, const CallOptions& options = {});

// What several servers are, in their order. They are asked at the same time, so that one which
// hangs costs the timeout of `options` once.
std::vector<absl::StatusOr<v1::GetServerInfoResponse>> AskServerInfos(
    const std::vector<std::shared_ptr<grpc::Channel>>& channels, const CallOptions& options);

}  // namespace upscaler
