#include "gateway/program/run_gateway.h"

#include <memory>
#include <string>

#include <absl/status/statusor.h>

#include "common/clock.h"
#include "common/open_files.h"
#include "gateway/program/gateway_program.h"

namespace upscaler {

int RunGateway(const GatewaySettings& settings, EndSignals& signals, Logger& logger) {
  RaiseOpenFileLimit();
  const SteadyClock clock;
  const absl::StatusOr<std::unique_ptr<GatewayProgram>> program =
      GatewayProgram::Open(settings, clock, logger);
  signals.BeginService();
  if (!program.ok()) {
    logger.Error("cannot start", {{"error", std::string(program.status().message())}});
    return 1;
  }
  signals.Await();
  (*program)->Drain();
  return 0;
}

}  // namespace upscaler
