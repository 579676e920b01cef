// How a picture was made, in the words that other programs read.

#pragma once

#include <cstdint>
#include <string>

#include "worker/upscale_task.h"

namespace upscaler {

// What a picture says of the service that made it.
struct ServiceFacts {
  std::string model;    // Its name.
  std::string digest;   // "sha256:..." of its files; may be "" while it is computed.
  std::string version;  // Of the service.
};

// The text for EncodeOptions::parameters, in the form that Stable Diffusion's web UIs write and
// read: the prompt, the negative prompt, and a line of settings. Empty where the task wants none.
std::string DescribeParameters(const UpscaleTask& task, std::uint64_t seed, PictureSize size,
                               const ServiceFacts& service);

}  // namespace upscaler
