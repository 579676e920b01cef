// From what a caller asks for to what the worker does: defaults filled in,
// ranges checked.

#pragma once

#include <cstdint>
#include <string>

#include <absl/status/statusor.h>

#include "common/clock.h"
#include "proto/upscaler/v1/spec.pb.h"
#include "worker/upscaler.h"

namespace upscaler {

// The task that `spec` and `encoded_image` describe. `random_seed` stands in for
// a seed that the spec leaves out. kInvalidArgument naming the field that is out
// of range or, for an empty image, "image".
absl::StatusOr<UpscaleTask> MakeTask(const v1::UpscaleSpec& spec, std::string encoded_image,
                                     TimePoint deadline, std::uint32_t random_seed);

// Checks `spec` alone, before there is a picture. As MakeTask.
absl::Status CheckSpec(const v1::UpscaleSpec& spec);

// `task` as a spec in which nothing is left out.
v1::UpscaleSpec EffectiveSpec(const UpscaleTask& task);

v1::ImageFormat ToProto(ImageFormat format);

}  // namespace upscaler
