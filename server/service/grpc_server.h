// The gRPC door: a port, the service behind it, health and reflection beside it.

#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <absl/status/statusor.h>
#include <grpcpp/channel.h>
#include <grpcpp/server.h>

#include "server/service/upscaler_service.h"

namespace upscaler {

// Thread-safe.
class GrpcServer {
 public:
  // Listens at `address`, "host:port"; port 0 lets the system choose. Health
  // says NOT_SERVING until SetServing(true), and that the server is live.
  // kFailedPrecondition when the address is no good or taken. `service` must outlive
  // the server.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const std::string& address,
                                                           UpscalerService& service);

  // Ends the calls that are still open.
  ~GrpcServer();
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  int port() const { return port_; }

  // A channel for clients in this process, which goes around the network.
  std::shared_ptr<grpc::Channel> InProcessChannel();

  // What grpc.health.v1 answers for the server and for the service by name, and what
  // for the name "liveness": whether the server need not be started anew.
  void SetServing(bool serving);
  void SetLive(bool live);

  // Takes no more calls and waits for the open ones, at most `grace`; then
  // cancels the rest. Returns when none is left.
  void Shutdown(std::chrono::milliseconds grace);

 private:
  GrpcServer(std::unique_ptr<grpc::Server> server, int port);

  const std::unique_ptr<grpc::Server> server_;
  const int port_;
};

}  // namespace upscaler
