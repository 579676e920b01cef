// What a picture has beside the pixels that the model sees, and its answer gets back.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace upscaler {

// How opaque each pixel is: [height, width], samples as those of Image.
struct AlphaPlane {
  int width = 0;
  int height = 0;
  int bits = 8;
  std::vector<std::uint8_t> samples;

  bool operator==(const AlphaPlane&) const = default;
};

// Immutable once a picture is decoded. Everything is as the file had it; what is left out of an
// answer is decided when that is encoded.
struct PictureTraits {
  int bits = 8;       // 16 where the file has more than 8 bits a sample.
  bool grey = false;  // Whether the file has no colours.
  // Nothing where the file has none, or where it was laid over white. At the size at which the
  // picture was decoded, whatever the picture was resized to since.
  std::shared_ptr<const AlphaPlane> alpha{};

  // An ICC profile to which the colours can go back; "" where there is none. `profile_is_srgb`
  // says that they need not go anywhere.
  std::string profile{};
  bool profile_is_srgb = false;

  std::string exif{};         // A TIFF structure, with or without "Exif\0\0" before it.
  std::string xmp{};          // XML.
  std::string iptc{};         // As Photoshop's resources, or bare.
  std::string description{};  // TIFF's ImageDescription.
  std::string png_text{};     // Whole chunks of text as they stood in a PNG, XMP's left out.

  // In pixels a millimetre; 0 where the file doesn't say.
  double horizontal_resolution = 0;
  double vertical_resolution = 0;
};

}  // namespace upscaler
