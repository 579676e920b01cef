// What was typed after `upscaler-probe`.

#pragma once

#include <chrono>
#include <string>
#include <variant>

#include "client/channel.h"
#include "common/early_exit.h"

namespace upscaler {

struct ProbeSettings {
  ChannelOptions server{.proxy = false};  // It is asked from within its container.
  std::string service{};                  // Empty: the server as a whole, which is readiness.
  std::chrono::milliseconds timeout{5'000};
};

std::variant<ProbeSettings, EarlyExit> ParseProbeSettings(int argc, const char* const* argv);

}  // namespace upscaler
