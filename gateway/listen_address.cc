#include "gateway/listen_address.h"

#include <cstring>
#include <optional>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "common/host_port.h"

namespace upscaler {

absl::StatusOr<ListenAddress> ListenAddress::Parse(const std::string& text) {
  if (const std::optional<HostPort> parsed = ParseHostPort(text)) {
    const std::string host =
        parsed->host == "localhost" ? std::string("127.0.0.1") : BareHost(parsed->host);
    ListenAddress result;
    sockaddr_in ipv4{};
    sockaddr_in6 ipv6{};
    if (::inet_pton(AF_INET, host.c_str(), &ipv4.sin_addr) == 1) {
      ipv4.sin_family = AF_INET;
      ipv4.sin_port = htons(parsed->port);
      std::memcpy(&result.storage_, &ipv4, sizeof ipv4);
      return result;
    }
    if (::inet_pton(AF_INET6, host.c_str(), &ipv6.sin6_addr) == 1) {
      ipv6.sin6_family = AF_INET6;
      ipv6.sin6_port = htons(parsed->port);
      std::memcpy(&result.storage_, &ipv6, sizeof ipv6);
      return result;
    }
  }
  return absl::FailedPreconditionError(fmt::format(
      "cannot listen at '{}', wanted a numeric address and a port such as 0.0.0.0:8997", text));
}

std::uint16_t ListenAddress::port() const {
  // The port lies at the same place in both forms.
  sockaddr_in any{};
  std::memcpy(&any, &storage_, sizeof any);
  return ntohs(any.sin_port);
}

}  // namespace upscaler
