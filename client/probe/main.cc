// upscaler-probe: see --help.

#include <cstdlib>
#include <iostream>
#include <variant>

#include "client/channel.h"
#include "client/probe/ask_health.h"
#include "client/probe/probe_settings.h"

int main(int argc, char** argv) {
  const auto parsed = upscaler::ParseProbeSettings(argc, argv);
  if (const auto* exit = std::get_if<upscaler::EarlyExit>(&parsed)) {
    (exit->code == 0 ? std::cout : std::cerr) << exit->text;
    return exit->code;
  }
  const auto& settings = std::get<upscaler::ProbeSettings>(parsed);
  // gRPC would write about failed handshakes besides our one line.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  const auto channel = upscaler::MakeChannel(settings.server);
  if (!channel.ok()) {
    std::cerr << "upscaler-probe: " << channel.status().message() << "\n";
    return 2;
  }
  const upscaler::HealthAnswer answer =
      upscaler::AskHealth(*channel, settings.service, settings.timeout);
  (answer.health == upscaler::Health::kServing ? std::cout : std::cerr)
      << "upscaler-probe: " << settings.server.target << ": " << answer.text << "\n";
  return static_cast<int>(answer.health);
}
