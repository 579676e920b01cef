// What is asked of the worker, what it answers, and who hears of it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "common/clock.h"
#include "worker/imaging/codec.h"
#include "worker/queue/reply.h"
#include "worker/scheduler/observer.h"

namespace upscaler {

// One request, complete and in range: who makes it has validated it.
struct UpscaleTask {
  std::string encoded_image;
  std::string prompt;
  std::string negative_prompt;
  double guidance_scale = 7.5;
  int steps = 25;
  std::uint64_t seed = 0;  // Of the first picture; picture i has seed + i.
  int image_count = 1;
  EncodeOptions output{};
  TimePoint deadline = TimePoint::max();
};

struct PictureSize {
  int width = 0;
  int height = 0;
};

struct UpscaledPicture {
  std::string encoded;
  PictureSize size;
  std::uint64_t seed = 0;
};

struct UpscaleOutcome {
  std::vector<UpscaledPicture> pictures;  // image_count of them, in order.
  std::vector<std::string> warnings;
  RowTimings timings;  // Of the slowest picture, part by part.
  TimePoint::duration total{};
};

struct JobProgress {
  Stage stage = Stage::kVaeEncode;
  int steps_done = 0;   // Over all pictures of the request.
  int total_steps = 0;  // Over all pictures of the request.
};

// Hears about one request, on the worker's threads: OnQueued at most once and
// first, OnDone exactly once and last, OnProgress between them and, where the
// request has several pictures, from several threads at a time. Must not block
// and must not throw.
class JobListener {
 public:
  virtual ~JobListener() = default;

  // The picture was read and has its place; `rows_ahead` wait before it.
  virtual void OnQueued(PictureSize input, std::size_t rows_ahead) = 0;
  virtual void OnProgress(const JobProgress& progress) = 0;
  virtual void OnDone(absl::StatusOr<UpscaleOutcome> outcome) = 0;
};

}  // namespace upscaler
