// What a request would take, for EstimateUpscale.

#pragma once

#include <absl/status/statusor.h>

#include "proto/upscaler/v1/upscaler.pb.h"
#include "server/service/call_context.h"

namespace upscaler {

// Never blocks. Fails as the request would; kInvalidArgument naming "input" where there is
// none.
absl::StatusOr<v1::EstimateUpscaleResponse> EstimateUpscale(
    const CallContext& context, const v1::EstimateUpscaleRequest& request);

}  // namespace upscaler
