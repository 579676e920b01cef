// upscaler-gateway: see --help.

#include <cstdlib>
#include <iostream>
#include <variant>

#include <google/protobuf/stubs/logging.h>

#include "common/end_signals.h"
#include "gateway/program/gateway_settings.h"
#include "gateway/program/run_gateway.h"
#include "telemetry/log.h"

int main(int argc, char** argv) {
  upscaler::EndSignals signals;  // Before there are other threads.
  const auto parsed = upscaler::ParseGatewaySettings(argc, argv);
  if (const auto* exit = std::get_if<upscaler::EarlyExit>(&parsed)) {
    (exit->code == 0 ? std::cout : std::cerr) << exit->text;
    return exit->code;
  }
  const auto& settings = std::get<upscaler::GatewaySettings>(parsed);
  // How often gRPC looks at connections that carry no call, in milliseconds. Its own 5000 is
  // how long it would take to notice that an idle backend has become ready, or drains.
  setenv("GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS", "100", /*overwrite=*/0);
  // Protobuf would write about bad messages between the log's lines.
  google::protobuf::SetLogHandler(nullptr);
  upscaler::Logger logger(settings.log_form, std::cerr);
  return upscaler::RunGateway(settings, signals, logger);
}
