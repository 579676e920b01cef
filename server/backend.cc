#include "server/backend.h"

#include <utility>

namespace upscaler {

Backend::Backend(const Settings& settings, const Surroundings& surroundings, LoadedEngines loaded)
    : queue_(surroundings.queue),
      costs_(std::move(loaded.costs)),
      scheduler_{.queue = surroundings.queue,
                 .costs = *costs_,
                 .clock = surroundings.clock,
                 .observer = surroundings.observer},
      replicas_(scheduler_, surroundings.engines, settings.devices, std::move(loaded.engines),
                {.batching = settings.batching}),
      upscaler_({.rules = {.sides = loaded.sides,
                           .latents = loaded.latents,
                           .limits = {.max_pixels = settings.max_input_pixels},
                           .memory = std::move(loaded.memory)},
                 .replicas = [this] { return replicas_.serving(); }},
                surroundings.admission, scheduler_, surroundings.image_pool) {}

Backend::~Backend() {
  upscaler_.AwaitIdle(TimePoint::max());
  queue_.Close();  // Replicas leave.
}

}  // namespace upscaler
