// The contract's enums as the worker's, and back.

#pragma once

#include <optional>

#include "proto/upscaler/v1/spec.pb.h"
#include "worker/upscale_task.h"

namespace upscaler {

// What is meant, the server's choice where nothing is said; nothing for a number that this
// server does not know.
std::optional<ImageFormat> FromProto(v1::ImageFormat format);
std::optional<OutputType> FromProto(v1::OutputType type);
std::optional<AlphaPolicy> FromProto(v1::AlphaMode mode);
std::optional<MetadataPolicy> FromProto(v1::MetadataMode mode);

v1::ImageFormat ToProto(ImageFormat format);
v1::OutputType ToProto(OutputType type);
v1::AlphaMode ToProto(AlphaPolicy policy);
v1::MetadataMode ToProto(MetadataPolicy policy);

}  // namespace upscaler
