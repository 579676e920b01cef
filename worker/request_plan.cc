#include "worker/request_plan.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/error_details.h"
#include "common/status_macros.h"
#include "worker/imaging/resize.h"
#include "worker/scheduler/picture_memory.h"

namespace upscaler {
namespace {

// What padding may make of the largest picture allowed.
constexpr std::int64_t kPaddingAllowance = 2;

constexpr std::int64_t kBytesPerPixel = Image::kChannels;

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

// The input as it came, resized and padded, and for each row its result.
std::int64_t HostBytes(const RequestRules& rules, const UpscaleTask& task, PictureSize came,
                       PictureSize input, PictureSize padded) {
  const std::int64_t per_latent = rules.latents.channels * std::int64_t{sizeof(float)};
  const auto latents_bytes = [&](PictureSize size) {
    return Area(LatentsSizeOf(size, rules.latents)) * per_latent;
  };
  const std::int64_t taken_in = task.latents.has_value()
                                    ? latents_bytes(input) + latents_bytes(padded)
                                    : (Area(input) + Area(padded)) * kBytesPerPixel;
  const std::int64_t original = task.resize_to.has_value() ? Area(came) * kBytesPerPixel : 0;
  const std::int64_t result = task.output_type == OutputType::kLatents
                                  ? latents_bytes(DoubleOf(padded))
                                  : Area(DoubleOf(padded)) * kBytesPerPixel;
  return original + taken_in + task.image_count * result;
}

}  // namespace

absl::StatusOr<RequestPlan> PlanRequest(const RequestRules& rules, const CostModel& costs,
                                        const UpscaleTask& task, PictureSize came) {
  UPSCALER_ASSIGN_OR_RETURN(const PictureSize input, SizeToUpscale(rules, task, came));
  const PictureSize padded = {.width = PaddedSide(input.width, rules.sides),
                              .height = PaddedSide(input.height, rules.sides)};
  UPSCALER_RETURN_IF_ERROR(CheckPaddedSize(rules, task, input, padded));
  const PictureSize output = DoubleOf(input);
  if (task.output_type == OutputType::kImage) {
    // Asked before the model runs for a picture that its format cannot hold.
    UPSCALER_RETURN_IF_ERROR(CheckSides(output.width, output.height, task.output.format));
  }
  const BatchKey key = {
      .width = padded.width, .height = padded.height, .guided = task.guidance_scale > 1.0};
  const std::int64_t device_bytes = rules.memory.row_bytes(key);
  if (device_bytes > rules.memory.bytes) {
    return TooLargeForMemory(key, device_bytes, rules.memory.bytes, rules.sides);
  }
  return RequestPlan{.input = input,
                     .key = key,
                     .work = costs.RowTime(key, task.steps),
                     .decoding = costs.DecodeTime(key),
                     .work_is_guess = !costs.Knows(key),
                     .device_bytes = device_bytes,
                     .host_bytes = HostBytes(rules, task, came, input, padded)};
}

PictureSize LatentsSizeOf(PictureSize picture, const LatentsRule& rule) {
  return {.width = (picture.width + rule.reduction - 1) / rule.reduction,
          .height = (picture.height + rule.reduction - 1) / rule.reduction};
}

}  // namespace upscaler
