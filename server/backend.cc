#include "server/backend.h"

#include <utility>

namespace upscaler {

namespace {

Upscaler::Options OptionsOf(const Settings& settings, LoadedEngines& loaded,
                            const ReplicaPool& replicas, std::function<ServiceFacts()> service) {
  Upscaler::Options options;
  options.rules.sides = loaded.sides;
  options.rules.latents = loaded.latents;
  options.rules.limits.max_pixels = settings.max_input_pixels;
  options.rules.memory = std::move(loaded.memory);
  options.rules.tiling = {.max_whole_pixels = settings.max_whole_pixels,
                          .side = settings.tile_size};
  options.replicas = [&replicas] { return replicas.serving(); };
  options.service = std::move(service);
  return options;
}

}  // namespace

Backend::Backend(const Settings& settings, const Surroundings& surroundings, LoadedEngines loaded)
    : queue_(surroundings.queue),
      costs_(std::move(loaded.costs)),
      scheduler_{.queue = surroundings.queue,
                 .costs = *costs_,
                 .clock = surroundings.clock,
                 .observer = surroundings.observer},
      replicas_(scheduler_, surroundings.engines, settings.devices, std::move(loaded.engines),
                {.batching = settings.batching}),
      // One a replica: whoever writes a picture in bands waits for its device most of the time.
      band_pool_(settings.devices.size()),
      upscaler_(OptionsOf(settings, loaded, replicas_, surroundings.service),
                surroundings.admission, scheduler_,
                {.images = surroundings.image_pool, .bands = band_pool_}) {}

Backend::~Backend() {
  upscaler_.AwaitIdle(TimePoint::max());
  queue_.Close();  // Replicas leave.
}

}  // namespace upscaler
