// upscaler-delay-server: the real server around an engine without a model, which takes as
// long as it is told to and fails when it is told to. Benchmarks measure the service with
// it, and tests see from outside what becomes of a device that hangs.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>

#include <CLI/CLI.hpp>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/end_signals.h"
#include "server/run_server.h"
#include "server/settings.h"
#include "telemetry/log.h"
#include "tests/support/delay_engines.h"
#include "tests/support/engine_script.h"
#include "worker/imaging/padding.h"
#include "worker/scheduler/engine.h"

namespace upscaler {
namespace {

// As many models have it.
constexpr SideRule kSides{.multiple = 16, .minimum = 16};

struct Delays {
  double load_ms = 0;
  double encode_ms = 0;
  double step_ms = 0;
  double step_ms_per_row = 0;
  double decode_ms = 0;
  std::optional<std::uint64_t> hang_seed;
  std::optional<std::uint64_t> break_seed;
  std::optional<std::int64_t> most_pixels;
};

constexpr const char* kHelp = R"(The server around an engine without a model.

  --load-ms            how long an engine takes to be made
  --encode-ms          ... a row to be taken in
  --step-ms            ... a step, and for each of its rows
  --step-ms-per-row    so much more
  --decode-ms          ... a row to be decoded
  --hang-seed          the first step of a row with this seed hangs
  --break-seed         ... breaks the engine, once
  --most-pixels        larger pictures find no memory

All other options are those of upscaler-server:

)";

// Reads the delays and leaves the other arguments.
std::optional<Delays> ReadDelays(int argc, char** argv, std::vector<std::string>& others) {
  Delays delays;
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  app.add_option("--load-ms", delays.load_ms);
  app.add_option("--encode-ms", delays.encode_ms);
  app.add_option("--step-ms", delays.step_ms);
  app.add_option("--step-ms-per-row", delays.step_ms_per_row);
  app.add_option("--decode-ms", delays.decode_ms);
  app.add_option("--hang-seed", delays.hang_seed);
  app.add_option("--break-seed", delays.break_seed);
  app.add_option("--most-pixels", delays.most_pixels);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return std::nullopt;
  }
  others = app.remaining();
  return delays;
}

TimePoint::duration Milliseconds(double count) {
  return std::chrono::duration_cast<TimePoint::duration>(
      std::chrono::duration<double, std::milli>(count));
}

void Prepare(test::EngineScript& script, const Delays& delays) {
  script.sides = kSides;
  script.pass_time = [](TimePoint::duration time) { std::this_thread::sleep_for(time); };
  script.encode = Milliseconds(delays.encode_ms);
  script.step = [delays](std::size_t rows) {
    return Milliseconds(delays.step_ms + delays.step_ms_per_row * static_cast<double>(rows));
  };
  script.decode = Milliseconds(delays.decode_ms);
  if (delays.hang_seed.has_value()) script.HangPass({.seed = *delays.hang_seed});
  if (delays.break_seed.has_value()) {
    script.FailPass({.seed = *delays.break_seed}, absl::UnavailableError("as told"), /*times=*/1);
  }
  if (delays.most_pixels.has_value()) script.LimitPixels(*delays.most_pixels);
}

// Engines that take a while to be made.
class SlowEngines final : public EngineSource {
 public:
  SlowEngines(test::EngineScript& script, TimePoint::duration delay)
      : engines_(script), delay_(delay) {}

  absl::StatusOr<std::unique_ptr<Engine>> Make(std::string_view device) override {
    std::this_thread::sleep_for(delay_);
    return engines_.Make(device);
  }

  DeviceMemory MemoryOf(std::string_view device) const override {
    return engines_.MemoryOf(device);
  }

 private:
  test::DelayEngines engines_;
  const TimePoint::duration delay_;
};

int Main(int argc, char** argv) {
  EndSignals signals;  // Before there are other threads.
  std::vector<std::string> others;
  const std::optional<Delays> delays = ReadDelays(argc, argv, others);
  if (!delays.has_value()) return 2;
  std::vector<const char*> arguments = {argv[0]};
  for (const std::string& other : others) arguments.push_back(other.c_str());
  const auto parsed = ParseSettings(static_cast<int>(arguments.size()), arguments.data());
  if (const auto* exit = std::get_if<EarlyExit>(&parsed)) {
    (exit->code == 0 ? std::cout : std::cerr) << kHelp << exit->text;
    return exit->code;
  }
  const auto& settings = std::get<Settings>(parsed);
  Logger logger(settings.log_form, std::cerr);
  test::EngineScript script;
  Prepare(script, *delays);
  SlowEngines engines(script, Milliseconds(delays->load_ms));
  return RunServer(settings, engines, signals, logger);
}

}  // namespace
}  // namespace upscaler

int main(int argc, char** argv) { return upscaler::Main(argc, argv); }
