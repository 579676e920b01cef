#include "server/service/estimate.h"

#include <cstdint>
#include <string>

#include <fmt/format.h>

#include "common/error_details.h"
#include "common/status_macros.h"
#include "server/service/call_events.h"
#include "server/service/validation.h"

namespace upscaler {
namespace {

// Of a picture's side; what is really taken is far less, and known to the worker.
constexpr std::uint32_t kMaxSide = 1 << 20;

// Stands for the bytes that an estimate does not have.
constexpr const char* kNoBytes = "-";

TaskInput InputOf(const v1::EstimateUpscaleRequest& request) {
  if (!request.has_latents()) return {.bytes = kNoBytes};
  return {.bytes = kNoBytes, .latents = request.latents()};
}

absl::StatusOr<int> ReadSide(const char* field, std::uint32_t side) {
  if (side >= 1 && side <= kMaxSide) return static_cast<int>(side);
  return InvalidField(field, fmt::format("{} given; 1 to {} is allowed", side, kMaxSide));
}

absl::StatusOr<PictureSize> ReadSize(const v1::ImageSize& size) {
  UPSCALER_ASSIGN_OR_RETURN(const int width, ReadSide("image_size.width", size.width()));
  UPSCALER_ASSIGN_OR_RETURN(const int height, ReadSide("image_size.height", size.height()));
  return PictureSize{.width = width, .height = height};
}

}  // namespace

absl::StatusOr<v1::EstimateUpscaleResponse> EstimateUpscale(
    const CallContext& context, const v1::EstimateUpscaleRequest& request) {
  UPSCALER_ASSIGN_OR_RETURN(const Upscaler* upscaler, UpscalerOf(context));
  UPSCALER_ASSIGN_OR_RETURN(const UpscaleTask task,
                            MakeTask(request.spec(), InputOf(request), TimePoint::max(),
                                     /*random_seed=*/0));
  PictureSize size;
  if (task.latents.has_value()) {
    const int reduction = upscaler->rules().latents.reduction;
    size = {.width = task.latents->width * reduction, .height = task.latents->height * reduction};
  } else if (request.has_image_size()) {
    UPSCALER_ASSIGN_OR_RETURN(size, ReadSize(request.image_size()));
  } else {
    return InvalidField("input", "nothing given; image_size or latents is wanted");
  }
  UPSCALER_ASSIGN_OR_RETURN(const UpscaleEstimate estimate,
                            upscaler->Estimate(task, {.width = size.width, .height = size.height}));

  v1::EstimateUpscaleResponse response;
  *response.mutable_effective_spec() = EffectiveSpec(task);
  if (!request.spec().has_seed()) response.mutable_effective_spec()->clear_seed();
  *response.mutable_output_size() = ToProto(estimate.output);
  response.set_tile_count(static_cast<std::uint32_t>(estimate.tiles));
  response.set_device_memory_bytes(static_cast<std::uint64_t>(estimate.device_bytes));
  response.set_host_memory_bytes(static_cast<std::uint64_t>(estimate.host_bytes));
  if (estimate.work.has_value()) *response.mutable_work() = ToProto(*estimate.work);
  if (estimate.until_done.has_value()) *response.mutable_eta() = ToProto(*estimate.until_done);
  return response;
}

}  // namespace upscaler
