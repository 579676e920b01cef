#include "server/service/grpc_server.h"

#include <utility>

#include <fmt/format.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include "common/host_port.h"

namespace upscaler {
namespace {

// Room for a whole picture in one Upscale message, and for its other fields.
constexpr int kMaxReceiveBytes = 64 << 20;

// A quiet connection is asked for a sign of life this often.
constexpr int kKeepaliveMilliseconds = 60'000;
// A client that asks more often than this is turned away.
constexpr int kMinimumPingIntervalMilliseconds = 10'000;

// The name under which probes ask for it.
constexpr const char* kLiveness = "liveness";

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const std::string& address,
                                                              UpscalerService& service) {
  // Both are switches of gRPC's own, process-wide and without harm when repeated.
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();

  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  builder.SetMaxReceiveMessageSize(kMaxReceiveBytes);
  // Without this two servers could listen at one port and share its clients.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMilliseconds);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinimumPingIntervalMilliseconds);
  // gRPC would take port 443 where there is none, and 99999 for 34463.
  std::unique_ptr<grpc::Server> server;
  if (ParseHostPort(address).has_value()) server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return absl::FailedPreconditionError(fmt::format(
        "cannot listen at {} for gRPC: the address is malformed, not ours, or taken", address));
  }
  std::unique_ptr<GrpcServer> started(new GrpcServer(std::move(server), port));
  started->SetServing(false);
  started->SetLive(true);
  return started;
}

GrpcServer::GrpcServer(std::unique_ptr<grpc::Server> server, int port)
    : server_(std::move(server)), port_(port) {}

GrpcServer::~GrpcServer() { Shutdown(std::chrono::milliseconds(0)); }

std::shared_ptr<grpc::Channel> GrpcServer::InProcessChannel() {
  return server_->InProcessChannel(grpc::ChannelArguments());
}

void GrpcServer::SetServing(bool serving) {
  grpc::HealthCheckServiceInterface& health = *server_->GetHealthCheckService();
  health.SetServingStatus(serving);
  health.SetServingStatus(v1::UpscalerService::service_full_name(), serving);
}

void GrpcServer::SetLive(bool live) {
  server_->GetHealthCheckService()->SetServingStatus(kLiveness, live);
}

void GrpcServer::Shutdown(std::chrono::milliseconds grace) {
  server_->Shutdown(std::chrono::system_clock::now() + grace);
  server_->Wait();
}

}  // namespace upscaler
