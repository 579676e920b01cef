// From a picture's own colours to the model's sRGB, and back.
//
// With LittleCMS itself, which libvips uses too: libvips goes back to a profile in memory only
// by way of CIELAB, and what is dark comes back up to 23 levels off.

#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

namespace upscaler {

// How pixels lie in memory: interleaved samples of 8 or 16 bits, 1 (grey) or 3 (RGB) a pixel.
struct SampleForm {
  int channels = 3;
  int bits = 8;
};

// Immutable, thread-safe.
class ColourTransform {
 public:
  // Nothing where `profile` is no ICC profile of that many channels, or only goes the other way.
  static std::optional<ColourTransform> ToSrgb(std::string_view profile, SampleForm from,
                                               int to_bits);
  static std::optional<ColourTransform> FromSrgb(std::string_view profile, int from_bits,
                                                 SampleForm to);

  // `from` and `to` may not overlap.
  void Apply(const void* from, void* to, std::size_t pixels) const;

 private:
  explicit ColourTransform(std::shared_ptr<void> transform) : transform_(std::move(transform)) {}

  std::shared_ptr<void> transform_;  // LittleCMS'. Shared, so that a transform can be copied.
};

// Whether colours in `profile` are sRGB's, to within one of 255 levels.
bool IsSrgb(std::string_view profile, int channels);

}  // namespace upscaler
