// One upscale as the reference computed it: what was asked for, and every stage's
// tensors. tools/reference makes such files.

#pragma once

#include <filesystem>

#include <absl/status/statusor.h>

#include "worker/models/pipeline/pipeline.h"
#include "worker/models/weights/safetensors.h"

namespace upscaler {

struct Golden {
  PipelineRequest request;
  NamedTensors tensors;  // tests/data/golden/README.md names them.
};

// Reads the golden `file`. The picture is the one in `picture`, a file like those
// that clients send; where that is empty, it is taken from the golden, which may
// have left it out to be small.
//
// kFailedPrecondition naming the file and what is wrong with it; kInvalidArgument
// when the picture cannot be read.
absl::StatusOr<Golden> ReadGolden(const std::filesystem::path& file,
                                  const std::filesystem::path& picture);

}  // namespace upscaler
