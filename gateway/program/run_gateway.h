// The gateway's life, from its settings to the process's exit code.

#pragma once

#include "common/end_signals.h"
#include "gateway/program/gateway_settings.h"
#include "telemetry/log.h"

namespace upscaler {

// Serves until a signal asks for the end, and returns what --help says of exit codes.
int RunGateway(const GatewaySettings& settings, EndSignals& signals, Logger& logger);

}  // namespace upscaler
