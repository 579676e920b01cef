#include "worker/queue/row.h"

#include <algorithm>

#include "common/error_details.h"

namespace upscaler {
namespace {

// The part of `whole` that the passes left are of all, rounded down. In two parts, because
// nanoseconds times the passes of a large picture are more than 64 bits hold.
TimePoint::duration PartLeft(TimePoint::duration whole, const Row& row, const RowCourse& course) {
  const std::int64_t passes = std::int64_t{row.spec.steps} * course.tiles;
  const std::int64_t left =
      passes - std::int64_t{course.steps_done} * course.tiles - course.tiles_done;
  return whole / passes * left + whole % passes * left / passes;
}

}  // namespace

BatchKey BatchKeyOf(const RowSpec& spec) {
  const bool pixels = spec.picture != nullptr;
  return BatchKeyOf(pixels ? spec.picture->width : spec.latents->picture_width(),
                    pixels ? spec.picture->height : spec.latents->picture_height(), spec.tile_side,
                    spec.guidance_scale);
}

BatchKey BatchKeyOf(int width, int height, int tile_side, double guidance_scale) {
  const auto side = [&](int whole) { return tile_side == 0 ? whole : std::min(whole, tile_side); };
  return {.width = side(width), .height = side(height), .guided = guidance_scale > 1.0};
}

TimePoint::duration WorkLeft(const Row& row, const RowCourse& course) {
  return PartLeft(row.work, row, course);
}

TimePoint::duration TimeLeft(const Row& row, const RowCourse& course) {
  return PartLeft(row.work - row.decoding, row, course) + row.decoding;
}

bool WantsPreview(const RowSpec& spec, int steps_done) {
  if (steps_done >= spec.steps) return false;
  const auto due = [&](int steps) { return steps * (spec.preview_count + 1) / spec.steps; };
  return due(steps_done) > due(steps_done - 1);
}

std::optional<absl::Status> DepartureOf(const Row& row, TimePoint now) {
  return DepartureOf(*row.cancel, row.deadline, now);
}

std::optional<absl::Status> DepartureOf(const CancelToken& cancel, TimePoint deadline,
                                        TimePoint now) {
  if (cancel.cancelled()) return cancel.status();
  if (deadline <= now) {
    return WithReason(absl::DeadlineExceededError("the deadline has passed"), "DEADLINE_PASSED");
  }
  return std::nullopt;
}

}  // namespace upscaler
