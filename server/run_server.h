// A server's life, from its settings to the process's exit code.

#pragma once

#include "common/end_signals.h"
#include "server/settings.h"
#include "telemetry/log.h"
#include "worker/scheduler/engine.h"

namespace upscaler {

// Serves until a signal asks for the end, and returns what --help says of exit codes.
// Does not return where a device hangs: the process then ends at once, with 1.
int RunServer(const Settings& settings, EngineSource& engines, EndSignals& signals, Logger& logger);

}  // namespace upscaler
