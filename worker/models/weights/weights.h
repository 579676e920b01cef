// The weights of one component, however its folder keeps them.
//
// A folder has one file, or several with an index, each perhaps in a variant
// (fp16, say); this is where that is sorted out, so that the rest sees names and
// tensors alone.

#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "worker/models/weights/safetensors.h"

namespace upscaler {

struct Weights {
  std::filesystem::path folder;  // For messages.
  NamedTensors tensors;
};

// Opens the weights of `folder`, whose files are called after `stem`:
// "diffusion_pytorch_model" or "model". Looks for
//
//   <stem>.safetensors            or, sharded, <stem>.safetensors.index.json
//   <stem>.<variant>.safetensors  or <stem>.safetensors.index.<variant>.json
//                                 or <stem>.<variant>.safetensors.index.json
//
// and takes what it finds first. A variant that is asked for must be there; when
// none is asked for (""), the fp16 one stands in where there is no plain one.
//
// kFailedPrecondition when there is nothing to read (pickled .bin files are never
// read), or when a file or the index is damaged. Thread-safe.
absl::StatusOr<Weights> OpenWeights(const std::filesystem::path& folder, std::string_view stem,
                                    std::string_view variant);

}  // namespace upscaler
