// Requests at a server, many at a time, and how each of them went.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/status.h>

namespace upscaler::benchmark {

struct LoadOptions {
  std::string grpc_address;     // host:port; or
  std::uint16_t rest_port = 0;  // on the loopback, where no gRPC address is given.

  std::string picture;  // The encoded picture that every request sends.
  std::uint32_t steps = 1;
  bool same_prompt = true;  // Otherwise every request has a prompt of its own.

  // A closed loop: so many requests, and always so many of them at a time. Or:
  std::size_t requests = 100;
  std::size_t concurrency = 1;
  // An open loop, gRPC only: so many requests a second for so long, whether or not they
  // are answered; at random moments, the same in every run.
  double rate = 0;
  double seconds = 0;
};

// How one request went.
struct Sample {
  absl::StatusCode code = absl::StatusCode::kUnknown;
  std::chrono::duration<double> latency{};
};

struct LoadResult {
  std::vector<Sample> samples;
  std::chrono::duration<double> elapsed{};  // From the first request to the last answer.
};

// Each runs a load and waits for every answer.
LoadResult RunGrpcLoad(const LoadOptions& options);
LoadResult RunRestLoad(const LoadOptions& options);

}  // namespace upscaler::benchmark
