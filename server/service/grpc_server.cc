#include "server/service/grpc_server.h"

#include <utility>

#include <fmt/format.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/server_builder.h>

#include "common/host_port.h"
#include "common/status_macros.h"
#include "proto/upscaler/v1/job.grpc.pb.h"
#include "proto/upscaler/v1/upscaler.grpc.pb.h"

namespace upscaler {
namespace {

// Room for a picture in one Upscale message, and for its other fields. Larger ones come in
// chunks: gRPC holds a whole message at a time.
constexpr int kMaxReceiveBytes = 64 << 20;
// Of one call's metadata: a key and a request id need less than one KiB.
constexpr int kMaxMetadataBytes = 16 << 10;
// Calls that one connection may have open; more wait on the client's side.
constexpr int kMaxStreams = 1'000;
// gRPC's threads for services that block, of which reflection is the only one.
constexpr int kMaxBlockingThreads = 16;

// Until a connection has to have said what it wants, TLS included.
constexpr int kHandshakeMilliseconds = 20'000;
// A quiet connection is asked for a sign of life this often, and given up after so long
// without one.
constexpr int kKeepaliveMilliseconds = 60'000;
constexpr int kKeepaliveTimeoutMilliseconds = 20'000;
// A client that asks more often than this is turned away.
constexpr int kMinimumPingIntervalMilliseconds = 10'000;

// The name under which probes ask for it.
constexpr const char* kLiveness = "liveness";
// And for everything.
constexpr const char* kWholeServer = "";

// Whether it is what the settings promise. gRPC would take port 443 where there is none, 99999
// for 34463, and a path for a socket in the file system, where no port is.
bool IsAddress(const std::string& text) {
  const auto address = ParseHostPort(text);
  return address.has_value() && address->host != "unix" && !address->host.starts_with("unix:") &&
         !address->host.starts_with("unix-abstract");
}

void SetLimits(grpc::ServerBuilder& builder, std::size_t memory_bytes) {
  grpc::ResourceQuota quota("upscaler");
  quota.Resize(memory_bytes);
  quota.SetMaxThreads(kMaxBlockingThreads);
  builder.SetResourceQuota(quota);
  // Otherwise as many threads as there are cores would be taken from the start; and where there
  // are more of these than of those, gRPC aborts.
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetMaxReceiveMessageSize(kMaxReceiveBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreams);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMilliseconds);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMilliseconds);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMilliseconds);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinimumPingIntervalMilliseconds);
}

// Pictures are compressed as they are, and a few bytes of a compressed message could become
// more than there is memory. Clients that compress are answered UNIMPLEMENTED.
void RefuseCompression(grpc::ServerBuilder& builder) {
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> CredentialsOf(
    const GrpcServerOptions& options) {
  const TlsFiles& files = options.tls;
  if (files.certificate.empty()) return grpc::InsecureServerCredentials();
  UPSCALER_RETURN_IF_ERROR(CheckTlsFiles(files));
  using grpc::experimental::FileWatcherCertificateProvider;
  grpc::experimental::TlsServerCredentialsOptions tls(
      std::make_shared<FileWatcherCertificateProvider>(
          files.private_key, files.certificate, files.client_ca,
          static_cast<unsigned int>(options.tls_refresh.count())));
  tls.watch_identity_key_cert_pairs();
  if (!files.client_ca.empty()) {
    tls.watch_root_certs();
    tls.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return grpc::experimental::TlsServerCredentials(tls);
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(
    const GrpcServerOptions& options, const std::vector<grpc::Service*>& services) {
  // Both are switches of gRPC's own, process-wide and without harm when repeated.
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();

  UPSCALER_ASSIGN_OR_RETURN(const auto credentials, CredentialsOf(options));
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options.address, credentials, &port);
  for (grpc::Service* service : services) builder.RegisterService(service);
  SetLimits(builder, options.memory_bytes);
  RefuseCompression(builder);
  if (options.connection_age.count() > 0) {
    const std::chrono::milliseconds age = options.connection_age;
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, static_cast<int>(age.count()));
  }
  // Without this two servers could listen at one port and share its clients.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  std::unique_ptr<grpc::Server> server;
  if (IsAddress(options.address)) server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return absl::FailedPreconditionError(
        fmt::format("cannot listen at {} for gRPC: the address is malformed, not ours, or taken",
                    options.address));
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
  // One by one: the call without a name would set them all, liveness too.
  grpc::HealthCheckServiceInterface& health = *server_->GetHealthCheckService();
  health.SetServingStatus(kWholeServer, serving);
  for (const char* service :
       {v1::UpscalerService::service_full_name(), v1::UpscaleJobService::service_full_name()}) {
    health.SetServingStatus(service, serving);
  }
}

void GrpcServer::SetLive(bool live) {
  server_->GetHealthCheckService()->SetServingStatus(kLiveness, live);
}

void GrpcServer::Shutdown(std::chrono::milliseconds grace) {
  server_->Shutdown(std::chrono::system_clock::now() + grace);
  server_->Wait();
}

}  // namespace upscaler
