// From the addresses that the operator gave to the ways to the servers.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "client/channel.h"
#include "gateway/backends.h"

namespace upscaler {

// Whether `address` is "host:port", one server, rather than a name of gRPC's such as
// "dns:///upscaler:8998", behind which there may be many.
bool IsOneServer(const std::string& address);

// OK for one name of gRPC's, or for servers "host:port". kInvalidArgument otherwise, saying
// what is wrong.
absl::Status CheckAddresses(const std::vector<std::string>& addresses);

// gRPC's name for all of these servers together: their numeric addresses. Names of hosts
// are looked up, once, and stand for every address that they have. Blocks. kUnavailable,
// naming the host, where one is not found. Requires that CheckAddresses finds nothing wrong.
absl::StatusOr<std::string> BalancedTarget(const std::vector<std::string>& addresses);

// The ways to all of them: `channel` says how, its target does not count. Servers that say
// by gRPC's health protocol that they are not ready get no work, and are still asked about
// the jobs that they have. Blocks as BalancedTarget; fails as that, MakeChannel and
// Backends::Several.
absl::StatusOr<std::unique_ptr<const Backends>> ConnectBackends(
    const std::vector<std::string>& addresses, ChannelOptions channel);

}  // namespace upscaler
