// What GetServerInfo tells.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "proto/upscaler/v1/upscaler.pb.h"
#include "worker/imaging/latents.h"

namespace upscaler {

// What is known of a server from its settings.
struct ServerFacts {
  std::string version{};
  std::string libtorch_version{};
  std::string model_name{};
  std::vector<std::string> devices{};  // One for each replica.
  std::string data_type{};             // "float32" or "float16".
  std::int64_t max_input_pixels = 0;
  std::size_t max_image_bytes = 0;
  std::size_t queue_capacity = 0;
};

// `facts`, and what the contract itself sets. Without what is known of the model alone.
v1::GetServerInfoResponse DescribeServer(const ServerFacts& facts);

// Adds what a loaded model is like.
void DescribeLatents(const LatentsRule& latents, v1::GetServerInfoResponse::Model& model);

}  // namespace upscaler
