#include "server/run_server.h"

#include <cstdlib>
#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/clock.h"
#include "common/open_files.h"
#include "server/server.h"

namespace upscaler {

int RunServer(const Settings& settings, EngineSource& engines, EndSignals& signals,
              Logger& logger) {
  RaiseOpenFileLimit();
  const SteadyClock clock;
  const absl::StatusOr<std::unique_ptr<Server>> server = Server::Open(settings, clock, logger);
  const absl::Status loaded = server.ok() ? (*server)->Load(engines) : server.status();
  signals.BeginService();
  if (!loaded.ok()) {
    logger.Error("cannot start", {{"error", std::string(loaded.message())}});
    return 1;
  }
  signals.Await();
  const absl::Status drained = (*server)->Drain();
  if (!drained.ok()) {
    logger.Error("cannot end in order", {{"error", std::string(drained.message())}});
    std::_Exit(1);
  }
  return 0;
}

}  // namespace upscaler
