// The connection to a server, with settings that suit long calls.

#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <absl/status/statusor.h>
#include <grpcpp/channel.h>

namespace upscaler {

struct ChannelOptions {
  std::string target{};  // "host:port" or any other gRPC name.
  bool tls = false;      // The files below count only with it.
  // PEM. The authorities that the server's certificate may come from; empty: those that
  // the system trusts.
  std::string ca_file{};
  // PEM. The client's own certificate and its key, for servers that ask for one; both or
  // none.
  std::string certificate_file{};
  std::string key_file{};
  // The name that the server's certificate has to be for; empty: the target's host.
  std::string tls_name{};
  // Asks servers by gRPC's health protocol whether they take work, all the time, and sends
  // calls to those that do. Where none does, calls fail with kUnavailable at once.
  bool only_healthy = false;
  // Whether to go by the proxy that the environment names, if it does.
  bool proxy = true;
  // At most that long, between attempts to connect. At least 100 ms.
  std::chrono::milliseconds longest_pause{5'000};
};

// A channel to a server. It connects when it is first used and again when it has to.
// kInvalidArgument when one of the certificate and its key is missing, kNotFound when a
// file cannot be read. Thread-safe, and meant to be shared by all calls to one server. A
// callback of gRPC must not be its last holder: letting go of it waits for the threads
// that run callbacks.
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ChannelOptions& options);

// The same without TLS, which cannot fail.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& target);

}  // namespace upscaler
