// libvips for a test program. It starts once a process, so tests share it.

#pragma once

#include <memory>

#include "worker/imaging/vips_library.h"

namespace upscaler::test {

// Starts libvips at the first call; it stops when the program ends.
inline VipsLibrary& StartedVips() {
  static const std::unique_ptr<VipsLibrary> library = VipsLibrary::Start().value();
  return *library;
}

}  // namespace upscaler::test
