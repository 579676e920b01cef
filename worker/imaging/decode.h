// Pictures of any kind, from files' bytes to what the model sees.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "worker/imaging/alpha_policy.h"
#include "worker/imaging/image.h"
#include "worker/imaging/picture_traits.h"

namespace upscaler {

struct DecodeLimits {
  std::int64_t max_pixels = 1 << 21;  // Width times height of the picture.
  int max_frames = 1000;              // Of an animation, or pages.
  std::size_t max_profile_bytes = 4 << 20;
  std::size_t max_metadata_bytes = 4 << 20;  // EXIF, XMP, IPTC and texts together.
};

// What is known of a picture before its pixels are decoded.
struct PictureHeader {
  int width = 0;  // Upright.
  int height = 0;
  int bits = 8;         // Of the Image that it becomes.
  bool alpha = false;   // Whether the file can be transparent anywhere.
  bool turned = false;  // Whether it does not lie upright in the file: it is copied once more.
};

struct DecodedPicture {
  Image image;  // Upright, in sRGB.
  // Shared by the answers of one request.
  std::shared_ptr<const PictureTraits> traits;
  std::vector<std::string> warnings{};  // For the client.
};

// Decodes the formats that ReadableFormats() names; of an animation, the first frame.
//
// The picture's colours come through its ICC profile where that is sound, as browsers do it;
// the profile is kept if colours can go back to it. Grey, inks and CIELAB become sRGB; EXIF's
// orientation is applied. Files of more than 8 bits a sample become Images of 16, and so do those
// whose colours had to be moved. Where alpha is kept, what is wholly transparent gets the colours
// around it (FillTransparent).
//
// The header is checked against `limits`, and `check` is asked about it, before memory is taken
// for pixels. kInvalidArgument naming the field "image" when the bytes are empty, of another
// format (reason UNSUPPORTED_IMAGE_FORMAT if it is known by name), damaged, or beyond the limits
// (reasons TOO_MANY_PIXELS, TOO_MANY_FRAMES, METADATA_TOO_LARGE); the status of `check` when that
// is not OK. Blocks for as long as decoding takes. Thread-safe, once a VipsLibrary exists.
using HeaderCheck = absl::FunctionRef<absl::Status(const PictureHeader& header)>;
absl::StatusOr<DecodedPicture> DecodePicture(std::string_view encoded, const DecodeLimits& limits,
                                             AlphaPolicy alpha, HeaderCheck check);
absl::StatusOr<DecodedPicture> DecodePicture(std::string_view encoded, const DecodeLimits& limits,
                                             AlphaPolicy alpha);

}  // namespace upscaler
