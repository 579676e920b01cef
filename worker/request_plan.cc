#include "worker/request_plan.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "common/error_details.h"
#include "common/status_macros.h"
#include "worker/imaging/image_format.h"
#include "worker/imaging/resize.h"
#include "worker/scheduler/picture_memory.h"
#include "worker/tiling/tile_plan.h"

namespace upscaler {
namespace {

// What padding may make of the largest picture allowed.
constexpr std::int64_t kPaddingAllowance = 2;

constexpr int kBitsPerByte = 8;

// No tile is made smaller than so many times what the model needs at least, to fit into a
// device's memory: most of it would be overlap.
constexpr int kLeastTile = 4;

// Tiles are made smaller for pictures so wide that a row of them would take more on the host.
constexpr std::int64_t kMostBandBytes = std::int64_t{1} << 30;

// What FillTransparent holds of a pixel while it works: the picture at half the size, and at half
// of that, and so on, with weights.
constexpr std::int64_t kFillBytes = 6;

// What libwebp and libaom hold of a pixel until the file is written, as they need the whole
// picture: so much more than a JPEG takes `vips copy` for a picture of noise.
constexpr std::int64_t kWebpBytes = 18;
constexpr std::int64_t kLosslessWebpBytes = 32;
constexpr std::int64_t kAvifBytes = 32;

const char* FieldOfInput(const UpscaleTask& task) {
  return task.latents.has_value() ? "latents" : "image";
}

// Of the size that is upscaled.
const char* FieldOfSize(const UpscaleTask& task) {
  return task.resize_to.has_value() ? "resize_to" : FieldOfInput(task);
}

std::int64_t Area(PictureSize size) { return std::int64_t{size.width} * size.height; }

// Pictures' headers are asked as they are decoded; latents have none.
absl::Status CheckPixels(const RequestRules& rules, const char* field, PictureSize size) {
  if (Area(size) <= rules.limits.max_pixels) return absl::OkStatus();
  return WithReason(
      InvalidField(field, fmt::format("{}x{} is {} pixels; at most {} are allowed", size.width,
                                      size.height, Area(size), rules.limits.max_pixels)),
      "TOO_MANY_PIXELS");
}

// The size that is upscaled of a picture that comes with the size `came`.
absl::StatusOr<PictureSize> SizeToUpscale(const RequestRules& rules, const UpscaleTask& task,
                                          PictureSize came) {
  UPSCALER_RETURN_IF_ERROR(CheckPixels(rules, FieldOfInput(task), came));
  if (!task.resize_to.has_value()) return came;
  const PictureSize wanted = *task.resize_to;
  UPSCALER_RETURN_IF_ERROR(CheckPixels(rules, "resize_to", wanted));
  UPSCALER_RETURN_IF_ERROR(CheckResize(came.width, came.height, wanted.width, wanted.height));
  return wanted;
}

// The limit is on the picture before it is continued; a thin one grows.
absl::Status CheckPaddedSize(const RequestRules& rules, const UpscaleTask& task, PictureSize input,
                             PictureSize padded) {
  const std::int64_t least = std::int64_t{rules.sides.minimum} * rules.sides.minimum;
  const std::int64_t allowed = std::max(kPaddingAllowance * rules.limits.max_pixels, least);
  if (Area(padded) <= allowed) return absl::OkStatus();
  return WithReason(
      InvalidField(FieldOfSize(task),
                   fmt::format("{}x{} has to be continued to {}x{} for the model; at "
                               "most {} pixels are allowed then",
                               input.width, input.height, padded.width, padded.height, allowed)),
      "TOO_MANY_PIXELS");
}

BatchKey KeyOf(const UpscaleTask& task, PictureSize picture, int tile_side) {
  return BatchKeyOf(picture.width, picture.height, tile_side, task.guidance_scale);
}

// What is made of a picture in tiles comes a row of tiles at a time, all across: in float32, as
// pixels, and of the next one what both have.
std::int64_t BandBytes(PictureSize padded, int tile_side) {
  constexpr std::int64_t kSampleBytes = 2 * sizeof(float) + sizeof(std::uint16_t);
  const PictureSize band =
      DoubleOf({.width = padded.width, .height = std::min(tile_side, padded.height)});
  return Area(band) * std::int64_t{Image::kChannels} * kSampleBytes;
}

// The side of the tiles for a run on `padded`; 0 where it is done as a whole.
absl::StatusOr<int> TileSideFor(const RequestRules& rules, const UpscaleTask& task,
                                PictureSize padded) {
  const auto bytes_of = [&](int side) { return rules.memory.row_bytes(KeyOf(task, padded, side)); };
  const bool fits_whole = bytes_of(0) <= rules.memory.bytes;
  const bool automatic = task.tile_size == 0;
  if (automatic && fits_whole && Area(padded) <= rules.tiling.max_whole_pixels) return 0;

  int side = PaddedSide(automatic ? rules.tiling.side : task.tile_size, rules.sides);
  const int least = kLeastTile * std::max(rules.sides.multiple, rules.sides.minimum);
  const auto is_too_large = [&] {
    return bytes_of(side) > rules.memory.bytes || BandBytes(padded, side) > kMostBandBytes;
  };
  while (automatic && side / 2 >= least && is_too_large()) {
    side = PaddedSide(side / 2, rules.sides);
  }
  if (bytes_of(side) > rules.memory.bytes) {
    return TileTooLargeForMemory(side, bytes_of(side), rules.memory.bytes, rules.sides);
  }
  return side >= std::max(padded.width, padded.height) ? 0 : side;
}

// Latents as the device and the host hold them, in float32.
std::int64_t LatentsBytes(const RequestRules& rules, PictureSize picture) {
  return Area(LatentsSizeOf(picture, rules.latents)) * rules.latents.channels *
         std::int64_t{sizeof(float)};
}

// A run on `padded`, whose input is a picture where `encodes`, and whose output is one where
// `decodes`.
absl::StatusOr<ModelRun> PlanRun(const RequestRules& rules, const CostModel& costs,
                                 const UpscaleTask& task, PictureSize padded, bool encodes,
                                 bool decodes) {
  UPSCALER_ASSIGN_OR_RETURN(const int tile_side, TileSideFor(rules, task, padded));
  ModelRun run{.key = KeyOf(task, padded, tile_side), .tile_side = tile_side};
  run.tiles = TilePlan(padded.width, padded.height, tile_side, rules.sides.multiple).count();
  run.decoding = decodes ? run.tiles * costs.DecodeTime(run.key) : TimePoint::duration::zero();
  run.work = run.tiles * task.steps * costs.StepTime(run.key, /*rows=*/1) + run.decoding;
  if (encodes) run.work += run.tiles * costs.EncodeTime(run.key);
  run.work_is_guess = !costs.Knows(run.key);
  run.device_bytes = rules.memory.row_bytes(run.key);
  // A tile's own are counted with it.
  if (tile_side > 0) {
    run.device_bytes += LatentsBytes(rules, padded) + LatentsBytes(rules, DoubleOf(padded));
  }
  return run;
}

// What a sample of a file takes at the most, once it is written.
std::int64_t EncodedBytes(const UpscaleTask& task, const PictureHeader& came, PictureSize size) {
  const bool lossless = task.output.lossless || task.output.format == ImageFormat::kPng ||
                        task.output.format == ImageFormat::kTiff;
  if (!lossless) return Area(size);
  const int channels = static_cast<int>(Image::kChannels) + (came.alpha ? 1 : 0);
  return Area(size) * channels * task.output.bits / kBitsPerByte;
}

// What an encoder holds beside the picture and the file.
std::int64_t EncoderBytes(const EncodeOptions& options, PictureSize size) {
  switch (options.format) {
    case ImageFormat::kWebp:
      return Area(size) * (options.lossless ? kLosslessWebpBytes : kWebpBytes);
    case ImageFormat::kAvif:
      return Area(size) * kAvifBytes;
    default:
      return 0;
  }
}

// What a row takes from its last step to its file. In bands, or as a whole, of 16 bits where its
// colours may have to be moved once more.
std::int64_t ResultBytes(const UpscaleTask& task, const PictureHeader& came, PictureSize input,
                         PictureSize padded, int tile_side) {
  const PictureSize answer = ScaledBy(input, task.scale);
  const PictureSize decoded = ScaledBy(padded, task.scale);
  const std::int64_t file = EncodedBytes(task, came, answer) + EncoderBytes(task.output, answer);
  if (tile_side > 0) return file + BandBytes(ScaledBy(padded, task.scale / 2), tile_side);
  const int bits = std::max(came.bits, task.output.bits);
  return file + Area(decoded) * std::int64_t{Image::kChannels} * bits / kBitsPerByte;
}

// The input as it came, turned, filled, resized and padded; and for each row what its largest
// moment takes: its result, and where it is done in tiles, its latents.
std::int64_t HostBytes(const RequestRules& rules, const UpscaleTask& task,
                       const PictureHeader& came, PictureSize input, PictureSize padded,
                       const RequestPlan& plan) {
  const std::int64_t pixel = std::int64_t{Image::kChannels} * came.bits / kBitsPerByte;
  const std::int64_t alpha = came.alpha ? came.bits / kBitsPerByte : 0;
  const std::int64_t arrived = std::int64_t{came.width} * came.height;
  std::int64_t taken_in = LatentsBytes(rules, input) + LatentsBytes(rules, padded);
  if (!task.latents.has_value()) {
    taken_in = (Area(input) + Area(padded)) * pixel + arrived * alpha;
    if (came.turned) taken_in += arrived * (pixel + alpha);
    if (came.alpha) taken_in += arrived * kFillBytes;
    if (task.resize_to.has_value()) taken_in += arrived * pixel;
  }
  std::int64_t row = 0;
  if (task.output_type == OutputType::kLatents) {
    row = LatentsBytes(rules, ScaledBy(padded, task.scale));
  } else {
    row = ResultBytes(task, came, input, padded, plan.runs.back().tile_side);
  }
  for (const ModelRun& run : plan.runs) {
    if (run.tile_side > 0) row += run.device_bytes - rules.memory.row_bytes(run.key);
  }
  return taken_in + task.image_count * row;
}

}  // namespace

TimePoint::duration RequestPlan::work() const {
  return std::accumulate(runs.begin(), runs.end(), TimePoint::duration::zero(),
                         [](auto sum, const ModelRun& run) { return sum + run.work; });
}

bool RequestPlan::work_is_guess() const {
  return std::ranges::any_of(runs, &ModelRun::work_is_guess);
}

std::int64_t RequestPlan::device_bytes() const {
  return std::ranges::max(runs, {}, &ModelRun::device_bytes).device_bytes;
}

absl::StatusOr<RequestPlan> PlanRequest(const RequestRules& rules, const CostModel& costs,
                                        const UpscaleTask& task, const PictureHeader& came) {
  RequestPlan plan;
  UPSCALER_ASSIGN_OR_RETURN(
      plan.input, SizeToUpscale(rules, task, {.width = came.width, .height = came.height}));
  const PictureSize padded = {.width = PaddedSide(plan.input.width, rules.sides),
                              .height = PaddedSide(plan.input.height, rules.sides)};
  UPSCALER_RETURN_IF_ERROR(CheckPaddedSize(rules, task, plan.input, padded));
  if (task.output_type == OutputType::kImage) {
    // Asked before the model runs for a picture that its format cannot hold.
    const PictureSize output = ScaledBy(plan.input, task.scale);
    UPSCALER_RETURN_IF_ERROR(CheckSides(output.width, output.height, task.output.format));
  }
  for (int scale = 1; scale < task.scale; scale *= 2) {
    const bool last = 2 * scale == task.scale;
    UPSCALER_ASSIGN_OR_RETURN(ModelRun run,
                              PlanRun(rules, costs, task, ScaledBy(padded, scale),
                                      /*encodes=*/scale == 1 && !task.latents.has_value(),
                                      /*decodes=*/last && task.output_type == OutputType::kImage));
    plan.runs.push_back(run);
  }
  plan.host_bytes = HostBytes(rules, task, came, plan.input, padded, plan);
  return plan;
}

PictureSize LatentsSizeOf(PictureSize picture, const LatentsRule& rule) {
  return {.width = (picture.width + rule.reduction - 1) / rule.reduction,
          .height = (picture.height + rule.reduction - 1) / rule.reduction};
}

}  // namespace upscaler
