// upscaler-server: see --help.

#include <algorithm>
#include <cstddef>
#include <iostream>
#include <string>
#include <variant>

#include <google/protobuf/stubs/logging.h>

#include "common/clock.h"
#include "common/end_signals.h"
#include "server/run_server.h"
#include "server/settings.h"
#include "telemetry/log.h"
#include "worker/engine/torch_engines.h"

int main(int argc, char** argv) {
  upscaler::EndSignals signals;  // Before there are other threads.
  const auto parsed = upscaler::ParseSettings(argc, argv);
  if (const auto* exit = std::get_if<upscaler::EarlyExit>(&parsed)) {
    (exit->code == 0 ? std::cout : std::cerr) << exit->text;
    return exit->code;
  }
  const auto& settings = std::get<upscaler::Settings>(parsed);
  // Protobuf would write about bad messages between the log's lines.
  google::protobuf::SetLogHandler(nullptr);
  upscaler::Logger logger(settings.log_form, std::cerr);
  upscaler::SteadyClock clock;
  upscaler::TorchEngines engines(
      {.model = settings.model,
       .weights_variant = settings.weights_variant,
       .dtype = settings.dtype,
       .threads = settings.model_threads,
       .cpu_replicas = static_cast<int>(std::ranges::count(settings.devices, "cpu")),
       .text_cache_bytes = settings.text_cache_mib << 20,
       .cuda_graphs = settings.cuda_graphs,
       .warn =
           [&logger](const std::string& reason) {
             logger.Warning("slower than it could be", {{"reason", reason}});
           }},
      clock);
  return upscaler::RunServer(settings, engines, signals, logger);
}
