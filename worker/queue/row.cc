#include "worker/queue/row.h"

namespace upscaler {

BatchKey BatchKeyOf(const RowSpec& spec) {
  const bool pixels = spec.picture != nullptr;
  return {.width = pixels ? spec.picture->width : spec.latents->picture_width(),
          .height = pixels ? spec.picture->height : spec.latents->picture_height(),
          .guided = spec.guidance_scale > 1.0};
}

TimePoint::duration WorkLeft(const Row& row, int steps_done) {
  return row.work * (row.spec.steps - steps_done) / row.spec.steps;
}

TimePoint::duration TimeLeft(const Row& row, int steps_done) {
  const TimePoint::duration steps = row.work - row.decoding;
  return steps * (row.spec.steps - steps_done) / row.spec.steps + row.decoding;
}

bool WantsPreview(const RowSpec& spec, int steps_done) {
  if (steps_done >= spec.steps) return false;
  const auto due = [&](int steps) { return steps * (spec.preview_count + 1) / spec.steps; };
  return due(steps_done) > due(steps_done - 1);
}

std::optional<absl::Status> DepartureOf(const Row& row, TimePoint now) {
  if (row.cancel->cancelled()) return row.cancel->status();
  if (row.deadline <= now) return absl::DeadlineExceededError("the deadline has passed");
  return std::nullopt;
}

}  // namespace upscaler
