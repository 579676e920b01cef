// A picture as the model's autoencoder writes it down.
//
// Programs that make pictures with Stable Diffusion have latents before they have pixels.
// Taking those spares the loss of decoding and encoding again, and is how the model's
// authors meant it to be used.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "worker/imaging/padding.h"

namespace upscaler {

// The numbers of a tensor, little-endian.
enum class TensorType { kFloat16, kFloat32 };

// Whose autoencoder made them. The families of Stable Diffusion 1 and 2 are one.
enum class LatentsFamily { kStableDiffusion, kServedModel };

// How to read the bytes of latents: [channels, height, width].
struct LatentsForm {
  LatentsFamily family = LatentsFamily::kServedModel;
  TensorType type = TensorType::kFloat32;
  int height = 1;
  int width = 1;

  bool operator==(const LatentsForm&) const = default;
};

// What a model's latents are like.
struct LatentsRule {
  int channels = 4;
  int reduction = 8;  // Sides of the picture, divided by sides of its latents.
  // Whether they are those of Stable Diffusion 1 and 2.
  bool stable_diffusion = true;
};

// Whether latents of this family mean something to the model: kInvalidArgument naming
// "latents.family" otherwise.
absl::Status CheckFamily(LatentsFamily family, const LatentsRule& rule);

// Latents, [channels, height, width] without gaps, scaled for the UNet.
struct Latents {
  int channels = 0;
  int height = 0;
  int width = 0;
  int reduction = 1;  // See LatentsRule.
  std::vector<float> values;

  // Of the picture they stand for, in pixels.
  int picture_width() const { return width * reduction; }
  int picture_height() const { return height * reduction; }

  bool operator==(const Latents&) const = default;
};

// Reads the bytes. kInvalidArgument naming "latents.data" when their number does not fit
// `form` and `rule`, or when one of the numbers is not finite or
// beyond all measure.
absl::StatusOr<Latents> ParseLatents(std::string_view bytes, const LatentsForm& form,
                                     const LatentsRule& rule);

// The values as float32, little-endian.
std::string SerializeLatents(const Latents& latents);

// `latents`, continued by reflection until their picture's sides keep `rule`, as
// PadByReflection does with pixels.
Latents PadByReflection(const Latents& latents, const SideRule& rule);

// The upper left `width` x `height` of every channel. Requires that there is as much.
Latents Crop(const Latents& latents, int width, int height);

}  // namespace upscaler
