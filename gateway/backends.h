// The servers behind the gateway.
//
// Any of them can do an upscale, so those go wherever there is room. A job lives on one
// server, and whoever asks for it later has to be led back there. So its public id says
// which one that is.

#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/channel.h>

namespace upscaler {

// Where a job is, and what it is called there.
struct JobAddress {
  std::shared_ptr<grpc::Channel> channel;
  std::string job_id;
};

// Thread-safe; nothing blocks. Channels are shared, as gRPC's are.
class Backends {
 public:
  // One server, by itself.
  struct Home {
    // Whatever state the server is in: one that drains has its jobs still.
    std::shared_ptr<grpc::Channel> channel;
    // Of its jobs: a public id is the prefix and the server's own id. Empty where there
    // is no other server.
    std::string prefix;
    // Ready while the server takes work. May be null where there is no other server.
    std::shared_ptr<grpc::Channel> healthy{};
  };

  // One server as its address was given, "host:port", and the ways to it alone, as in Home.
  struct Listed {
    std::string address;
    std::shared_ptr<grpc::Channel> channel;
    std::shared_ptr<grpc::Channel> healthy;
  };

  // A server that stands alone.
  static std::unique_ptr<const Backends> One(std::shared_ptr<grpc::Channel> channel);

  // Servers behind one name, which gRPC balances. Which of them has a job cannot be known:
  // all that is asked about jobs is kUnimplemented.
  static std::unique_ptr<const Backends> Unlisted(std::shared_ptr<grpc::Channel> balanced);

  // `balanced` leads to all of `servers`, of which there is at least one. The prefix of
  // each comes from its address alone, so that ids hold when the gateway is started anew
  // and the list is in another order. kInvalidArgument where two addresses yield the same
  // prefix, as one that is given twice does.
  static absl::StatusOr<std::unique_ptr<const Backends>> Several(
      std::shared_ptr<grpc::Channel> balanced, const std::vector<Listed>& servers);

  Backends(const Backends&) = delete;
  Backends& operator=(const Backends&) = delete;

  // Where upscales go that end with their connection.
  const std::shared_ptr<grpc::Channel>& balanced() const { return balanced_; }

  // Where a job begins. Several servers take turns, those that are not ready excepted.
  // With `key`, which is the request_id that the client chose, it is the same server for
  // the same key as long as that one is ready: there the job is found that the key stands
  // for already. kUnavailable while none is ready.
  absl::StatusOr<Home> ForNewJob(std::string_view key = {}) const;

  // Where a job is to be found. kNotFound for an id that names none of the servers.
  absl::StatusOr<JobAddress> Find(std::string_view public_id) const;

  // kUnimplemented where it is not known which servers have jobs.
  absl::Status CheckListed() const;

  // All servers that have jobs, in the order of the list. Empty where that is not known.
  const std::vector<Home>& homes() const { return homes_; }

 private:
  Backends(std::shared_ptr<grpc::Channel> balanced, std::vector<Home> homes);

  const std::shared_ptr<grpc::Channel> balanced_;
  const std::vector<Home> homes_;
  mutable std::atomic<std::size_t> turn_ = 0;
};

}  // namespace upscaler
