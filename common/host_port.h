// An address at which a server listens, as settings spell it: "host:port".

#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace upscaler {

struct HostPort {
  std::string host;  // What stands before the last colon, brackets and all.
  std::uint16_t port = 0;
};

// Nothing where there is no colon, or no port of 0 to 65535 after the last one. The
// host is not looked at: what it may be is the server's affair.
std::optional<HostPort> ParseHostPort(const std::string& text);

// The host without the brackets that keep an IPv6 address apart from its port.
std::string BareHost(const std::string& host);

}  // namespace upscaler
