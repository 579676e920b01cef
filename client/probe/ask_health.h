// The question itself, by gRPC's standard health protocol.

#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <grpcpp/channel.h>

namespace upscaler {

// The values are the program's exit codes.
enum class Health {
  kServing = 0,
  kNotServing = 1,   // The server has answered something else, or refused to.
  kUnreachable = 3,  // It has not answered.
};

struct HealthAnswer {
  Health health = Health::kUnreachable;
  std::string text{};  // In a few words, for people.
};

// Asks once how `service` is, and waits for the answer for at most `timeout`. An empty
// name stands for the server as a whole.
HealthAnswer AskHealth(const std::shared_ptr<grpc::Channel>& channel, const std::string& service,
                       std::chrono::milliseconds timeout);

}  // namespace upscaler
