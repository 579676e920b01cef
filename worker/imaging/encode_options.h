// How a picture is to be written.

#pragma once

#include <string>

#include "worker/imaging/image_format.h"
#include "worker/imaging/picture_traits.h"

namespace upscaler {

// What an answer keeps of what its picture came with.
enum class MetadataPolicy {
  kKeep,     // EXIF, XMP, IPTC, texts and the colour profile, but not where it was taken.
  kKeepAll,  // That too.
  kColour,   // The colour profile and the resolution alone.
  kStrip,    // Nothing; the pixels are in sRGB.
};

struct EncodeOptions {
  ImageFormat format = ImageFormat::kPng;
  int quality = 90;       // 0 to 100; for JPEG, AVIF and WebP, where they lose something.
  bool lossless = false;  // For WebP and AVIF; PNG and TIFF always are.
  int bits = 8;           // Of a sample; 16 for PNG and TIFF.
  MetadataPolicy metadata = MetadataPolicy::kKeep;
  // How the picture was made, in UTF-8 without zeros: stands in the file, whatever `metadata`
  // says, where Stable Diffusion's programs look for it. "" for nothing.
  std::string parameters{};
};

// Whether the answer to a picture of these traits has grey samples.
bool HasGrey(const PictureTraits& traits, const EncodeOptions& options);
// Whether it is to have the picture's profile.
bool WantsProfile(const PictureTraits& traits, const EncodeOptions& options);
// Whether its colours are moved there from sRGB, for which they need the fractions that 16 bits
// have.
bool MovesColours(const PictureTraits& traits, const EncodeOptions& options);

}  // namespace upscaler
