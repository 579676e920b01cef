// The choices of a request by the names that people give them, in REST and on the command line.

#pragma once

#include <optional>
#include <string_view>

#include "proto/upscaler/v1/spec.pb.h"

namespace upscaler {

// "keep" or "drop". What is meant where nothing is said is "keep".
std::string_view AlphaName(v1::AlphaMode mode);

// As AlphaName calls it, or nothing.
std::optional<v1::AlphaMode> AlphaNamed(std::string_view name);

// "keep", "all", "color" or "strip". What is meant where nothing is said is "keep".
std::string_view MetadataName(v1::MetadataMode mode);

// As MetadataName calls it, or nothing.
std::optional<v1::MetadataMode> MetadataNamed(std::string_view name);

}  // namespace upscaler
