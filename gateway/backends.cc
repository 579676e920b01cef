#include "gateway/backends.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "common/crc32.h"
#include "common/error_details.h"
#include "common/sha256.h"
#include "common/status_macros.h"

namespace upscaler {
namespace {

// What a client is told to wait for a server to be ready.
constexpr std::chrono::seconds kRetryPause{1};

// A checksum tells the addresses of one list apart as well as anything, and names nothing
// of the network behind the gateway.
std::string PrefixOf(std::string_view address) { return fmt::format("{:08x}-", Crc32(address)); }

// To ask makes the channel connect, if it is at rest.
bool IsReady(const Backends::Home& home) {
  return home.healthy->GetState(/*try_to_connect=*/true) == GRPC_CHANNEL_READY;
}

// Whoever has the highest rank for a key gets it: when servers come and go, only their own
// keys move. As good as random, and the same in every gateway.
std::string RankOf(std::string_view key, const Backends::Home& home) {
  Sha256 digest;
  digest.Add(home.prefix);
  digest.Add(key);
  return digest.Finish();
}

}  // namespace

std::unique_ptr<const Backends> Backends::One(std::shared_ptr<grpc::Channel> channel) {
  std::vector<Home> homes = {{.channel = channel, .prefix = ""}};
  // Not make_unique, which has no access to the constructor.
  return std::unique_ptr<const Backends>(new Backends(std::move(channel), std::move(homes)));
}

std::unique_ptr<const Backends> Backends::Unlisted(std::shared_ptr<grpc::Channel> balanced) {
  return std::unique_ptr<const Backends>(new Backends(std::move(balanced), {}));
}

absl::StatusOr<std::unique_ptr<const Backends>> Backends::Several(
    std::shared_ptr<grpc::Channel> balanced, const std::vector<Listed>& servers) {
  std::vector<Home> homes;
  for (const Listed& server : servers) {
    const std::string prefix = servers.size() == 1 ? "" : PrefixOf(server.address);
    if (std::ranges::find(homes, prefix, &Home::prefix) != homes.end()) {
      return absl::InvalidArgumentError(fmt::format(
          "the server {} is given twice, or shares its number with another one's address",
          server.address));
    }
    homes.push_back({.channel = server.channel, .prefix = prefix, .healthy = server.healthy});
  }
  return std::unique_ptr<const Backends>(new Backends(std::move(balanced), std::move(homes)));
}

Backends::Backends(std::shared_ptr<grpc::Channel> balanced, std::vector<Home> homes)
    : balanced_(std::move(balanced)), homes_(std::move(homes)) {}

absl::StatusOr<Backends::Home> Backends::ForNewJob(std::string_view key) const {
  UPSCALER_RETURN_IF_ERROR(CheckListed());
  // A server that stands alone says itself why it takes nothing.
  if (homes_.size() == 1) return homes_.front();
  std::vector<Home> ready;
  std::ranges::copy_if(homes_, std::back_inserter(ready), IsReady);
  if (ready.empty()) {
    return WithRetryAfter(absl::UnavailableError("no server takes work at the moment"),
                          kRetryPause);
  }
  if (key.empty()) return ready[turn_++ % ready.size()];
  return *std::ranges::max_element(ready, {},
                                   [key](const Home& home) { return RankOf(key, home); });
}

absl::StatusOr<JobAddress> Backends::Find(std::string_view public_id) const {
  UPSCALER_RETURN_IF_ERROR(CheckListed());
  for (const Home& home : homes_) {
    if (!public_id.starts_with(home.prefix)) continue;
    return JobAddress{.channel = home.channel,
                      .job_id = std::string(public_id.substr(home.prefix.size()))};
  }
  return absl::NotFoundError("there is no such job");
}

absl::Status Backends::CheckListed() const {
  if (!homes_.empty()) return absl::OkStatus();
  return absl::UnimplementedError(
      "this gateway has no jobs: it knows its servers by one name, not one by one");
}

}  // namespace upscaler
