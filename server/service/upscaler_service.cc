#include "server/service/upscaler_service.h"

#include <utility>

#include "server/service/upscale_stream.h"
#include "server/service/upscale_unary.h"

namespace upscaler {

UpscalerService::UpscalerService(CallContext context) : context_(std::move(context)) {}

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
