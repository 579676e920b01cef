#include "common/kernel_file.h"

#include <fstream>
#include <iterator>

namespace upscaler {

std::string ReadKernelFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace upscaler
