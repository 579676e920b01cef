#include "client/ask_server.h"

#include "client/unary_call.h"
#include "client/upscale_call.h"
#include "common/status_macros.h"
#include "proto/upscaler/v1/upscaler.grpc.pb.h"

namespace upscaler {

absl::StatusOr<v1::EstimateUpscaleResponse> AskEstimate(
    const std::shared_ptr<grpc::Channel>& channel, const v1::EstimateUpscaleRequest& request,
    const CallOptions& options) {
  UPSCALER_RETURN_IF_ERROR(CheckTexts(request.spec()));
  const auto stub = v1::UpscalerService::NewStub(channel);
  return CallUnary(*stub, &v1::UpscalerService::Stub::EstimateUpscale, request, options);
}

absl::StatusOr<v1::GetServerInfoResponse> AskServerInfo(
    const std::shared_ptr<grpc::Channel>& channel, const CallOptions& options) {
  const auto stub = v1::UpscalerService::NewStub(channel);
  return CallUnary(*stub, &v1::UpscalerService::Stub::GetServerInfo, v1::GetServerInfoRequest(),
                   options);
}

}  // namespace upscaler
