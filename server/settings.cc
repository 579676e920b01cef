#include "server/settings.h"

#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/command_line.h"
#include "common/host_port.h"
#include "common/version.h"
#include "gateway/cors.h"
#include "server/access/api_keys.h"
#include "worker/scheduler/cost_model.h"

namespace upscaler {
namespace {

constexpr const char* kFooter = R"(
Each option can also be set by the environment variable named beside it, or in the
file given with --config (TOML: queue-capacity = 64). Flags win over variables,
variables over the file.

At SIGTERM or SIGINT the server says that it is not ready and goes on serving for
--drain-delay-seconds. Then it refuses new requests, finishes those it has admitted,
cancels what is left after --drain-seconds, and exits with 0. A second signal ends it
at once.

Exit codes: 0 ended as asked; 1 could not start, or hangs at the end (the reason is on
standard error); 2 the command line is wrong; 130 or 143 ended by a second signal.)";

// What a host's name or address is written with.
constexpr const char* kHost = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

// The last part of a path, whether or not it ends in a slash.
std::string FolderName(const std::string& path) {
  const std::filesystem::path normal = std::filesystem::path(path).lexically_normal();
  return (normal.has_filename() ? normal : normal.parent_path()).filename().string();
}

void DescribeModel(CLI::App& app, Settings& settings) {
  Add(app, "model", settings.model, "Folder of the model, as published (diffusers layout)");
  Add(app, "model-name", settings.model_name, "What clients call the model [the folder's name]");
  Add(app, "weights-variant", settings.weights_variant,
      "Take the weights' files of this variant, such as fp16");
  Add(app, "devices", settings.devices,
      "Devices, one replica each: cpu, cuda:0, ...; one named twice has two")
      ->delimiter(',');
  Add(app, "dtype", settings.dtype, "What the model computes in")
      ->check(CLI::IsMember({"float32", "float16"}));
  Add(app, "model-threads", settings.model_threads,
      "CPU threads of the model, per replica; 0 divides the cores that the process may use among "
      "the CPU replicas")
      ->check(CLI::Range(0, 1024));
  Add(app, "cuda-graphs", settings.cuda_graphs,
      "CUDA graphs that a replica on a GPU keeps, one for each size of a batch: small pictures are "
      "faster, and memory is kept; 0 makes none. Not tried on a device yet")
      ->check(CLI::Range(0, 64));
  Add(app, "text-cache-mib", settings.text_cache_mib,
      "Memory of a device for prompts that were read lately, in MiB")
      ->check(CLI::Range(0, 1 << 20));
  Add(app, "warm-up-seconds", settings.warm_up_seconds,
      "How long to measure, at the start, what pictures cost on a device")
      ->check(NumberIn(0, 3600));
}

void DescribeJobs(CLI::App& app, Settings& settings) {
  Add(app, "job-dir", settings.job_dir,
      "Folder of the jobs, which are found again after a restart; one server has it at a time [in "
      "memory]");
  Add(app, "job-ttl-seconds", settings.job_ttl_seconds,
      "How long a job that has ended is kept, with its pictures")
      ->check(CLI::Range(1, 30 * 86'400));
  Add(app, "job-mib", settings.job_mib,
      "Memory, or disk, for jobs that have ended, in MiB; when it is used up the oldest of them go")
      ->check(CLI::Range(1, 1 << 24));
  Add(app, "max-jobs", settings.max_jobs,
      "Jobs at a time; where there are more, the oldest that have ended go")
      ->check(CLI::Range(1, 100'000));
}

void DescribeService(CLI::App& app, Settings& settings) {
  Add(app, "grpc-address", settings.grpc_address, "host:port of gRPC; port 0 means any free one");
  Add(app, "rest-address", settings.rest_address, "host:port of REST");
  Add(app, "rest-connections", settings.rest_connections,
      "Connections of REST at a time; more wait until there are fewer")
      ->check(CLI::Range(1, 1'000'000));
  Add(app, "rest-request-seconds", settings.rest_request_seconds,
      "How long an upscale over REST may take, from the body's end to the answer; jobs may take "
      "as long as they like")
      ->check(CLI::Range(1, 86'400));
  Add(app, "admin-address", settings.admin_address, "host:port of /metrics");
  Add(app, "cors-origins", settings.cors_origins,
      "Origins of the web pages that may call REST, such as https://shop.example; * means all, "
      "none means none: browsers then get no leave, preflights an empty 204")
      ->delimiter(',');

  Add(app, "queue-capacity", settings.queue_capacity,
      "Pictures admitted at once, waiting or in work; more are refused")
      ->check(CLI::Range(1, 1'000'000));
  Add(app, "queue-mib", settings.queue_mib, "Memory for the pictures admitted, in MiB")
      ->check(CLI::Range(1, 1 << 20));
  AddChoice(app, "batching", settings.batching,
            {{"fill", Batching::kFill},
             {"same_prompt", Batching::kSamePrompt},
             {"none", Batching::kNone}},
            "Which pictures share a step: those of one size, those of one prompt first (fill); "
            "those of one size and one prompt (same_prompt); none");
  Add(app, "max-batch", settings.max_batch,
      "Pictures that share one step of a replica at most; fewer where more do not pay")
      ->check(CLI::Range(1, static_cast<int>(CostModel::kMaxBatch)));
  Add(app, "image-threads", settings.image_threads, "Threads that decode and encode pictures")
      ->check(CLI::Range(1, 1024));
  Add(app, "max-input-pixels", settings.max_input_pixels, "Largest picture taken, width x height")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 30));
  Add(app, "max-whole-pixels", settings.max_whole_pixels,
      "Largest picture done as a whole, width x height; larger ones, and those that the device has "
      "no memory for, are done in tiles, which bounds their memory")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 30));
  Add(app, "tile-size", settings.tile_size,
      "Side of these tiles in pixels of the input, rounded up to what the model takes; a request "
      "may ask for others")
      ->check(CLI::Range(64, 4096));
  Add(app, "max-upload-mib", settings.max_upload_mib,
      "Largest encoded picture taken, in MiB; of gRPC's Upscale, whose pictures come in one "
      "message, somewhat less than 64 in any case")
      ->check(CLI::Range(1, 1024));
  Add(app, "uploads-mib", settings.uploads_mib,
      "Memory for pictures that are arriving, all together, in MiB")
      ->check(CLI::Range(1, 1 << 20));
  Add(app, "stall-seconds", settings.stall_seconds,
      "How long a client may take to send 64 KiB, or to take as much of REST or a message of gRPC")
      ->check(CLI::Range(1, 86'400));
  Add(app, "connection-age-seconds", settings.connection_age_seconds,
      "After about so long clients of gRPC are told to connect anew, so that new servers behind a "
      "balancer get their share; calls that are open go on. 0 means never")
      ->check(CLI::Range(0, 86'400));
  Add(app, "drain-delay-seconds", settings.drain_delay_seconds,
      "At shutdown, how long new requests are taken: until a load balancer has heard of it")
      ->check(CLI::Range(0, 86'400));
  Add(app, "drain-seconds", settings.drain_seconds,
      "At shutdown, how long admitted requests may take after that")
      ->check(CLI::Range(0, 86'400));
  AddChoice(app, "log-format", settings.log_form,
            {{"json", LogForm::kJson}, {"text", LogForm::kText}},
            "json for machines, text for people");
}

void DescribeTraces(CLI::App& app, Settings& settings) {
  Add(app, "otlp-endpoint", settings.otlp_endpoint,
      "host:port of an OpenTelemetry collector that takes spans by OTLP over gRPC, without TLS "
      "[no spans]");
  Add(app, "trace-sample-ratio", settings.trace_sample_ratio,
      "Share of the requests without a traceparent that are traced; those with one say so "
      "themselves")
      ->check(NumberIn(0, 1));
}

void DescribeAccess(CLI::App& app, Settings& settings) {
  Add(app, "api-keys-file", settings.api_keys_file,
      "File of who may call, a line each: name key [requests_per_minute=N] [concurrent=N]; the "
      "key as it is, or sha256:DIGEST. Read again when it changes [everybody may call]");
  Add(app, "key-requests-per-minute", settings.key_requests_per_minute,
      "Upscales a minute of a key that has no bound in the file; a tenth of them may come at once. "
      "0 means no bound")
      ->check(CLI::Range(0, ApiKeys::kMaxBound));
  Add(app, "key-concurrent-calls", settings.key_concurrent_calls,
      "Upscales at a time of a key that has no bound in the file; 0 means no bound")
      ->check(CLI::Range(0, ApiKeys::kMaxBound));
  Add(app, "tls-cert", settings.tls_cert,
      "Certificate of gRPC and REST and those that vouch for it, in PEM; read again every "
      "minute, as the two below [no TLS]");
  Add(app, "tls-key", settings.tls_key, "Its private key, in PEM, not encrypted");
  Add(app, "tls-client-ca", settings.tls_client_ca,
      "Certificates in PEM that vouch for clients, which then need one; REST's /livez and /readyz "
      "go without, for probes");
  AddChoice(app, "rest-tls", settings.rest_tls, {{"auto", true}, {"off", false}},
            "Whether REST speaks TLS: as gRPC does (auto), or not, behind a proxy of this machine "
            "(off). /metrics never does");
  Add(app, "grpc-memory-mib", settings.grpc_memory_mib,
      "Memory for what gRPC receives and sends, in MiB; a request in one message may be 64 MiB")
      ->check(CLI::Range(128, 1 << 20));
}

// Whether a collector can be there. What else gRPC would take, such as a path of a socket, is
// taken for a slip.
bool IsEndpoint(const std::string& text) {
  const std::optional<HostPort> address = ParseHostPort(text);
  if (!address.has_value() || address->port == 0) return false;
  const bool bracketed = address->host.starts_with('[') && address->host.ends_with(']');
  return !address->host.empty() &&
         BareHost(address->host)
                 .find_first_not_of(bracketed ? "0123456789abcdefABCDEF:." : kHost) ==
             std::string::npos;
}

// What is wrong with settings that are fine each by itself, if anything.
std::optional<std::string> Contradiction(const Settings& settings) {
  if (settings.tls_cert.empty() != settings.tls_key.empty()) {
    return "--tls-cert and --tls-key need one another";
  }
  if (settings.tls_cert.empty() && !settings.tls_client_ca.empty()) {
    return "--tls-client-ca needs --tls-cert and --tls-key";
  }
  if (const absl::Status cors = Cors::Parse(settings.cors_origins).status(); !cors.ok()) {
    return fmt::format("--cors-origins: {}", std::string(cors.message()));
  }
  if (settings.uploads_mib < settings.max_upload_mib) {
    return "--uploads-mib must be at least --max-upload-mib, or large pictures could never arrive";
  }
  if (!settings.otlp_endpoint.empty() && !IsEndpoint(settings.otlp_endpoint)) {
    return fmt::format("--otlp-endpoint: '{}' given; host:port is wanted", settings.otlp_endpoint);
  }
  if (settings.api_keys_file.empty() &&
      (settings.key_requests_per_minute > 0 || settings.key_concurrent_calls > 0)) {
    return "--key-requests-per-minute and --key-concurrent-calls need --api-keys-file";
  }
  return std::nullopt;
}

}  // namespace

std::variant<Settings, EarlyExit> ParseSettings(int argc, const char* const* argv) {
  Settings settings;
  settings.model = UPSCALER_DEFAULT_MODEL;
  CLI::App app("Serves an upscaler that doubles the resolution of pictures, by gRPC and REST.",
               "upscaler-server");
  app.set_version_flag("--version", fmt::format("upscaler-server {}", kVersion));
  app.footer(kFooter);
  DescribeModel(app, settings);
  DescribeService(app, settings);
  DescribeTraces(app, settings);
  DescribeAccess(app, settings);
  DescribeJobs(app, settings);
  if (auto exit = ParseCommandLine(app, argc, argv)) return *std::move(exit);
  if (const auto problem = Contradiction(settings)) return Mistake(*problem);
  if (settings.model_name.empty()) settings.model_name = FolderName(settings.model);
  return settings;
}

}  // namespace upscaler
