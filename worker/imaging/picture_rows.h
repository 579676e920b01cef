// A picture that comes to be from the top.
//
// A large one need not be in memory as a whole: who makes it and who writes it take turns.

#pragma once

#include <absl/status/statusor.h>

#include "worker/imaging/image.h"

namespace upscaler {

// Not thread-safe: one thread at a time asks for rows.
class PictureRows {
 public:
  virtual ~PictureRows() = default;

  // Of the whole picture, in pixels.
  virtual int width() const = 0;
  virtual int height() const = 0;
  // Of each of its samples: 8 or 16.
  virtual int bits() const = 0;

  // The next rows, at least one, of the picture's full width. Requires that there are
  // rows left, which the caller counts, and that none has failed.
  virtual absl::StatusOr<Image> Next() = 0;
};

}  // namespace upscaler
