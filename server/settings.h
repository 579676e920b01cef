// What an operator may set: flags, environment variables, or a file.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "telemetry/log.h"

namespace upscaler {

struct Settings {
  std::string model;            // A checkpoint's folder in the diffusers layout.
  std::string model_name;       // What clients call it; by default the folder's name.
  std::string weights_variant;  // "fp16" for files called ….fp16.safetensors.
  std::vector<std::string> devices = {"cpu"};  // One replica each: cpu, cuda:0, …
  std::string dtype = "float32";               // Or float16.
  int model_threads = 0;                       // Of LibTorch on the CPU; 0 means one a core.
  int image_threads = 2;                       // For decoding and encoding pictures.

  std::string grpc_address = "127.0.0.1:8998";
  std::string rest_address = "127.0.0.1:8997";
  std::string admin_address = "127.0.0.1:8999";

  std::size_t queue_capacity = 64;  // Pictures that may wait.
  std::size_t max_batch = 4;        // Pictures in one step of a replica.
  std::int64_t max_input_pixels = std::int64_t{1} << 20;
  std::size_t max_upload_mib = 32;
  int drain_seconds = 30;  // At shutdown, for what was admitted.
  LogForm log_form = LogForm::kJson;
};

// A request for help or the version, or a mistake: print `text` and exit.
struct EarlyExit {
  int code = 0;  // 0 for help and version, 2 for a mistake.
  std::string text;
};

std::variant<Settings, EarlyExit> ParseSettings(int argc, const char* const* argv);

}  // namespace upscaler
