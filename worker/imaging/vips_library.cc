#include "worker/imaging/vips_library.h"

#include <array>

#include <vips/vips.h>

namespace upscaler {
namespace {

// Warnings about a client's file would go to stderr, in words that the client
// chose; what matters of them comes back as an error.
void IgnoreLogMessage(const gchar* /*domain*/, GLogLevelFlags /*level*/, const gchar* /*message*/,
                      gpointer /*unused*/) {}

// The classes of operations that may read a picture, each with its subclasses for
// files and memory.
constexpr std::array kAllowedLoaders = {"VipsForeignLoadPng",   "VipsForeignLoadJpeg",
                                        "VipsForeignLoadWebp",  "VipsForeignLoadTiff",
                                        "VipsForeignLoadNsgif", "VipsForeignLoadHeif"};

}  // namespace

absl::StatusOr<std::unique_ptr<VipsLibrary>> VipsLibrary::Start() {
  if (VIPS_INIT("upscaler") != 0) {
    vips_error_clear();
    return absl::InternalError("libvips does not start");
  }
  // Every picture is new, so remembered results would only cost memory.
  vips_cache_set_max(0);
  // Callers are the threads.
  vips_concurrency_set(1);
  // What libvips itself does not trust with hostile input, then all other loaders.
  vips_block_untrusted_set(TRUE);
  vips_operation_block_set("VipsForeignLoad", TRUE);
  for (const char* loader : kAllowedLoaders) vips_operation_block_set(loader, FALSE);
  // Not make_unique: the constructor is private.
  return std::unique_ptr<VipsLibrary>(new VipsLibrary(
      g_log_set_handler("VIPS", G_LOG_LEVEL_MASK, &IgnoreLogMessage, /*user_data=*/nullptr)));
}

VipsLibrary::~VipsLibrary() {
  g_log_remove_handler("VIPS", log_handler_);
  vips_shutdown();
}

}  // namespace upscaler
