#include "client/channel.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include "common/status_macros.h"

namespace upscaler {
namespace {

// A call can be silent for as long as the request waits in the queue. Pings tell
// a server that is busy from one that has vanished without a word.
constexpr int kKeepaliveMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;

// Before the second attempt to connect; after more of them gRPC waits longer, up to two
// minutes by default, which is longer than a server takes to start.
constexpr int kFirstPauseMs = 100;

// Health is asked for by policies that have several servers in view.
constexpr const char* kOnlyHealthy = R"({
  "loadBalancingConfig": [{"round_robin": {}}],
  "healthCheckConfig": {"serviceName": "upscaler.v1.UpscalerService"}
})";

std::shared_ptr<grpc::Channel> Make(const ChannelOptions& options,
                                    const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstPauseMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS,
                   static_cast<int>(options.longest_pause.count()));
  // Where the name stands for several servers, they take turns.
  arguments.SetLoadBalancingPolicyName("round_robin");
  if (!options.proxy) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  if (options.only_healthy) arguments.SetServiceConfigJSON(kOnlyHealthy);
  if (!options.tls_name.empty()) arguments.SetSslTargetNameOverride(options.tls_name);
  return grpc::CreateCustomChannel(options.target, credentials, arguments);
}

// Empty for no file.
absl::StatusOr<std::string> ReadPem(const std::string& path) {
  if (path.empty()) return std::string();
  // Such a file can be opened, and throws when it is read.
  if (std::error_code error; std::filesystem::is_directory(path, error)) {
    return absl::NotFoundError(fmt::format("cannot read {}: it is a folder", path));
  }
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!text.empty()) return text;
  const std::string reason =
      file.is_open() ? "it is empty" : std::generic_category().message(errno);
  return absl::NotFoundError(fmt::format("cannot read {}: {}", path, reason));
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ChannelOptions& options) {
  if (!options.tls) return Make(options, grpc::InsecureChannelCredentials());
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return absl::InvalidArgumentError("a certificate and its key are given together");
  }
  grpc::SslCredentialsOptions credentials;
  UPSCALER_ASSIGN_OR_RETURN(credentials.pem_root_certs, ReadPem(options.ca_file));
  UPSCALER_ASSIGN_OR_RETURN(credentials.pem_cert_chain, ReadPem(options.certificate_file));
  UPSCALER_ASSIGN_OR_RETURN(credentials.pem_private_key, ReadPem(options.key_file));
  return Make(options, grpc::SslCredentials(credentials));
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& target) {
  return Make({.target = target}, grpc::InsecureChannelCredentials());
}

}  // namespace upscaler
