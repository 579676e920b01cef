#include "server/service/upscaler_service.h"

#include <utility>

#include "server/service/estimate.h"
#include "server/service/grpc_status.h"
#include "server/service/upscale_stream.h"
#include "server/service/upscale_unary.h"

namespace upscaler {

UpscalerService::UpscalerService(CallContext context) : context_(std::move(context)) {}

grpc::ServerUnaryReactor* UpscalerService::EstimateUpscale(
    grpc::CallbackServerContext* call, const v1::EstimateUpscaleRequest* request,
    v1::EstimateUpscaleResponse* response) {
  absl::Status status = CallerOf(context_, *call).status();
  if (status.ok()) {
    absl::StatusOr<v1::EstimateUpscaleResponse> estimate =
        upscaler::EstimateUpscale(context_, *request);
    if (estimate.ok()) *response = *std::move(estimate);
    status = estimate.status();
  }
  grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

grpc::ServerUnaryReactor* UpscalerService::GetServerInfo(
    grpc::CallbackServerContext* call, const v1::GetServerInfoRequest* /*request*/,
    v1::GetServerInfoResponse* response) {
  const absl::Status status = CallerOf(context_, *call).status();
  if (status.ok()) *response = context_.server_info();
  grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

// gRPC takes reactors by raw pointer; each deletes itself in OnDone.

grpc::ServerUnaryReactor* UpscalerService::Upscale(grpc::CallbackServerContext* call,
                                                   const v1::UpscaleRequest* request,
                                                   v1::UpscaleResponse* response) {
  return new UpscaleUnaryCall(context_, *call, *request, *response);
}

grpc::ServerBidiReactor<v1::UpscaleStreamRequest, v1::UpscaleStreamResponse>*
UpscalerService::UpscaleStream(grpc::CallbackServerContext* call) {
  return new UpscaleStreamCall(context_, *call);
}

}  // namespace upscaler
