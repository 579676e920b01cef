// upscaler-server: see --help.

#include <csignal>
#include <iostream>
#include <memory>
#include <string>
#include <variant>

#include <absl/status/statusor.h>
#include <google/protobuf/stubs/logging.h>

#include "server/server.h"
#include "server/settings.h"
#include "telemetry/log.h"

namespace {

// The signals that ask the server to end. Blocked in every thread, since it is
// done before there are others, and taken by AwaitEndSignal.
sigset_t BlockEndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// Returns at the first signal; the next one ends the process by its default.
void AwaitEndSignal(const sigset_t& signals) {
  int signal = 0;
  sigwait(&signals, &signal);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  const auto parsed = upscaler::ParseSettings(argc, argv);
  if (const auto* exit = std::get_if<upscaler::EarlyExit>(&parsed)) {
    (exit->code == 0 ? std::cout : std::cerr) << exit->text;
    return exit->code;
  }
  const auto& settings = std::get<upscaler::Settings>(parsed);
  // Protobuf would write about bad messages between the log's lines.
  google::protobuf::SetLogHandler(nullptr);
  const sigset_t signals = BlockEndSignals();
  upscaler::Logger logger(settings.log_form, std::cerr);
  const absl::StatusOr<std::unique_ptr<upscaler::Server>> server =
      upscaler::Server::Start(settings, logger);
  if (!server.ok()) {
    logger.Error("cannot start", {{"error", std::string(server.status().message())}});
    return 1;
  }
  AwaitEndSignal(signals);
  (*server)->Drain();
  return 0;
}
