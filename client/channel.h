// The connection to a server, with settings that suit long calls.

#pragma once

#include <memory>
#include <string>

#include <grpcpp/channel.h>

namespace upscaler {

// A channel to `target`, "host:port" or any other gRPC name. It connects when it
// is first used and again when it has to; creating it cannot fail. Thread-safe,
// and meant to be shared by all calls to one server. A callback of gRPC must not be
// its last holder: letting go of it waits for the threads that run callbacks.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& target);

}  // namespace upscaler
