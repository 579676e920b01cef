// What a request will take, and whether the service takes it on: known from the header of
// its picture alone, before memory is taken for pixels.

#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/clock.h"
#include "worker/imaging/decode.h"
#include "worker/imaging/latents.h"
#include "worker/imaging/padding.h"
#include "worker/queue/row.h"
#include "worker/scheduler/cost_model.h"
#include "worker/upscale_task.h"

namespace upscaler {

// What the device's memory allows.
struct MemoryLimit {
  // Bytes that a row, or a tile of one, takes at its peak. Thread-safe.
  std::function<std::int64_t(const BatchKey&)> row_bytes = [](const BatchKey&) { return 0; };
  // Bytes that there are for rows.
  std::int64_t bytes = std::numeric_limits<std::int64_t>::max();
};

// When pictures are done in tiles, unless their request says so.
struct TilingRule {
  std::int64_t max_whole_pixels = std::int64_t{1} << 20;  // Larger ones are.
  int side = 512;  // Of their tiles, in pixels; smaller where the device's memory asks for it.
};

// What decides whether a request is taken on.
struct RequestRules {
  SideRule sides;         // The model's.
  LatentsRule latents{};  // The model's.
  DecodeLimits limits{};
  MemoryLimit memory{};
  TilingRule tiling{};
};

// One run of the model, which doubles a picture's sides.
struct ModelRun {
  BatchKey key;       // Of each of its rows.
  int tile_side = 0;  // See RowSpec.
  int tiles = 1;
  TimePoint::duration work{};      // Of one row alone; 0 where nothing is known.
  TimePoint::duration decoding{};  // The last part of it.
  bool work_is_guess = true;       // Scaled from pictures of another size.
  std::int64_t device_bytes = 0;   // Of one row at its peak.
};

// A request that is taken on, as far as its size tells.
struct RequestPlan {
  PictureSize input;            // That is upscaled.
  std::vector<ModelRun> runs;   // One after the other: each goes on from the latents of the last.
  std::int64_t host_bytes = 0;  // Of the request, beside its encoded input.

  // Of all runs of one picture alone.
  TimePoint::duration work() const;
  bool work_is_guess() const;
  std::int64_t device_bytes() const;  // At the most.
};

// The plan for a task whose picture, before it is resized, or whose latents' picture has the
// header `came`. kInvalidArgument naming the field, or kResourceExhausted with reason
// OUT_OF_MEMORY, when it is too large.
absl::StatusOr<RequestPlan> PlanRequest(const RequestRules& rules, const CostModel& costs,
                                        const UpscaleTask& task, const PictureHeader& came);

// The sides of the latents of a picture.
PictureSize LatentsSizeOf(PictureSize picture, const LatentsRule& rule);

}  // namespace upscaler
