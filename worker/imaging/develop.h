// From a file's own samples to what the model sees, and what is kept beside it.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "worker/imaging/alpha_policy.h"
#include "worker/imaging/colour_transform.h"
#include "worker/imaging/image.h"
#include "worker/imaging/picture_traits.h"
#include "worker/imaging/vips_image.h"

namespace upscaler {

// EXIF's orientation of a picture that need not be turned.
inline constexpr int kUpright = 1;

// How the pixels of one file will be read. Nothing of them is decoded yet.
struct Development {
  vips::VImage samples;  // `channels` bands, and one more where there is alpha; 8 or 16 bits.
  int channels = 3;      // 1 where it is grey.
  bool alpha = false;
  int orientation = kUpright;  // EXIF's: how `samples` lie.
  std::optional<ColourTransform> to_srgb{};
  // Of PictureTraits.
  std::string profile{};
  bool profile_is_srgb = false;
  std::vector<std::string> warnings{};

  int sample_bits() const { return samples.format() == VIPS_FORMAT_USHORT ? 16 : 8; }
  // Of the picture that comes of it. Colours that were moved have fractions of a level, without
  // which they would not find back.
  int image_bits() const { return to_srgb.has_value() ? 16 : sample_bits(); }
};

// Throws vips::VError.
Development PlanDevelopment(const vips::VImage& header);

struct DevelopedPicture {
  Image image;
  std::shared_ptr<const AlphaPlane> alpha{};
};

// Decodes. Throws vips::VError.
DevelopedPicture Develop(const Development& plan, AlphaPolicy policy);

}  // namespace upscaler
