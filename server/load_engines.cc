#include "server/load_engines.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/status_macros.h"
#include "server/memory_table.h"
#include "worker/queue/row.h"
#include "worker/scheduler/warm_up.h"

namespace upscaler {
namespace {

// The largest tile that a request may ask for, in pixels: beyond it the table goes on evenly.
constexpr std::int64_t kLargestTile = std::int64_t{4096} * 4096;

// The largest picture that is done as a whole, in pixels.
std::int64_t LargestWhole(const Settings& settings) {
  return std::min(settings.max_input_pixels, settings.max_whole_pixels);
}

double Seconds(TimePoint::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// What a step of a square takes and how many of them are worth sharing one, for the sizes
// that were measured.
nlohmann::json Describe(const CostModel& costs, const Settings& settings, int smallest) {
  nlohmann::json sizes;
  for (std::int64_t side = smallest; side * side <= LargestWhole(settings); side *= 2) {
    const BatchKey key = {
        .width = static_cast<int>(side), .height = static_cast<int>(side), .guided = true};
    if (!costs.Knows(key)) continue;
    sizes[fmt::format("{}x{}", side, side)] = {
        {"step_seconds", Seconds(costs.StepTime(key, /*rows=*/1))},
        {"batch_cap", costs.BatchCap(key)}};
  }
  return sizes;
}

absl::Status Measure(const Settings& settings, Engine& engine, const std::string& device,
                     const Clock& clock, CostModel& costs, Logger& logger) {
  const TimePoint start = clock.Now();
  const auto budget = std::chrono::duration_cast<TimePoint::duration>(
      std::chrono::duration<double>(settings.warm_up_seconds));
  UPSCALER_RETURN_IF_ERROR(
      MeasureCosts(engine, {.max_pixels = LargestWhole(settings), .budget = budget}, clock, costs));
  logger.Info("measured the model",
              {{"device", device},
               {"seconds", Seconds(clock.Now() - start)},
               {"pictures", Describe(costs, settings, engine.sides().minimum)}});
  return absl::OkStatus();
}

// Notes what the model asks of pictures and takes for them, which every engine of it knows.
void NoteModel(const Engine& engine, const Settings& settings, LoadedEngines& loaded) {
  loaded.sides = engine.sides();
  loaded.latents = engine.latents();
  MemoryTable table(engine, std::min(kLargestTile, settings.max_input_pixels));
  loaded.memory.row_bytes = [table = std::move(table)](const BatchKey& key) {
    return table.BytesOf(key);
  };
}

// What is free on a device is shared by its replicas. A device that cannot say what is
// free sets no limit.
std::int64_t BytesForRows(const Settings& settings,
                          const std::vector<std::unique_ptr<Engine>>& engines) {
  std::int64_t least = MemoryLimit{}.bytes;
  for (std::size_t i = 0; i < engines.size(); ++i) {
    const std::int64_t free = engines[i]->FreeBytes();
    const auto sharers = std::ranges::count(settings.devices, settings.devices[i]);
    if (free > 0) least = std::min(least, free / sharers);
  }
  return least;
}

absl::StatusOr<LoadedEngines> LoadHere(const Settings& settings, EngineSource& source,
                                       const Clock& clock, Logger& logger) {
  LoadedEngines loaded{.engines = {},
                       .costs = std::make_unique<CostModel>(settings.max_batch),
                       .sides = {},
                       .latents = {},
                       .memory = {}};
  for (auto device = settings.devices.begin(); device != settings.devices.end(); ++device) {
    logger.Info("loading the model", {{"model", settings.model}, {"device", *device}});
    const TimePoint start = clock.Now();
    UPSCALER_ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, source.Make(*device));
    logger.Info("the model is loaded",
                {{"device", *device}, {"seconds", Seconds(clock.Now() - start)}});
    loaded.engines.push_back(std::move(engine));
    if (device == settings.devices.begin()) NoteModel(*loaded.engines.front(), settings, loaded);
    // Before batches are tried: on a CPU nothing else says that one does not fit.
    loaded.memory.bytes = BytesForRows(settings, loaded.engines);
    loaded.costs->LimitMemory(loaded.memory.row_bytes, loaded.memory.bytes);
    if (std::find(settings.devices.begin(), device, *device) == device) {
      UPSCALER_RETURN_IF_ERROR(
          Measure(settings, *loaded.engines.back(), *device, clock, *loaded.costs, logger));
    }
  }
  return loaded;
}

}  // namespace

absl::StatusOr<LoadedEngines> LoadEngines(const Settings& settings, EngineSource& source,
                                          const Clock& clock, Logger& logger) {
  // On a thread of its own: those that OpenMP has brought for it end with it. See
  // Engine::wants_one_thread.
  absl::StatusOr<LoadedEngines> loaded;
  std::jthread([&] { loaded = LoadHere(settings, source, clock, logger); }).join();
  return loaded;
}

}  // namespace upscaler
