#include "gateway/listen_address.h"

#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace upscaler {

absl::StatusOr<ListenAddress> ListenAddress::Parse(const std::string& host, std::uint16_t port) {
  ListenAddress result;
  sockaddr_in ipv4{};
  sockaddr_in6 ipv6{};
  if (::inet_pton(AF_INET, host.c_str(), &ipv4.sin_addr) == 1) {
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(port);
    std::memcpy(&result.storage_, &ipv4, sizeof ipv4);
  } else if (::inet_pton(AF_INET6, host.c_str(), &ipv6.sin6_addr) == 1) {
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(port);
    std::memcpy(&result.storage_, &ipv6, sizeof ipv6);
  } else {
    return absl::FailedPreconditionError(
        fmt::format("cannot listen on '{}', wanted a numeric address such as 0.0.0.0", host));
  }
  return result;
}

}  // namespace upscaler
