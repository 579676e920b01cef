// The gRPC door: a port, the services behind it, health and reflection beside them.
//
// What a stranger can make it do is bounded here: bytes, streams, threads, pings, the size of
// messages and of metadata. Whose call it is, is the services' affair; health and reflection
// ask nobody, since probes have no keys.

#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <grpcpp/channel.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/server.h>

#include "common/tls_files.h"

namespace upscaler {

struct GrpcServerOptions {
  std::string address{};  // "host:port"; port 0 lets the system choose.
  TlsFiles tls{};
  // How often those files are read again. Connections that are open keep what they have.
  std::chrono::seconds tls_refresh{60};
  // For what is being received and sent, of all connections together. Where it is used up
  // new connections and streams are refused.
  std::size_t memory_bytes = std::size_t{512} << 20;
  // After about so long a connection gets no new calls, and its client makes another, maybe to
  // another server; calls that are open go on. 0: never.
  std::chrono::seconds connection_age{0};
};

// Thread-safe.
class GrpcServer {
 public:
  // Listens at the address. Health says NOT_SERVING until SetServing(true), and that the
  // server is live. Clients need TLS, version 1.2 or newer, where there are files for it.
  // kFailedPrecondition when the address is no good or taken, and as CheckTlsFiles says.
  // `services` must outlive the server.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(
      const GrpcServerOptions& options, const std::vector<grpc::Service*>& services);

  // Ends the calls that are still open.
  ~GrpcServer();
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  int port() const { return port_; }

  // A channel for clients in this process, which goes around the network, and around TLS.
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
