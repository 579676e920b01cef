// From the model's sRGB back to the colours of the picture that came.

#pragma once

#include <optional>

#include "worker/imaging/colour_transform.h"
#include "worker/imaging/encode_options.h"
#include "worker/imaging/picture_traits.h"
#include "worker/imaging/vips_image.h"

namespace upscaler {

// Not thread-safe in itself; what it makes may be computed on any thread.
class AnswerColours {
 public:
  // For pictures of `image_bits`, 8 or 16.
  AnswerColours(const PictureTraits& traits, const EncodeOptions& options, int image_bits);
  AnswerColours(const AnswerColours&) = delete;
  AnswerColours& operator=(const AnswerColours&) = delete;

  // Whether the answer may carry the profile of `traits`: its colours are in it.
  bool keeps_profile() const { return keeps_profile_; }

  // `rgb` in the answer's colours, grey where the picture was and the format can be, and with
  // the answer's bits. Computed when it is asked for, while this object must be there. Throws
  // vips::VError.
  vips::VImage Apply(const vips::VImage& rgb) const;

 private:
  static int Generate(VipsRegion* out, void* sequence, void* image, void* self, int* stop);

  vips::VImage Moved(const vips::VImage& rgb) const;

  const int bits_;
  const int channels_;
  bool keeps_profile_ = false;
  std::optional<ColourTransform> from_srgb_{};
};

// `samples` with 8 or 16 bits, rounded to the nearest: libvips itself drops the lower byte, which
// darkens a picture by half a level. Throws vips::VError.
vips::VImage WithBits(const vips::VImage& samples, int bits);

}  // namespace upscaler
