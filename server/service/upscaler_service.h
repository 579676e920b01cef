// The service of proto/upscaler/v1/upscaler.proto.

#pragma once

#include <grpcpp/support/server_callback.h>

#include "proto/upscaler/v1/upscaler.grpc.pb.h"
#include "server/service/call_context.h"

namespace upscaler {

// Thread-safe. gRPC's threads only start work here; none of them waits or
// computes.
class UpscalerService final : public v1::UpscalerService::CallbackService {
 public:
  explicit UpscalerService(CallContext context);

  grpc::ServerUnaryReactor* EstimateUpscale(grpc::CallbackServerContext* call,
                                            const v1::EstimateUpscaleRequest* request,
                                            v1::EstimateUpscaleResponse* response) override;
  grpc::ServerUnaryReactor* GetServerInfo(grpc::CallbackServerContext* call,
                                          const v1::GetServerInfoRequest* request,
                                          v1::GetServerInfoResponse* response) override;
  grpc::ServerUnaryReactor* Upscale(grpc::CallbackServerContext* call,
                                    const v1::UpscaleRequest* request,
                                    v1::UpscaleResponse* response) override;
  grpc::ServerBidiReactor<v1::UpscaleStreamRequest, v1::UpscaleStreamResponse>* UpscaleStream(
      grpc::CallbackServerContext* call) override;

  const CallContext& context() const { return context_; }

 private:
  const CallContext context_;
};

}  // namespace upscaler
