// What an operator may set: flags, environment variables, or a file.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/early_exit.h"
#include "telemetry/log.h"
#include "worker/queue/batch_policy.h"

namespace upscaler {

struct Settings {
  std::string model{};            // A checkpoint's folder in the diffusers layout.
  std::string model_name{};       // What clients call it; by default the folder's name.
  std::string weights_variant{};  // "fp16" for files called ….fp16.safetensors.
  std::vector<std::string> devices = {"cpu"};  // One replica each: cpu, cuda:0, …
  std::string dtype = "float32";               // Or float16.
  int model_threads = 0;            // Of a replica on the CPU; 0 divides the cores among them.
  std::size_t cuda_graphs = 0;      // A replica keeps on a GPU; 0 starts kernels one by one.
  int image_threads = 2;            // For decoding and encoding pictures.
  std::size_t text_cache_mib = 64;  // A device, for prompts that were read lately.
  double warm_up_seconds = 0.3;     // A device, for measuring what pictures cost.

  std::string grpc_address = "127.0.0.1:8998";
  std::string rest_address = "127.0.0.1:8997";
  std::string admin_address = "127.0.0.1:8999";
  unsigned rest_connections = 4096;               // At a time.
  std::vector<std::string> cors_origins = {"*"};  // Of web pages that may call; see Cors::Parse.

  std::string job_dir{};       // Where jobs are kept through a restart; empty: in memory.
  int job_ttl_seconds = 3600;  // From a job's end until it is forgotten.
  std::size_t job_mib = 1024;  // For the pictures of jobs that have ended.
  std::size_t max_jobs = 10'000;

  std::size_t queue_capacity = 64;  // Pictures admitted at once, waiting or in work.
  std::size_t queue_mib = 4096;     // Memory for them, encoded and decoded.
  Batching batching = Batching::kFill;
  std::size_t max_batch = 8;  // Pictures in one step of a replica; less where it does not pay.
  std::int64_t max_input_pixels = std::int64_t{1} << 26;
  std::int64_t max_whole_pixels = std::int64_t{1} << 20;  // Larger pictures are done in tiles.
  int tile_size = 512;  // Of tiles, in pixels of the input, unless a request says so.
  std::size_t max_upload_mib = 32;
  std::size_t uploads_mib = 512;   // Of all pictures that are arriving at a time.
  int stall_seconds = 60;          // How long a client may take to send or take a message.
  int rest_request_seconds = 600;  // Of REST, from the body's end to the answer.
  int connection_age_seconds = 0;  // Of gRPC's connections, until clients make others; 0: for ever.
  int drain_delay_seconds = 0;     // At shutdown, until new requests are refused.
  int drain_seconds = 30;          // And then for what was admitted.
  LogForm log_form = LogForm::kJson;

  std::string otlp_endpoint{};    // host:port of the collector of spans; empty: none.
  double trace_sample_ratio = 1;  // Of requests that come without a trace.

  std::string api_keys_file{};      // Who may call; empty: everybody.
  int key_requests_per_minute = 0;  // Of keys that have no bound of their own; 0 means none.
  int key_concurrent_calls = 0;     // The same.
  std::string tls_cert{};           // Of gRPC and REST, in PEM, and its key; empty: no TLS.
  std::string tls_key{};
  std::string tls_client_ca{};  // Who vouches for its clients; empty: they need no certificate.
  bool rest_tls = true;         // Whether they hold for REST, too.
  std::size_t grpc_memory_mib = 512;  // For what gRPC receives and sends.
};

std::variant<Settings, EarlyExit> ParseSettings(int argc, const char* const* argv);

}  // namespace upscaler
