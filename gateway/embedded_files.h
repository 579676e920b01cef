// Files that are part of the program. The sources behind this header are made from them while
// building (cmake/EmbedFiles.cmake).

#pragma once

#include <span>
#include <string_view>

namespace upscaler {

struct EmbeddedFile {
  std::string_view name;     // "main.js"
  std::string_view content;  // For as long as the program runs.
};

// The files of gateway/page: the web page.
std::span<const EmbeddedFile> PageFiles();

// gateway/openapi.json alone.
std::span<const EmbeddedFile> ApiFiles();

}  // namespace upscaler
