// The server's ends of the connections to a port of this process, as the system sees them.

#pragma once

#include <cstdint>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace upscaler::test {

// What TCP_NODELAY is of each of them.
inline std::vector<bool> NoDelayAt(std::uint16_t port) {
  constexpr int kMostDescriptors = 1024;
  std::vector<bool> found;
  for (int descriptor = 0; descriptor < kMostDescriptors; ++descriptor) {
    sockaddr_in own{};
    sockaddr_in peer{};
    socklen_t own_size = sizeof own;
    socklen_t peer_size = sizeof peer;
    if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&own), &own_size) != 0) continue;
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) continue;
    if (own.sin_family != AF_INET || own.sin_port != htons(port)) continue;
    int on = 0;
    socklen_t on_size = sizeof on;
    ::getsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, &on_size);
    found.push_back(on != 0);
  }
  return found;
}

}  // namespace upscaler::test
