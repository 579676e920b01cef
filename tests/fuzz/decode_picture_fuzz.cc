// Any bytes at all as a picture: decoding must refuse or decode them, within its limits.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tests/support/started_vips.h"
#include "worker/imaging/decode.h"
#include "worker/imaging/encode.h"

namespace {

// Small, so that many pictures a second are tried.
constexpr upscaler::DecodeLimits kLimits{.max_pixels = 64 * 64,
                                         .max_frames = 10,
                                         .max_profile_bytes = 1 << 16,
                                         .max_metadata_bytes = 1 << 16};

}  // namespace

// Called by libFuzzer.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  upscaler::test::StartedVips();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto picture = upscaler::DecodePicture(bytes, kLimits, upscaler::AlphaPolicy::kKeep);
  if (!picture.ok()) return 0;
  // What came with it goes back into files of two kinds.
  for (const auto format : {upscaler::ImageFormat::kPng, upscaler::ImageFormat::kJpeg}) {
    const auto encoded =
        upscaler::EncodePicture(picture->image, picture->image.width, picture->image.height,
                                *picture->traits, {.format = format});
    if (!encoded.ok()) std::abort();
  }
  return 0;
}
