// Files in which Linux tells of itself, below /proc and /sys.

#pragma once

#include <filesystem>
#include <string>

namespace upscaler {

// What such a file says; "" for one that is not there. Thread-safe.
std::string ReadKernelFile(const std::filesystem::path& path);

}  // namespace upscaler
