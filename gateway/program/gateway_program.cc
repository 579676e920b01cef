#include "gateway/program/gateway_program.h"

#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "common/status_macros.h"
#include "common/version.h"
#include "gateway/program/backend_address.h"

namespace upscaler {
namespace {

constexpr std::size_t kBytesPerMib = std::size_t{1} << 20;

// Empty for no file.
absl::StatusOr<std::string> ReadApiKey(const std::string& path) {
  std::string key;
  if (path.empty()) return key;
  std::ifstream file(path);
  if (file >> key) return key;
  return absl::FailedPreconditionError(
      fmt::format("--backend-api-key-file {}: wanted a file with a key", path));
}

ChannelOptions ChannelOf(const GatewaySettings& settings) {
  return {.tls = settings.backend_tls,
          .ca_file = settings.backend_ca,
          .certificate_file = settings.backend_cert,
          .key_file = settings.backend_key,
          .tls_name = settings.backend_tls_name};
}

}  // namespace

absl::StatusOr<std::unique_ptr<GatewayProgram>> GatewayProgram::Open(
    const GatewaySettings& settings, const Clock& clock, Logger& logger) {
  UPSCALER_ASSIGN_OR_RETURN(std::string api_key, ReadApiKey(settings.backend_api_key_file));
  UPSCALER_ASSIGN_OR_RETURN(std::unique_ptr<const Backends> backends,
                            ConnectBackends(settings.backends, ChannelOf(settings)));
  // Not make_unique: the constructor is private.
  std::unique_ptr<GatewayProgram> program(
      new GatewayProgram(settings, clock, logger, std::move(backends), std::move(api_key)));
  UPSCALER_RETURN_IF_ERROR(program->OpenDoors());
  return program;
}

GatewayProgram::GatewayProgram(const GatewaySettings& settings, const Clock& clock, Logger& logger,
                               std::unique_ptr<const Backends> backends, std::string api_key)
    : settings_(settings),
      clock_(clock),
      logger_(logger),
      backends_(std::move(backends)),
      uploads_(static_cast<std::int64_t>(settings.uploads_mib * kBytesPerMib)),
      watch_(*backends_, std::move(api_key), logger_),
      metrics_(std::string(kVersion), [this] {
        return GatewayMetrics::State{.ready = IsReady(),
                                     .open_requests = gateway_->open_requests(),
                                     .upload_bytes = static_cast<std::size_t>(uploads_.taken())};
      }) {}

absl::Status GatewayProgram::OpenDoors() {
  UPSCALER_ASSIGN_OR_RETURN(Cors cors, Cors::Parse(settings_.cors_origins));
  UPSCALER_ASSIGN_OR_RETURN(
      gateway_,
      Gateway::Start(
          {.address = settings_.rest_address,
           .model = [this] { return watch_.model(); },
           .max_upload_bytes = settings_.max_upload_mib * kBytesPerMib,
           .max_connections = settings_.rest_connections,
           .stall_timeout = std::chrono::seconds(settings_.stall_seconds),
           .request_timeout = std::chrono::seconds(settings_.request_seconds),
           .drain_timeout = std::chrono::seconds(settings_.drain_seconds),
           .tls = {.files = {.certificate = settings_.tls_cert,
                             .private_key = settings_.tls_key,
                             .client_ca = settings_.tls_client_ca},
                   .on_reload = [this](const absl::Status& status) { TellReload(status); }},
           .cors = std::move(cors),
           .ready = [this] { return IsReady(); },
           .on_refused = [this](const RefusedRequest& request) { RecordRefused(request); },
           .counts_unsent = true},
          *backends_, uploads_, clock_));
  UPSCALER_ASSIGN_OR_RETURN(admin_, MetricsEndpoint::Start(settings_.admin_address,
                                                           [this] { return metrics_.Collect(); }));
  logger_.Info("listening", {{"rest_port", gateway_->port()}, {"admin_port", admin_->port()}});
  return absl::OkStatus();
}

void GatewayProgram::TellReload(const absl::Status& status) {
  if (status.ok()) {
    logger_.Info("certificates read again");
  } else {
    logger_.Error("certificates not taken up", {{"error", std::string(status.message())}});
  }
}

void GatewayProgram::RecordRefused(const RefusedRequest& request) {
  metrics_.CountRefused(request.status.code());
  Logger::Fields fields = {{"request_id", request.request_id},
                           {"code", absl::StatusCodeToString(request.status.code())},
                           {"seconds", std::chrono::duration<double>(request.took).count()},
                           {"error", std::string(request.status.message())}};
  if (request.trace.has_value()) {
    fields.push_back({"trace_id", std::string(request.trace->trace_id())});
  }
  logger_.Info("request refused", fields);
}

void GatewayProgram::Drain() {
  draining_ = true;
  gateway_->LetClientsGo();
  logger_.Info("draining", {{"delay_seconds", settings_.drain_delay_seconds}});
  // Who sends requests here hears of it only after a while.
  std::this_thread::sleep_for(std::chrono::seconds(settings_.drain_delay_seconds));
  admin_.reset();    // It asks the gateway.
  gateway_.reset();  // Waits for what is open.
  logger_.Info("drained");
}

}  // namespace upscaler
