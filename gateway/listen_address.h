// The address at which a server listens, in the system's form.

#pragma once

#include <cstdint>
#include <string>

#include <absl/status/statusor.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace upscaler {

// A socket address of IPv4 or IPv6.
class ListenAddress {
 public:
  // `text` is "host:port", the host being numeric ("0.0.0.0", "[::1]") or
  // "localhost", the port 0 for any free one. kFailedPrecondition otherwise.
  static absl::StatusOr<ListenAddress> Parse(const std::string& text);

  bool is_ipv6() const { return storage_.ss_family == AF_INET6; }
  std::uint16_t port() const;
  const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&storage_); }

 private:
  sockaddr_storage storage_{};
};

}  // namespace upscaler
