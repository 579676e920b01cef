#include "worker/imaging/encode_options.h"

namespace upscaler {

bool HasGrey(const PictureTraits& traits, const EncodeOptions& options) {
  return traits.grey && FormatHasGrey(options.format);
}

bool WantsProfile(const PictureTraits& traits, const EncodeOptions& options) {
  // A profile of greys says nothing about colours, which the format may make of them.
  const bool fits = traits.grey == HasGrey(traits, options);
  return !traits.profile.empty() && options.metadata != MetadataPolicy::kStrip && fits;
}

bool MovesColours(const PictureTraits& traits, const EncodeOptions& options) {
  return WantsProfile(traits, options) && !traits.profile_is_srgb;
}

}  // namespace upscaler
