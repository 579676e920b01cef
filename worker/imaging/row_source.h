// A picture that comes to be from the top, as libvips reads one.

#pragma once

#include <cstddef>

#include <absl/status/status.h>

#include "worker/imaging/image.h"
#include "worker/imaging/picture_rows.h"
#include "worker/imaging/vips_image.h"

namespace upscaler {

// Holds one band of rows at a time. Not thread-safe; libvips asks from one thread at a time.
class RowSource {
 public:
  // `rows` must outlive this object, and this object what it makes. Throws vips::VError.
  explicit RowSource(PictureRows& rows);
  RowSource(const RowSource&) = delete;
  RowSource& operator=(const RowSource&) = delete;

  // To be read once, from the top downwards.
  const vips::VImage& picture() const { return picture_; }

  // Why rows failed to come, which libvips knows only as an error.
  const absl::Status& status() const { return error_; }

 private:
  // What libvips calls, from its threads.
  static int Generate(VipsRegion* out, void* sequence, void* self, void* unused, int* stop);

  absl::Status Fill(VipsRegion* out);
  absl::Status Advance();

  PictureRows& rows_;
  absl::Status error_;
  Image band_;        // The rows that came last.
  int band_top_ = 0;  // In the picture.
  vips::VImage picture_;
};

}  // namespace upscaler
