#include "worker/job_preview.h"

#include <algorithm>
#include <string>
#include <utility>

#include <absl/status/statusor.h>

#include "worker/imaging/encode.h"
#include "worker/imaging/within_memory.h"

namespace upscaler {
namespace {

// From 0 to 100: it is looked at for a moment.
constexpr int kPreviewQuality = 80;

// Of what a preview shows, the part that is the picture: without its padding. `input` is what
// the run of the model doubles.
PictureSize PreviewSize(const Image& preview, PictureSize input, const RequestRules& rules) {
  const auto latents_of = [&](int width, int height) {
    return LatentsSizeOf(DoubleOf({.width = width, .height = height}), rules.latents);
  };
  const PictureSize latents = latents_of(input.width, input.height);
  const PictureSize padded =
      latents_of(PaddedSide(input.width, rules.sides), PaddedSide(input.height, rules.sides));
  // A preview of many latents shows every so manieth of them, as the longer side asks for it:
  // from the shorter one, which has few pixels, that cannot be told exactly.
  const int longer = std::max(preview.width, preview.height);
  const int stride = (std::max(padded.width, padded.height) + longer - 1) / longer;
  return {.width = (latents.width + stride - 1) / stride,
          .height = (latents.height + stride - 1) / stride};
}

}  // namespace

std::optional<JobPreview> EncodePreview(const PictureLook& preview, PictureSize input,
                                        const RequestRules& rules, int total_steps) {
  const PictureSize size = PreviewSize(preview.image, ScaledBy(input, 1 << preview.run), rules);
  absl::StatusOr<std::string> encoded = WithinMemory([&] {
    return EncodePicture(preview.image, size.width, size.height, PictureTraits{},
                         {.format = ImageFormat::kJpeg, .quality = kPreviewQuality});
  });
  if (!encoded.ok()) return std::nullopt;
  return JobPreview{.image = preview.index,
                    .number = preview.number,
                    .steps_done = preview.steps_done,
                    .total_steps = total_steps,
                    .size = size,
                    .encoded = *std::move(encoded)};
}

}  // namespace upscaler
