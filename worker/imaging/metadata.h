// What a file says about its picture, from libvips and back.

#pragma once

#include <cstddef>
#include <string>

#include <absl/status/status.h>

#include "worker/imaging/encode_options.h"
#include "worker/imaging/picture_traits.h"
#include "worker/imaging/vips_image.h"

namespace upscaler {

struct MetadataLimits {
  std::size_t max_profile_bytes = 0;
  std::size_t max_metadata_bytes = 0;  // EXIF, XMP, IPTC and description together.
};

// kInvalidArgument naming the field "image", reason METADATA_TOO_LARGE, beyond the limits.
absl::Status CheckMetadata(const vips::VImage& header, const MetadataLimits& limits);

// All that `header` has but its colour profile and what stands in a PNG's texts.
void TakeMetadata(const vips::VImage& header, PictureTraits& traits);

// `answer`, carrying for libvips' writers what `options` let it keep. Throws vips::VError.
vips::VImage WithMetadata(const vips::VImage& answer, const PictureTraits& traits,
                          const EncodeOptions& options);

// The chunks that a PNG gets beside what libvips writes into it.
std::string PngMetadata(int width, int height, const PictureTraits& traits,
                        const EncodeOptions& options);

}  // namespace upscaler
