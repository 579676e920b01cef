// What comes of a row, to the bytes of its answer.

#pragma once

#include <cstdint>

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>

#include "worker/imaging/encode_options.h"
#include "worker/imaging/latents.h"
#include "worker/imaging/picture_traits.h"
#include "worker/queue/reply.h"
#include "worker/upscale_task.h"

namespace upscaler {

// How a row's result is to be written.
struct OutputForm {
  PictureSize size;  // Of the answer, or for latents of the picture that they stand for.
  std::uint64_t seed = 0;
  const PictureTraits& traits;  // Of the picture that came.
  EncodeOptions options;
  LatentsRule latents;
};

// Told how much of a picture that comes in bands has come, from 0 to 1.
using BandProgress = absl::FunctionRef<void(double share)>;

// Crops and encodes a picture, or latents; a picture that comes in bands is never there as a
// whole. The errors of EncodePicture. Blocks for as long as it takes, bands included.
absl::StatusOr<UpscaledPicture> WriteJobOutput(RowOutput output, const OutputForm& form,
                                               BandProgress progress);

}  // namespace upscaler
