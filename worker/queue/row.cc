#include "worker/queue/row.h"

namespace upscaler {

BatchKey BatchKeyOf(const RowSpec& spec) {
  return {.width = spec.picture->width,
          .height = spec.picture->height,
          .guided = spec.guidance_scale > 1.0};
}

TimePoint::duration WorkLeft(const Row& row, int steps_done) {
  return row.work * (row.spec.steps - steps_done) / row.spec.steps;
}

TimePoint::duration TimeLeft(const Row& row, int steps_done) {
  const TimePoint::duration steps = row.work - row.decoding;
  return steps * (row.spec.steps - steps_done) / row.spec.steps + row.decoding;
}

std::optional<absl::Status> DepartureOf(const Row& row, TimePoint now) {
  if (row.cancel->cancelled()) return absl::CancelledError("the request was cancelled");
  if (row.deadline <= now) return absl::DeadlineExceededError("the deadline has passed");
  return std::nullopt;
}

}  // namespace upscaler
