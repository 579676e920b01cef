// libvips, started and stopped.

#pragma once

#include <memory>

#include <absl/status/statusor.h>

namespace upscaler {

// Holds libvips ready for the process. One exists for as long as DecodePicture or
// EncodePicture may be called; main creates it. libvips starts once a process, so
// there is no second one after the first has gone.
class VipsLibrary {
 public:
  // Starts libvips: operation cache off, no loaders but those that DecodePicture
  // needs, one thread a call (callers are the threads), nothing on stderr.
  // kInternal when it does not start.
  static absl::StatusOr<std::unique_ptr<VipsLibrary>> Start();

  ~VipsLibrary();
  VipsLibrary(const VipsLibrary&) = delete;
  VipsLibrary& operator=(const VipsLibrary&) = delete;

 private:
  explicit VipsLibrary(unsigned int log_handler) : log_handler_(log_handler) {}

  const unsigned int log_handler_;  // GLib's number for it.
};

}  // namespace upscaler
