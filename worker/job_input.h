// What a request brings, from its bytes to what its rows share.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "worker/imaging/decode.h"
#include "worker/imaging/image.h"
#include "worker/imaging/latents.h"
#include "worker/imaging/picture_traits.h"
#include "worker/request_plan.h"
#include "worker/upscale_task.h"

namespace upscaler {

struct JobInput {
  // One of the two, padded.
  std::shared_ptr<const Image> picture = nullptr;
  std::shared_ptr<const Latents> latents = nullptr;
  // What the answers get back beside the pixels; nothing special where latents came.
  std::shared_ptr<const PictureTraits> traits = std::make_shared<const PictureTraits>();
  std::vector<std::string> warnings{};  // For the client.
};

// Asked once, with what is known before memory is taken for pixels, whether the request is
// taken on, and to which size the picture is to be brought first.
using AcceptHeader = absl::FunctionRef<absl::StatusOr<PictureSize>(const PictureHeader& header)>;

// Decodes the picture or reads the latents, and pads them. Transparency is laid over white where
// the task or its format wants none. The errors of DecodePicture, ResizeImage and ParseLatents,
// and that of `accept`. Blocks for as long as it takes. Thread-safe.
absl::StatusOr<JobInput> ReadJobInput(const UpscaleTask& task, const RequestRules& rules,
                                      AcceptHeader accept);

}  // namespace upscaler
