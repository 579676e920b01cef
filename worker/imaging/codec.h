// Bare pictures from files' bytes and back, for whoever has no use for the rest.

#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <absl/status/statusor.h>

#include "worker/imaging/decode.h"
#include "worker/imaging/encode.h"
#include "worker/imaging/image.h"

namespace upscaler {

// As DecodePicture, laid over white.
inline absl::StatusOr<Image> DecodeImage(std::string_view encoded, const DecodeLimits& limits) {
  absl::StatusOr<DecodedPicture> picture = DecodePicture(encoded, limits, AlphaPolicy::kDrop);
  if (!picture.ok()) return picture.status();
  return std::move(picture->image);
}

// As EncodePicture, with nothing beside the pixels.
inline absl::StatusOr<std::string> EncodeImage(const Image& image, const EncodeOptions& options) {
  return EncodePicture(image, image.width, image.height, {}, options);
}

}  // namespace upscaler
