#include "gateway/program/backend_address.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <absl/strings/str_join.h>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "common/host_port.h"
#include "common/status_macros.h"

namespace upscaler {
namespace {

// A server that comes back is to get work again soon; one gateway's attempts burden nobody.
constexpr std::chrono::milliseconds kLongestPause{500};

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

// "1.2.3.4" or "::1".
std::string Numeric(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  const void* const bytes =
      address->sa_family == AF_INET
          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(address)->sin_addr)
          : static_cast<const void*>(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
  ::inet_ntop(address->sa_family, bytes, text, sizeof text);
  return text;
}

// Of one host, in the order in which the system would try them.
absl::StatusOr<std::vector<std::string>> NumericHosts(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  if (const int error = ::getaddrinfo(BareHost(host).c_str(), nullptr, &hints, &list); error != 0) {
    return absl::UnavailableError(
        fmt::format("the backend {} is not found: {}", host, ::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, FreeAddresses> owner(list);
  std::vector<std::string> hosts;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    hosts.push_back(Numeric(each->ai_addr));
  }
  return hosts;
}

bool IsIpv6(const std::string& numeric) { return numeric.find(':') != std::string::npos; }

}  // namespace

bool IsOneServer(const std::string& address) {
  const auto [host, port] = ParseHostPort(address).value_or(HostPort());
  if (host.empty() || port == 0) return false;
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  return bracketed || host.find_first_of(":/,") == std::string::npos;
}

absl::Status CheckAddresses(const std::vector<std::string>& addresses) {
  if (addresses.empty()) return absl::InvalidArgumentError("at least one is needed");
  for (const std::string& address : addresses) {
    if (IsOneServer(address)) continue;
    if (address.find(":///") == std::string::npos) {
      return absl::InvalidArgumentError(fmt::format(
          "'{}' given; wanted host:port, or one name of gRPC's such as dns:///host:port", address));
    }
    if (addresses.size() > 1) {
      return absl::InvalidArgumentError(fmt::format(
          "{} stands for all servers, and cannot be given together with others", address));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> BalancedTarget(const std::vector<std::string>& addresses) {
  struct Numbered {
    std::string host;
    std::uint16_t port;
  };
  std::vector<Numbered> all;
  for (const std::string& address : addresses) {
    const HostPort parsed = ParseHostPort(address).value_or(HostPort());
    UPSCALER_ASSIGN_OR_RETURN(const std::vector<std::string> hosts, NumericHosts(parsed.host));
    for (const std::string& host : hosts) all.push_back({.host = host, .port = parsed.port});
  }
  // One name has addresses of one kind. Those of IPv4 have a form as the other.
  const bool ipv6 =
      std::ranges::any_of(all, [](const Numbered& each) { return IsIpv6(each.host); });
  std::vector<std::string> parts;
  for (const auto& [host, port] : all) {
    if (!ipv6) {
      parts.push_back(fmt::format("{}:{}", host, port));
    } else {
      parts.push_back(fmt::format("[{}{}]:{}", IsIpv6(host) ? "" : "::ffff:", host, port));
    }
  }
  return (ipv6 ? "ipv6:" : "ipv4:") + absl::StrJoin(parts, ",");
}

absl::StatusOr<std::unique_ptr<const Backends>> ConnectBackends(
    const std::vector<std::string>& addresses, ChannelOptions channel) {
  UPSCALER_RETURN_IF_ERROR(CheckAddresses(addresses));
  channel.longest_pause = kLongestPause;
  std::vector<Backends::Listed> servers;
  for (const std::string& address : addresses) {
    channel.target = address;
    channel.only_healthy = false;
    UPSCALER_ASSIGN_OR_RETURN(auto any, MakeChannel(channel));
    channel.only_healthy = true;
    UPSCALER_ASSIGN_OR_RETURN(auto healthy, MakeChannel(channel));
    servers.push_back(
        {.address = address, .channel = std::move(any), .healthy = std::move(healthy)});
  }
  if (addresses.size() == 1) {
    std::shared_ptr<grpc::Channel> balanced = servers.front().healthy;
    if (!IsOneServer(addresses.front())) return Backends::Unlisted(std::move(balanced));
    return Backends::Several(std::move(balanced), servers);
  }
  UPSCALER_ASSIGN_OR_RETURN(channel.target, BalancedTarget(addresses));
  UPSCALER_ASSIGN_OR_RETURN(auto balanced, MakeChannel(channel));
  return Backends::Several(std::move(balanced), servers);
}

}  // namespace upscaler
