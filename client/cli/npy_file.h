// Latents as NumPy's files, which is how programs in Python hand tensors on.

#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "proto/upscaler/v1/spec.pb.h"

namespace upscaler {

struct NpyTensor {
  v1::LatentsInfo info{};  // Without the family, which a file does not tell.
  std::string numbers{};   // Little-endian, in rows without gaps.
};

// Reads a .npy file of float16 or float32 and of the shape [channels, height, width] or
// [1, channels, height, width], in C order. kInvalidArgument for anything else.
absl::StatusOr<NpyTensor> ReadNpy(std::string_view file);

// The .npy file of `numbers`, float32, of the shape [channels, height, width]: the height
// and the width are those of `info`, the channels follow from the number of numbers.
// kInvalidArgument where they do not fit.
absl::StatusOr<std::string> MakeNpy(const v1::LatentsInfo& info, std::string_view numbers);

}  // namespace upscaler
