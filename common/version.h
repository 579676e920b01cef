// The version of this build, as every program's --version prints it.

#pragma once

#include <string_view>

namespace upscaler {

inline constexpr std::string_view kVersion = UPSCALER_VERSION;

}  // namespace upscaler
