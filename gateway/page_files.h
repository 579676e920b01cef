// The files of the web page, which are part of the program. The source behind this header is made
// from gateway/page while building (cmake/EmbedFiles.cmake).

#pragma once

#include <span>
#include <string_view>

namespace upscaler {

struct EmbeddedFile {
  std::string_view name;     // "main.js"
  std::string_view content;  // For as long as the program runs.
};

// All files of the page.
std::span<const EmbeddedFile> PageFiles();

}  // namespace upscaler
